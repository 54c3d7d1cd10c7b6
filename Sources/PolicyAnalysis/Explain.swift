import PolicyEngine
import PolicyModel

/// Answers "may this end reach that one, and which rule says so" from a world, without a packet.
public enum Explain {
    /// What stands for a source port that was not given: the first of the ephemeral ports (RFC 6335).
    public static let assumedSourcePort: UInt16 = 49152

    /// Decides one connection at every end that is policed, also after a denial.
    ///
    /// - Parameters:
    ///   - destinationPort: For ICMP and ICMPv6 `type << 8 | code`; 0 for protocols with neither.
    ///   - sourcePort: nil: `assumedSourcePort` for protocols with ports.
    ///   - version: nil: the version of an address that was given; else the one that ICMP or ICMPv6 belongs to; else
    ///     IPv4, if both ends have it.
    ///   - hostAddresses: What the end `host` may stand for in rules with nets. Empty: an address that is in no net but /0.
    /// - Throws: `ExplainError`.
    public static func explain(
        world: PolicyWorld, source: ExplainEnd, destination: ExplainEnd, transport: TransportProtocol,
        destinationPort: UInt16, sourcePort: UInt16? = nil, version: IPVersion? = nil, hostAddresses: [IPAddress] = []
    ) throws(ExplainError) -> Explanation {
        let oracle = PolicyOracle(world: world)
        let from = try resolve(source, world, oracle, hostAddresses)
        let to = try resolve(destination, world, oracle, hostAddresses)
        let wanted = version.map { [$0] } ?? preference(transport)
        guard let chosen = wanted.first(where: { from.address($0) != nil && to.address($0) != nil }),
            let sourceAddress = from.address(chosen), let destinationAddress = to.address(chosen)
        else {
            throw .noCommonVersion(
                source: source, sourceVersions: from.versions, destination: destination,
                destinationVersions: to.versions)
        }
        let packet = PacketTuple(
            source: sourceAddress, destination: destinationAddress, transport: transport,
            sourcePort: transport.hasPorts ? sourcePort ?? assumedSourcePort : 0, destinationPort: destinationPort)
        return Explanation(
            source: source, destination: destination, sourceEndpoint: from.endpoint, destinationEndpoint: to.endpoint,
            packet: packet, sourceNames: oracle.peerNames(at: sourceAddress),
            destinationNames: oracle.peerNames(at: destinationAddress),
            sourcePortAssumed: transport.hasPorts && sourcePort == nil,
            ends: ends(from, to) { oracle.trace(endpoint: $0, direction: $1, packet: packet) } ?? [],
            pendingEnds: oracle.judgesStaged
                ? ends(from, to) { oracle.pendingTrace(endpoint: $0, direction: $1, packet: packet) } : nil)
    }

    /// nil when `trace` gives nothing for an end that policies decide.
    private static func ends(
        _ from: ResolvedEnd, _ to: ResolvedEnd, trace: (EndpointKey, Direction) -> OracleTrace?
    ) -> [Explanation.End]? {
        if let endpoint = from.endpoint, endpoint == to.endpoint {
            return [
                Explanation.End(endpoint: endpoint, direction: .egress, ruling: .itself),
                Explanation.End(endpoint: endpoint, direction: .ingress, ruling: .itself),
            ]
        }
        var ends: [Explanation.End] = []
        if let endpoint = from.endpoint {
            guard let trace = trace(endpoint, .egress) else { return nil }
            ends.append(Explanation.End(endpoint: endpoint, direction: .egress, ruling: .policy(trace)))
        }
        if let endpoint = to.endpoint {
            guard let trace = trace(endpoint, .ingress) else { return nil }
            let ruling: Explanation.Ruling = from.isHost ? .localHost : .policy(trace)
            ends.append(Explanation.End(endpoint: endpoint, direction: .ingress, ruling: ruling))
        }
        return ends
    }

    private static func preference(_ transport: TransportProtocol) -> [IPVersion] {
        transport == .icmpV6 ? [.v6, .v4] : [.v4, .v6]
    }

    // MARK: Ends

    private struct ResolvedEnd {
        /// Who is policed; nil for the host and for addresses of nobody.
        var endpoint: EndpointKey?
        /// In the order in which they are preferred.
        var addresses: [IPAddress]
        var isHost = false

        func address(_ version: IPVersion) -> IPAddress? { addresses.first { $0.version == version } }

        var versions: [IPVersion] { IPVersion.allCases.filter { address($0) != nil } }
    }

    private static func resolve(
        _ end: ExplainEnd, _ world: PolicyWorld, _ oracle: PolicyOracle, _ hostAddresses: [IPAddress]
    ) throws(ExplainError) -> ResolvedEnd {
        switch end {
        case .endpoint(let key):
            guard let endpoint = world.endpoints[key] else { throw .unknownEndpoint(key) }
            guard !endpoint.addresses.isEmpty else { throw .noAddress(key) }
            return ResolvedEnd(endpoint: key, addresses: endpoint.addresses)
        case .address(let address):
            return ResolvedEnd(endpoint: oracle.owners(of: address).first, addresses: [address])
        case .host:
            let unspecified = [IPAddress(v4: 0), IPAddress(v6High: 0, low: 0)]
            return ResolvedEnd(endpoint: nil, addresses: hostAddresses + unspecified, isHost: true)
        }
    }
}
