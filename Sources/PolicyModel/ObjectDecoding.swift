/// Reads members of objects that have been validated.
enum ObjectDecoding {
    /// Throws what is wrong with the object, but passes over unknown members, and over those of policy.networking.k8s.io that
    /// make a rule fail closed.
    static func validated(_ object: JSONValue, _ kinds: [ResourceKind]) throws(ValidationError) -> ResourceKind {
        guard let kind = Kinds.find(object), kinds.contains(where: { $0.resource == kind.resource }) else {
            let names = SchemaChecker.choice(kinds.map { "\($0.apiVersion) \($0.kind)" })
            throw ValidationError([FieldError(path: "kind", message: "must be \(names)", reason: .notSupported)])
        }
        let errors = Validator.errors(in: object, kind: kind, failsClosed: true).filter { error in
            error.reason != .unknown && !(error.reason == .notEnforcedYet && ClusterPolicyForm(kind) != nil)
        }
        guard errors.isEmpty else { throw ValidationError(errors) }
        return kind
    }

    /// For what validation excludes: a difference between the two must be loud, and never a rule that is left out.
    static func unreadable(_ path: String) -> ValidationError {
        ValidationError([FieldError(path: path, message: "cannot be read", reason: .invalid)])
    }

    /// Empty when absent.
    static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "" }

    static func name(_ object: JSONValue) -> String { text(object["metadata"]?["name"]) }

    static func namespace(_ object: JSONValue) -> String { text(object["metadata"]?["namespace"]) }

    static func labels(_ object: JSONValue) -> [String: String] { map(object["metadata"]?["labels"]) }

    static func map(_ value: JSONValue?) -> [String: String] {
        (value?.objectValue ?? [:]).compactMapValues(\.stringValue)
    }

    static func texts(_ value: JSONValue?) -> [String] { (value?.arrayValue ?? []).compactMap(\.stringValue) }

    static func denyAction(_ object: JSONValue) -> DenyAction? {
        DenyAction(rawValue: text(object["metadata"]?["annotations"]?[DenyAction.annotation]))
    }

    static func selector(_ value: JSONValue?, path: String) throws(ValidationError) -> Selector? {
        let text = text(value)
        if text.isEmpty { return nil }
        do { return try Selector(text) } catch {
            throw ValidationError([FieldError(path: path, message: error.description)])
        }
    }

    static func namespaceSelector(_ value: JSONValue?, path: String) throws(ValidationError) -> NamespaceSelector? {
        let text = text(value)
        if text.isEmpty { return nil }
        do { return try NamespaceSelector(text) } catch {
            throw ValidationError([FieldError(path: path, message: error.description)])
        }
    }

    static func blocks(_ value: JSONValue?, path: String) throws(ValidationError) -> [AddressBlock] {
        var blocks: [AddressBlock] = []
        for (index, element) in (value?.arrayValue ?? []).enumerated() {
            guard let block = AddressBlock(text(element)) else { throw unreadable("\(path)[\(index)]") }
            blocks.append(block)
        }
        return blocks
    }

    static func transport(_ value: JSONValue?, path: String) throws(ValidationError) -> TransportProtocol? {
        guard let value, !value.isNull else { return nil }
        guard let transport = TransportProtocol(PolicyRules.normalized(value)) else { throw unreadable(path) }
        return transport
    }

    /// Those in `types`; without any, those that Calico derives from the rules.
    static func directions(_ spec: JSONValue) -> Set<Direction> {
        Set(types(spec).map { $0 == "Egress" ? .egress : .ingress })
    }

    /// Calico's default: Ingress unless there are egress rules alone; Egress if there are any.
    static func types(_ spec: JSONValue) -> [String] {
        if let types = spec["types"]?.arrayValue, !types.isEmpty { return types.compactMap(\.stringValue) }
        let isEmpty = { (member: String) in spec[member]?.arrayValue?.isEmpty ?? true }
        if isEmpty("egress") { return ["Ingress"] }
        return isEmpty("ingress") ? ["Egress"] : ["Ingress", "Egress"]
    }
}
