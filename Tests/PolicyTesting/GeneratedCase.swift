import PolicyModel

/// One question for whoever decides.
public struct Probe: Sendable, Hashable {
    public var endpoint: EndpointKey
    public var direction: Direction
    /// The local address is one of the endpoint's.
    public var packet: PacketTuple

    public init(endpoint: EndpointKey, direction: Direction, packet: PacketTuple) {
        self.endpoint = endpoint
        self.direction = direction
        self.packet = packet
    }
}

/// A world with questions about it.
public struct GeneratedCase: Sendable {
    /// `CaseGenerator(seed: seed).case` gives this case again, with equal options.
    public var seed: UInt64
    public var world: PolicyWorld
    /// All at endpoints of the node `WorldGenerator.node`.
    public var probes: [Probe]
}

/// Endless cases, the same for the same seed.
public struct CaseGenerator: Sendable {
    public var seed: UInt64
    public var packetsPerWorld: Int
    public var options: WorldGenerator.Options

    public init(seed: UInt64, packetsPerWorld: Int = 1000, options: WorldGenerator.Options = .init()) {
        self.seed = seed
        self.packetsPerWorld = packetsPerWorld
        self.options = options
    }

    /// The case of exactly this seed.
    public var `case`: GeneratedCase {
        var random = SplitMix64(seed: seed)
        let world = WorldGenerator.world(using: &random, options: options)
        let packets = PacketGenerator(world: world)
        let probes = (0..<packetsPerWorld).compactMap { _ in packets.probe(using: &random) }
        return GeneratedCase(seed: seed, world: world, probes: probes)
    }

    /// Made one at a time, as they are asked for; the first is `case`.
    public func cases(_ count: Int) -> some Sequence<GeneratedCase> {
        (0..<UInt64(count)).lazy.map { index in
            CaseGenerator(seed: seed &+ index, packetsPerWorld: packetsPerWorld, options: options).case
        }
    }
}
