import PolicyEngine
import PolicyModel

/// A Service, as far as rules are confused with it.
public struct LintService: Sendable, Hashable {
    public struct Port: Sendable, Hashable {
        public var number: UInt16
        /// nil: the service's own number, or a name.
        public var target: UInt16?
        public var transport: TransportProtocol
    }

    public var namespace: String
    public var name: String
    public var addresses: [IPAddress]
    public var ports: [Port]
    /// The labels of its backends; empty: it picks none.
    public var selector: [String: String]

    /// Reads a Service of Kubernetes; nil for other objects. What cannot be read of it is left out.
    public init?(object: JSONValue) {
        guard Kinds.find(object)?.resource == Kinds.service.resource, let name = object["metadata"]?["name"]?.stringValue else {
            return nil
        }
        let spec = object["spec"] ?? .null
        namespace = object["metadata"]?["namespace"]?.stringValue ?? ""
        self.name = name
        let texts = [spec["clusterIP"]].compactMap { $0?.stringValue }
            + (spec["clusterIPs"]?.arrayValue ?? []).compactMap(\.stringValue)
        addresses = Set(texts.compactMap { IPAddress($0) }).sorted()
        selector = (spec["selector"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
        ports = (spec["ports"]?.arrayValue ?? []).compactMap { port in
            guard let number = port["port"]?.integerValue.flatMap({ UInt16(exactly: $0) }) else { return nil }
            return Port(
                number: number, target: port["targetPort"]?.integerValue.flatMap { UInt16(exactly: $0) },
                transport: TransportProtocol(name: port["protocol"]?.stringValue ?? "TCP") ?? .tcp)
        }
    }
}

/// Who is in a world, so that selectors can be asked whom they pick.
struct LintWorld {
    struct Member {
        var labels: [String: String]
        /// Of the network set; nil for endpoints.
        var networkSet: String?
        var ports: Set<NamedPort>
    }

    let world: PolicyWorld
    let services: [LintService]
    /// Endpoints that are alike in labels and ports once, then network sets.
    let members: [Member]
    private var holders: [String: [String: [Int]]] = [:]
    let portNames: Set<String>

    init(_ world: PolicyWorld, services: [LintService]) {
        self.world = world
        self.services = services
        let oracle = PolicyOracle(world: world)
        struct Kind: Hashable {
            var labels: [String: String]
            var ports: Set<NamedPort>
        }
        var kinds: Set<Kind> = []
        for endpoint in world.endpoints.values {
            kinds.insert(Kind(labels: oracle.effectiveLabels(of: endpoint.key) ?? [:], ports: Set(endpoint.ports)))
        }
        members = kinds.map { Member(labels: $0.labels, networkSet: nil, ports: $0.ports) }
            + oracle.networkSets.map { Member(labels: $0.labels, networkSet: $0.name, ports: []) }
        for (index, member) in members.enumerated() {
            for (key, value) in member.labels { holders[key, default: [:]][value, default: []].append(index) }
        }
        portNames = Set(kinds.flatMap { $0.ports.map(\.name) })
    }

    /// Whether there are workloads at all: without any, nothing is said of whom selectors pick.
    var hasWorkloads: Bool { members.first.map { $0.networkSet == nil } ?? false }

    /// The first member that matches a formula of `LabelFormula` and the condition.
    func first(matching formula: Selector, where condition: (Member) -> Bool = { _ in true }) -> Member? {
        let required = LabelFormula.requirements(formula).map { key, values in
            values.flatMap { holders[key]?[$0] ?? [] }
        }
        if let fewest = required.min(by: { $0.count < $1.count }) {
            return fewest.lazy.map { members[$0] }.first { LabelSolver.matches(formula, $0.labels) && condition($0) }
        }
        return members.first { LabelSolver.matches(formula, $0.labels) && condition($0) }
    }
}
