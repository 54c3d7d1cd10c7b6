/// What a policy can see of a packet.
public struct PacketTuple: Sendable, Hashable {
    public var source: IPAddress
    public var destination: IPAddress
    public var transport: TransportProtocol
    /// 0 for protocols without ports.
    public var sourcePort: UInt16
    /// The destination port; `type << 8 | code` for ICMP and ICMPv6; 0 for protocols with neither.
    public var destinationPort: UInt16

    /// Both addresses must be of one version.
    public init(
        source: IPAddress, destination: IPAddress, transport: TransportProtocol,
        sourcePort: UInt16 = 0, destinationPort: UInt16 = 0
    ) {
        self.source = source
        self.destination = destination
        self.transport = transport
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
    }

    public var version: IPVersion { source.version }
}

/// The side of an endpoint that a policy speaks of: `ingress` is traffic towards the workload.
public enum Direction: UInt8, Sendable, Hashable, CaseIterable, Codable {
    case ingress = 0
    case egress = 1
}
