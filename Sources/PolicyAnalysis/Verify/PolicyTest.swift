import PolicyModel

/// What policies must allow and deny.
public struct PolicyTest: Sendable, Hashable {
    /// Who is meant by one side.
    public enum End: Sendable, Hashable {
        /// As `Workload.isMeant`.
        case workload(String)
        case address(IPAddress)
        /// All that is there must hold.
        case labels(selector: Selector?, namespaceSelector: NamespaceSelector?, namespace: String?)
    }

    public struct Case: Sendable, Hashable {
        public var name: String
        public var source: End
        public var destination: End
        /// Each by itself; empty: all connections.
        public var ports: [PortSpecification]
        public var isAllowed: Bool
    }

    public struct Invariant: Sendable, Hashable {
        public var name: String
        public var source: End
        public var destination: End
        public var hops: Int
        /// Paths of each by itself; empty: of any connections.
        public var ports: [PortSpecification]
    }

    public var name: String
    public var cases: [Case] = []
    public var invariants: [Invariant] = []
}

extension PolicyTest {
    /// Reads a PolicyTest; throws all that is wrong with it.
    public init(object: JSONValue) throws(ValidationError) {
        var errors = Validator.validate(object, kind: Kinds.policyTest)
        name = object["metadata"]?["name"]?.stringValue ?? ""
        let spec = object["spec"] ?? .null
        for (index, value) in Self.elements(spec["cases"], path: "spec.cases", &errors).enumerated() {
            let path = "spec.cases[\(index)]"
            let source = Self.end(value["from"], "\(path).from", &errors)
            let destination = Self.end(value["to"], "\(path).to", &errors)
            let ports = Self.ports(value["ports"], path, &errors)
            guard let name = Self.name(value, path, &errors), let source, let destination else { continue }
            if case (.address, .address) = (source, destination) {
                errors.append(FieldError(path: "\(path).to", message: "no policy decides between two addresses: one end must be workloads"))
            }
            cases.append(
                Case(
                    name: name, source: source, destination: destination, ports: ports,
                    isAllowed: value["expect"]?.stringValue == "Allowed"))
        }
        for (index, value) in Self.elements(spec["invariants"], path: "spec.invariants", &errors).enumerated() {
            let path = "spec.invariants[\(index)]"
            let source = Self.end(value["from"], "\(path).from", &errors)
            let destination = Self.end(value["to"], "\(path).to", &errors)
            let ports = Self.ports(value["ports"], path, &errors)
            guard let name = Self.name(value, path, &errors), let source, let destination else { continue }
            invariants.append(
                Invariant(
                    name: name, source: source, destination: destination, hops: Int(value["hops"]?.integerValue ?? 1), ports: ports))
        }
        if errors.isEmpty, cases.isEmpty, invariants.isEmpty {
            errors.append(FieldError(path: "spec", message: "tests nothing: write cases or invariants"))
        }
        if !errors.isEmpty { throw ValidationError(errors) }
    }

    private static func elements(_ value: JSONValue?, path: String, _ errors: inout [FieldError]) -> [JSONValue] {
        let elements = value?.arrayValue ?? []
        guard elements.count <= PolicyTestLimits.casesPerTest else {
            errors.append(
                FieldError(
                    path: path, message: "\(elements.count) are more than the limit of \(PolicyTestLimits.casesPerTest): make several tests"))
            return []
        }
        return elements
    }

    private static func name(_ value: JSONValue, _ path: String, _ errors: inout [FieldError]) -> String? {
        guard let name = value["name"]?.stringValue else { return nil }
        if name.isEmpty { errors.append(FieldError(path: "\(path).name", message: "must not be empty")) }
        return name
    }

    private static func ports(_ value: JSONValue?, _ path: String, _ errors: inout [FieldError]) -> [PortSpecification] {
        let texts = value?.arrayValue ?? []
        if texts.count > PolicyTestLimits.portsPerCase {
            errors.append(
                FieldError(path: "\(path).ports", message: "\(texts.count) ports are more than the limit of \(PolicyTestLimits.portsPerCase)"))
        }
        var ports: [PortSpecification] = []
        for (index, text) in texts.enumerated() {
            do throws(PortSpecificationError) { ports.append(try PortSpecification(text.stringValue ?? "")) } catch {
                errors.append(FieldError(path: "\(path).ports[\(index)]", message: error.description))
            }
        }
        return ports
    }

    /// nil where there is nothing that the schema has not told of.
    private static func end(_ value: JSONValue?, _ path: String, _ errors: inout [FieldError]) -> End? {
        guard let members = value?.objectValue else { return nil }
        let texts = members.compactMapValues { value in value.stringValue.flatMap { $0.isEmpty ? nil : $0 } }
        func fail(_ member: String, _ message: String) -> End? {
            errors.append(FieldError(path: member.isEmpty ? path : "\(path).\(member)", message: message))
            return nil
        }
        if texts.isEmpty { return fail("", "names nobody: write workload, address, selector, namespaceSelector or namespace") }
        for alone in ["workload", "address"] where texts[alone] != nil && texts.count > 1 {
            return fail(alone, "stands alone: remove the other members, or this one")
        }
        if let workload = texts["workload"] { return .workload(workload) }
        if let text = texts["address"] {
            return IPAddress(text).map(End.address) ?? fail("address", "\"\(text)\" is no address: write one such as 203.0.113.7")
        }
        do throws(SelectorParseError) {
            let selector = try texts["selector"].map { text throws(SelectorParseError) in try Selector(text) }
            if selector?.subjectKeys.isEmpty == false {
                return fail("selector", "sameNamespace() and sameLabel() compare with the endpoint of a policy, which is none here")
            }
            return .labels(
                selector: selector,
                namespaceSelector: try texts["namespaceSelector"].map { text throws(SelectorParseError) in try NamespaceSelector(text) },
                namespace: texts["namespace"])
        } catch {
            return fail("selector", error.description)
        }
    }
}
