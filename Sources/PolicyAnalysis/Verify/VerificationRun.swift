import PolicyEngine
import PolicyModel

/// One thing that a test asks.
enum VerificationCheck: Sendable, Hashable {
    case connection(PolicyTest.Case)
    case path(PolicyTest.Invariant)

    var name: String {
        switch self {
        case .connection(let value): value.name
        case .path(let value): value.name
        }
    }
}

/// Why a check does not hold.
struct VerificationFailure {
    var sentence: String
    /// The connection that shows it.
    var connection: (source: Peer, destination: Peer, port: PortSpecification)?
}

/// The answers of one world.
struct VerificationRun {
    private let world: AnalysisWorld
    private let tables: VerdictTables
    private let oracle: PolicyOracle
    private var reachability: Reachability
    private var known: [PolicyTest.End: [Int]] = [:]
    /// By port; nil: any connection.
    private var searches: [PortSpecification?: ReachSearch] = [:]

    init(_ world: AnalysisWorld, tables: VerdictTables) {
        self.world = world
        self.tables = tables
        oracle = PolicyOracle(world: world.world)
        reachability = Reachability(world, tables: tables, cuts: [], apart: [])
    }

    /// nil: it holds.
    mutating func failure(of check: VerificationCheck) -> VerificationFailure? {
        switch check {
        case .connection(let value): return failure(of: value)
        case .path(let value): return failure(of: value)
        }
    }

    // MARK: Ends

    /// Places in the peers of `reachability`.
    private mutating func peers(_ end: PolicyTest.End) -> [Int] {
        if let places = known[end] { return places }
        let places = reachability.peers.indices.filter { isMeant(reachability.peers[$0], by: end) }
        known[end] = places
        return places
    }

    private func isMeant(_ peer: Peer, by end: PolicyTest.End) -> Bool {
        switch (end, peer.kind) {
        case (.address(let address), .external(let range)):
            return range.first.version == address.version && range.first <= address && address <= range.last
        case (.workload(let text), .workload(let workload)): return workload.isMeant(by: text)
        case (.labels(let selector, let namespaces, let namespace), .workload(let workload)):
            guard let endpoint = peer.endpoint ?? workload.endpoints.first, let labels = oracle.effectiveLabels(of: endpoint) else {
                return false
            }
            if let namespace, workload.namespace != namespace { return false }
            if let selector, !LabelSolver.matches(LabelFormula.selector(selector), labels) { return false }
            return namespaces.map { LabelSolver.matches(LabelFormula.namespaces($0), labels) } ?? true
        default: return false
        }
    }

    private mutating func ends(
        _ source: PolicyTest.End, _ destination: PolicyTest.End
    ) -> Swift.Result<(sources: [Int], destinations: [Int]), Nobody> {
        let (sources, destinations) = (peers(source), peers(destination))
        if sources.isEmpty { return .failure(Nobody(member: "from")) }
        if destinations.isEmpty { return .failure(Nobody(member: "to")) }
        // A workload that speaks to itself is asked nothing.
        if sources == destinations, sources.count == 1 { return .failure(Nobody(member: "to", isItself: true)) }
        return .success((sources, destinations))
    }

    private struct Nobody: Error {
        var member: String
        var isItself = false

        var failure: VerificationFailure {
            VerificationFailure(
                sentence: isItself
                    ? "\(member) picks the one workload that from picks, and no policy decides what a workload says to itself"
                    : "\(member) picks nobody: compare it with the workloads that the files hold")
        }
    }

    // MARK: Cases

    private mutating func failure(of value: PolicyTest.Case) -> VerificationFailure? {
        let found: (sources: [Int], destinations: [Int])
        switch ends(value.source, value.destination) {
        case .success(let pair): found = pair
        case .failure(let nobody): return nobody.failure
        }
        for source in found.sources {
            for destination in found.destinations where source != destination {
                if let failure = failure(of: value, from: source, to: destination) { return failure }
            }
        }
        return nil
    }

    private mutating func failure(of value: PolicyTest.Case, from source: Int, to destination: Int) -> VerificationFailure? {
        let (from, to) = (reachability.peers[source], reachability.peers[destination])
        let versions = IPVersion.allCases.compactMap { version in
            reachability.connections(from: source, to: destination, version).map { (version, reachability.set($0)) }
        }
        if versions.isEmpty {
            return VerificationFailure(sentence: "\(from.title) and \(to.title) share no IP version: no packet can go between them")
        }
        for (version, set) in versions {
            let note = versions.count > 1 ? " by IPv\(version.rawValue)" : ""
            if value.ports.isEmpty {
                let holds = value.isAllowed ? set == .all : set.isEmpty
                if !holds {
                    let wanted = value.isAllowed ? "everything" : "nothing"
                    return VerificationFailure(sentence: "\(from.title) => \(to.title)\(note): \(set.isEmpty ? "nothing" : set.description) is allowed, not \(wanted)")
                }
            }
            for port in value.ports where isAllowed(port, by: set) != value.isAllowed {
                let verdict = value.isAllowed ? "denied" : "allowed"
                return VerificationFailure(
                    sentence: "\(from.title) => \(to.title)\(note): \(port.text) is \(verdict)", connection: (from, to, port))
            }
        }
        return nil
    }

    /// From the source port that `explain` assumes.
    private func isAllowed(_ port: PortSpecification, by set: ConnectionSet) -> Bool {
        let sources = set.sources(transport: port.transport, destinationPort: port.destinationPort)
        guard port.transport.hasPorts else { return !sources.isEmpty }
        return sources.ranges.contains { $0.first <= Explain.assumedSourcePort && Explain.assumedSourcePort <= $0.last }
    }

    // MARK: Invariants

    private mutating func failure(of value: PolicyTest.Invariant) -> VerificationFailure? {
        let found: (sources: [Int], destinations: [Int])
        switch ends(value.source, value.destination) {
        case .success(let pair): found = pair
        case .failure(let nobody): return nobody.failure
        }
        let destinations = Set(found.destinations)
        for port in value.ports.isEmpty ? [nil] : value.ports.map(Optional.some) {
            // Its peers are those of `reachability`: both are made of the same tables.
            var search = searches[port] ?? ReachSearch(world, tables: tables, port: port)
            defer { searches[port] = search }
            for origin in found.sources {
                let visits = search.search(from: origin, hops: value.hops)
                guard let visit = visits.visits.first(where: { destinations.contains($0.peer) }) else { continue }
                let path = visits.path(to: visit.peer)
                var text = search.peers[origin].title
                for (from, to) in zip(path, path.dropFirst()) {
                    text += " => \(search.peers[to].title) (\(port?.text ?? search.text(from: from, to: to)))"
                }
                return VerificationFailure(sentence: "there is a path of \(visit.hops): \(text)")
            }
        }
        return nil
    }
}

extension PortSpecification {
    /// As it is written: `tcp/5432`, `icmp/8/0`, `47`.
    var text: String {
        let name = TransportProtocol.named.contains { $0.value == transport } ? transport.description.lowercased() : transport.description
        if transport.hasPorts { return "\(name)/\(destinationPort)" }
        if transport.hasTypeAndCode { return "\(name)/\(destinationPort >> 8)/\(destinationPort & 0xff)" }
        return name
    }
}
