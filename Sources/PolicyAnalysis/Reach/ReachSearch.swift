import PolicyEngine
import PolicyModel

/// Walks from workload to workload along what is allowed.
struct ReachSearch {
    struct Visit {
        var peer: Int
        var hops: Int
        /// From where it was reached first.
        var before: Int
    }

    struct Found {
        var origin: Int
        /// By hops and title.
        var visits: [Visit] = []

        /// From the origin to a peer that was visited.
        func path(to peer: Int) -> [Int] {
            let before = Dictionary(visits.map { ($0.peer, $0.before) }) { first, _ in first }
            var path = [peer]
            while let last = path.last, last != origin, let next = before[last] { path.append(next) }
            return path.reversed()
        }
    }

    private(set) var reachability: Reachability
    private let port: PortSpecification?
    /// Whether a set lets through what is asked for, by number.
    private var passes: [ConnectionNumber: Bool] = [:]

    var peers: [Peer] { reachability.peers }

    init(_ world: AnalysisWorld, tables: VerdictTables, port: PortSpecification?) {
        reachability = Reachability(world, tables: tables, cuts: [], apart: [])
        self.port = port
    }

    /// Breadth first: each peer by a shortest path, of equal ones the first by title.
    mutating func search(from origin: Int, hops: Int) -> Found {
        var found = Found(origin: origin)
        var unseen = peers.indices.filter { $0 != origin }
        var frontier = [origin]
        var hop = 0
        while hop < hops, !frontier.isEmpty, !unseen.isEmpty {
            hop += 1
            var next: [Int] = []
            unseen = unseen.filter { peer in
                guard let before = frontier.first(where: { isAllowed(from: $0, to: peer) }) else { return true }
                found.visits.append(Visit(peer: peer, hops: hop, before: before))
                if !peers[peer].isExternal { next.append(peer) }
                return false
            }
            frontier = next
        }
        return found
    }

    mutating func isAllowed(from source: Int, to destination: Int) -> Bool {
        guard let allowed = reachability.allowed(from: source, to: destination) else { return false }
        return [allowed.v4, allowed.v6].contains { number in number.map { passes($0) } ?? false }
    }

    private mutating func passes(_ number: ConnectionNumber) -> Bool {
        if let known = passes[number] { return known }
        let set = reachability.set(number)
        let answer = port.map { !set.sources(transport: $0.transport, destinationPort: $0.destinationPort).isEmpty } ?? !set.isEmpty
        passes[number] = answer
        return answer
    }

    mutating func text(from source: Int, to destination: Int) -> String {
        let allowed = reachability.allowed(from: source, to: destination) ?? VersionedConnections()
        return ConnectionText.text(
            v4: allowed.v4.map { reachability.set($0) }, v6: allowed.v6.map { reachability.set($0) })
    }
}
