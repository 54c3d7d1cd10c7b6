import Datastore
import Foundation
import NodeAgent
import PolicyEngine
import PolicyModel
import WorkloadSources

/// What begins to be denied when the stored policies come into force for workloads that nothing polices yet.
///
/// Containers are told of when they are adopted; this is for the workloads of the store.
enum StartPreview {
    /// More connections are not judged: the start is not to wait for that.
    static let judgedConnections = 5_000
    static let shownConnections = 50

    /// The lines of a table; empty where nothing would be denied. Workloads that a process before polices already are left
    /// out: for them nothing begins.
    static func lines(store: any Store, accepted: AcceptedVersions, node: String, pin: String) async throws -> [String] {
        var world = PolicyWorld.builtIn
        for object in try await store.list(resource: nil, namespace: nil).objects {
            // What cannot be read is told by the agent.
            _ = try? world.set(object.value)
        }
        let hasPins = !((try? FileManager.default.contentsOfDirectory(atPath: pin)) ?? []).isEmpty
        let policed = hasPins ? Set(try accepted.attachments().keys) : []
        var owners: [IPAddress: EndpointKey] = [:]
        for endpoint in world.endpoints.values where endpoint.node.isEmpty || endpoint.node == node {
            guard !policed.contains(endpoint.key) else { continue }
            for address in endpoint.addresses { owners[address] = endpoint.key }
        }
        guard !owners.isEmpty else { return [] }
        let connections = OpenConnection.all(of: Set(owners.keys))
        guard !connections.isEmpty else { return [] }
        return lines(connections, owners: owners, world: world)
    }

    private static func lines(_ connections: [OpenConnection], owners: [IPAddress: EndpointKey], world: PolicyWorld) -> [String] {
        let oracle = PolicyOracle(world: world)
        var table = TextTable("SOURCE", "DESTINATION", "PORT", "DENIED BY")
        var denied = 0
        for connection in connections.prefix(judgedConnections) {
            guard let reason = denial(of: connection.packet, owners: owners, oracle: oracle) else { continue }
            denied += 1
            guard denied <= shownConnections else { continue }
            func name(_ address: IPAddress) -> String { owners[address].map { "\($0)" } ?? "\(address)" }
            let packet = connection.packet
            table.append(
                name(packet.source), name(packet.destination), "\(packet.transport)".lowercased() + "/\(packet.destinationPort)",
                text(reason))
        }
        guard denied > 0 else { return [] }
        var lines = ["\(denied) open \(denied == 1 ? "connection" : "connections") of workloads that were not policed will be denied:"]
        lines += table.render().split(separator: "\n").map(String.init)
        if denied > shownConnections { lines.append("and \(denied - shownConnections) more") }
        if connections.count > judgedConnections { lines.append("\(connections.count - judgedConnections) connections were not judged") }
        return lines
    }

    /// By the end that denies first; nil where both allow.
    private static func denial(of packet: PacketTuple, owners: [IPAddress: EndpointKey], oracle: PolicyOracle) -> Reason? {
        for (address, direction) in [(packet.source, Direction.egress), (packet.destination, .ingress)] {
            guard let endpoint = owners[address] else { continue }
            let decision = oracle.decide(endpoint: endpoint, direction: direction, packet: packet)
            guard decision.verdict == .deny else { continue }
            // The kernel does not know who began a TCP connection that is older than its hooks, and goes on with it where
            // policy allows it as if the other end had.
            if packet.transport == .tcp {
                let answer = PacketTuple(
                    source: packet.destination, destination: packet.source, transport: packet.transport,
                    sourcePort: packet.destinationPort, destinationPort: packet.sourcePort)
                let other: Direction = direction == .egress ? .ingress : .egress
                if oracle.decide(endpoint: endpoint, direction: other, packet: answer).verdict == .allow { continue }
            }
            return decision.reason
        }
        return nil
    }

    private static func text(_ reason: Reason) -> String {
        func title(_ policy: PolicyReference) -> String {
            "\(policy.kind) " + (policy.namespace.isEmpty ? policy.name : "\(policy.namespace)/\(policy.name)")
        }
        switch reason {
        case .rule(let tier, let policy, let index): return "rule \(index) of \(title(policy)) in tier \(tier)"
        case .endOfTier(let tier, let triggers):
            return "the end of tier \(tier)" + (triggers.first.map { ", for \(title($0))" } ?? "")
        case .profile(let name, let index): return "rule \(index) of profile \(name)"
        case .noProfile: return "no profile allows it"
        }
    }
}
