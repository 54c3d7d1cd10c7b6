import PolicyEngine
import PolicyModel

/// What decides about an address as an end of connections: ends of one class are treated alike.
struct PeerClass: Sendable, Hashable {
    /// nil: nobody polices it.
    var stacks: VerdictTables.LegStacks?
    var identity: Identity
}

/// The identity of an address in tables, as the kernel finds it.
struct IdentityLookup {
    private let tables: VerdictTables
    private let lengths: [IPVersion: [Int]]

    init(_ tables: VerdictTables) {
        self.tables = tables
        var lengths: [IPVersion: Set<Int>] = [:]
        for block in tables.prefixes.keys { lengths[block.version, default: []].insert(block.prefixLength) }
        self.lengths = lengths.mapValues { $0.sorted(by: >) }
    }

    /// O(lengths of prefixes that there are).
    func identity(of address: IPAddress) -> Identity {
        let exact = tables.exact[address] ?? .none
        for length in lengths[address.version] ?? [] {
            guard let block = AddressBlock(address: address, prefixLength: length) else { continue }
            if let prefix = tables.prefixes[block] { return Identity(exact: exact, prefix: prefix) }
        }
        return Identity(exact: exact, prefix: .none)
    }
}

/// Finds the ends of a world and their classes.
struct PeerGrouping {
    struct Grouped {
        var peer: Peer
        var classes: [IPVersion: PeerClass]
    }

    /// By title.
    private(set) var peers: [Grouped] = []

    /// - Parameter apart: titles of workloads whose endpoints are told one by one whatever they are.
    init(
        _ analysed: AnalysisWorld, tables: VerdictTables, identities: IdentityLookup, cuts: Set<AddressBlock>,
        apart: Set<String>
    ) {
        var versions: Set<IPVersion> = []
        for workload in analysed.workloads {
            let legs = workload.endpoints.flatMap { key in
                (analysed.world.endpoints[key]?.addresses ?? []).compactMap { address -> Owned? in
                    guard let stacks = tables.legs[Leg(endpoint: key, address: address)] else { return nil }
                    versions.insert(address.version)
                    return Owned(
                        endpoint: key, address: address,
                        peerClass: PeerClass(stacks: stacks, identity: identities.identity(of: address)))
                }
            }
            add(workload, legs, isApart: apart.contains(workload.title))
        }
        addExternal(analysed.world, versions, identities, cuts)
        peers.sort { $0.peer.title < $1.peer.title }
    }

    private struct Owned {
        var endpoint: EndpointKey
        var address: IPAddress
        var peerClass: PeerClass
    }

    /// One end where all addresses of a version are of one class, else one for each endpoint, else for each address.
    private mutating func add(_ workload: Workload, _ legs: [Owned], isApart: Bool) {
        if !isApart, append(legs, workload, title: workload.title) { return }
        for (key, legs) in Dictionary(grouping: legs, by: \.endpoint) {
            let isAlone = workload.endpoints.count == 1
            let kind = isAlone ? workload.kind : "Pod"
            if !isApart || legs.count == 1, append(legs, workload, title: Workload.title(key.namespace, key.name, kind)) { continue }
            for leg in legs {
                _ = append([leg], workload, title: Workload.title(key.namespace, "\(key.name)(\(leg.address))", kind))
            }
        }
    }

    private mutating func append(_ legs: [Owned], _ workload: Workload, title: String) -> Bool {
        var classes: [IPVersion: PeerClass] = [:]
        var addresses: [IPVersion: IPAddress] = [:]
        for leg in legs {
            if let known = classes[leg.address.version], known != leg.peerClass { return false }
            classes[leg.address.version] = leg.peerClass
            if addresses[leg.address.version] == nil { addresses[leg.address.version] = leg.address }
        }
        guard let endpoint = legs.first?.endpoint else { return true }
        // Every replica must have the versions that are told of all.
        let versionsByEndpoint = Dictionary(grouping: legs, by: \.endpoint).values.map { Set($0.map(\.address.version)) }
        guard Set(versionsByEndpoint).count == 1 else { return false }
        let peer = Peer(title: title, kind: .workload(workload), addresses: addresses, endpoint: endpoint)
        peers.append(Grouped(peer: peer, classes: classes))
        return true
    }

    private mutating func addExternal(
        _ world: PolicyWorld, _ versions: Set<IPVersion>, _ identities: IdentityLookup, _ cuts: Set<AddressBlock>
    ) {
        let owned = Set(world.endpoints.values.flatMap(\.addresses)).sorted()
        let blocks = WorldBlocks.ofRulesAndSets(of: world).union(cuts)
        for version in versions {
            for range in AddressRange.cut(version, by: blocks) {
                guard let address = Self.firstOfNobody(range, owned) else { continue }
                let peer = Peer(
                    title: "\(range)[External]", kind: .external(range), addresses: [version: address], endpoint: nil)
                peers.append(Grouped(
                    peer: peer,
                    classes: [version: PeerClass(stacks: nil, identity: identities.identity(of: address))]))
            }
        }
    }

    /// nil when somebody has every address of the range.
    private static func firstOfNobody(_ range: AddressRange, _ owned: [IPAddress]) -> IPAddress? {
        var low = 0
        var high = owned.count
        while low < high {
            let middle = (low + high) / 2
            if owned[middle] < range.first { low = middle + 1 } else { high = middle }
        }
        var address = range.first
        while low < owned.count, owned[low] == address {
            guard address != range.last, let next = address.successor else { return nil }
            address = next
            low += 1
        }
        return address
    }
}
