import PolicyEngine
import PolicyModel

/// The user-space twin of the kernel's `decide()`: the same lookups over the same tables.
public struct TableEvaluator {
    private let tables: VerdictTables

    public init(tables: VerdictTables) { self.tables = tables }

    /// The identity of an address: the exact entry, and the longest matching prefix. O(address width).
    public func identity(of address: IPAddress) -> Identity {
        let exact = tables.exact[address] ?? .none
        for length in stride(from: address.version.width, through: 0, by: -1) {
            guard let block = AddressBlock(address: address, prefixLength: length) else { continue }
            if let prefix = tables.prefixes[block] { return Identity(exact: exact, prefix: prefix) }
        }
        return Identity(exact: exact, prefix: .none)
    }

    /// As if the endpoint might use every address; nil when it has no leg for its address of the packet, or the tables name something that they do
    /// not hold.
    public func decide(endpoint: EndpointKey, direction: Direction, packet: PacketTuple) -> Decision? {
        let (local, peer) =
            direction == .ingress ? (packet.destination, packet.source) : (packet.source, packet.destination)
        let shared = SharedLeg(of: local, direction).flatMap {
            tables.legs[Leg(endpoint: endpoint, address: $0.address(local.version))]
        }
        guard let leg = tables.legs[Leg(endpoint: endpoint, address: local)] ?? shared,
            let stack = tables.stacks[leg[direction]]
        else { return nil }
        let key = VerdictTables.rangeKey(transport: packet.transport, destinationPort: packet.destinationPort)
        for row in stack.rows(identity(of: peer)) {
            guard let outcome = tables.rows[row]?.outcome(at: key) else { return nil }
            if outcome != .inherit { return follow(outcome, sourcePort: packet.sourcePort) }
        }
        return nil
    }

    private func follow(_ outcome: RowOutcome, sourcePort: UInt16) -> Decision? {
        switch outcome {
        case .decide(let id):
            return tables.decisions[id]
        case .sourcePorts(let row):
            guard case .decide(let id)? = tables.rows[row]?.outcome(at: UInt32(sourcePort)) else { return nil }
            return tables.decisions[id]
        case .inherit:
            return nil
        }
    }
}
