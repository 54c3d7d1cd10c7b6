import Dataplane
import PolicyEngine
import PolicyModel

/// What must hold of any bytes taken for a selector.
public enum FuzzedSelector {
    private static let node = "node"
    private static let subject = EndpointKey(namespace: "default", name: "subject")
    private static let address = IPAddress(v4: 0x0a00_0001)

    /// A sentence when something does not hold; nil when the text is refused or means the same to all.
    ///
    /// The first line is the selector, each further one a label `KEY=VALUE` of the workload that it is held against.
    public static func finding(_ bytes: [UInt8]) -> String? {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard let text = lines.first.map({ String(decoding: $0, as: UTF8.self) }), let selector = try? Selector(text) else {
            return nil
        }
        let printed = selector.description
        guard (try? Selector(printed)) == selector else { return "\(text) is printed as \(printed), which means something else" }
        var labels: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { labels[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self) }
        }
        return disagreement(selector, labels)
    }

    /// A policy with this selector denies what the subject gets: as the oracle and as the compiled tables see it.
    private static func disagreement(_ selector: Selector, _ labels: [String: String]) -> String? {
        var world = PolicyWorld.builtIn
        world.endpoints[subject] = WorkloadEndpoint(
            key: subject, labels: labels, node: node, interfaceName: "eth0", addresses: [address])
        let policy = Policy(
            reference: PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "fuzzed"), selector: selector, directions: [.ingress])
        world.policies[policy.reference] = policy
        var compiler = VerdictCompiler()
        let packet = PacketTuple(
            source: IPAddress(v4: 0xc000_0201), destination: address, transport: .tcp, sourcePort: 40_000, destinationPort: 80)
        let given = TableEvaluator(tables: compiler.compile(world, node: node))
            .decide(endpoint: subject, direction: .ingress, packet: packet)
        let wanted = PolicyOracle(world: world).decide(endpoint: subject, direction: .ingress, packet: packet)
        return given == wanted ? nil : "\(selector) over \(labels): \(wanted) to the oracle, \(String(describing: given)) in the tables"
    }
}
