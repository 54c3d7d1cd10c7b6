import PolicyEngine
import PolicyModel

/// What an attacker in a workload could reach over a number of hops, each from a workload that was reached before, by which
/// path, and which single changes of policies would take most of it away.
public struct Reach: Sendable {
    public struct Target: Sendable, Hashable {
        public var title: String
        /// How many connections lead there.
        public var hops: Int
        /// From the start to the target, both included.
        public var path: [String]
        /// What the last hop allows.
        public var connections: String
    }

    /// A change of one policy, and what would still be reached.
    public struct Cut: Sendable, Hashable {
        public enum Change: Sendable, Hashable {
            /// Taking this rule out of the policy.
            case removeRule(PolicyReference, Direction, index: Int)
            /// A policy that denies what no other allows into the pods of a namespace.
            case denyByDefault(namespace: String)
        }

        public var change: Change
        /// Workloads that would be reached; without the change it is the count of `workloads`.
        public var remaining: Int
    }

    public let start: String
    /// By hops and title; the start is none of them.
    public private(set) var workloads: [Target] = []
    /// Addresses outside.
    public private(set) var external: [Target] = []
    /// The changes that take most away come first.
    public private(set) var cuts: [Cut] = []

    /// nil when nobody is meant by `start`.
    ///
    /// - Parameters:
    ///   - port: what every hop must allow; nil: anything.
    ///   - cutCount: how many changes are looked for; each costs a compile of what it touches.
    public init?(_ world: AnalysisWorld, from start: String, hops: Int, port: PortSpecification? = nil, cutCount: Int = 5) {
        var compiler = VerdictCompiler()
        _ = compiler.compile(world.world, node: "")
        var search = ReachSearch(world, tables: compiler.tables, port: port)
        guard let origin = search.peers.firstIndex(where: { !$0.isExternal && $0.isMeant(by: start) }) else { return nil }
        self.start = search.peers[origin].title
        let found = search.search(from: origin, hops: hops)
        for visit in found.visits {
            let peer = search.peers[visit.peer]
            let target = Target(
                title: peer.title, hops: visit.hops, path: found.path(to: visit.peer).map { search.peers[$0].title },
                connections: search.text(from: visit.before, to: visit.peer))
            if peer.isExternal { external.append(target) } else { workloads.append(target) }
        }
        guard cutCount > 0, !workloads.isEmpty else { return }
        let candidates = CutCandidates(world, compiler: compiler, search: search, found: found).best(of: cutCount * 2)
        cuts = candidates.compactMap { change -> Cut? in
            let trial = change.apply(to: world, compiler)
            var search = ReachSearch(trial.world, tables: trial.tables, port: port)
            guard let origin = search.peers.firstIndex(where: { $0.title == self.start }) else { return nil }
            let remaining = search.search(from: origin, hops: hops).visits.count { !search.peers[$0.peer].isExternal }
            return remaining < workloads.count ? Cut(change: change, remaining: remaining) : nil
        }.sorted { ($0.remaining, $0.change.description) < ($1.remaining, $1.change.description) }
        cuts = Array(cuts.prefix(cutCount))
    }
}

extension Reach.Cut.Change: CustomStringConvertible {
    public var description: String {
        switch self {
        case .removeRule(let policy, let direction, let index): "without \(direction.word) rule \(index) of \(policy.words)"
        case .denyByDefault(let namespace): "with ingress denied by default in namespace \(namespace)"
        }
    }

    /// The world, and its tables, after the change.
    fileprivate func apply(to analysed: AnalysisWorld, _ compiler: VerdictCompiler) -> (world: AnalysisWorld, tables: VerdictTables) {
        var compiler = compiler
        let reference: PolicyReference
        var policy: Policy
        switch self {
        case .removeRule(let of, let direction, let index):
            guard let old = analysed.world.policies[of] else { return (analysed, compiler.tables) }
            reference = of
            policy = old
            let kept = policy.rules(direction).enumerated().filter { ($0.element.writtenIndex ?? $0.offset) != index }
            // What stays keeps the index that its author wrote.
            let rules = kept.map { offset, rule in
                var rule = rule
                rule.writtenIndex = rule.writtenIndex ?? offset
                return rule
            }
            if direction == .ingress { policy.ingress = rules } else { policy.egress = rules }
        case .denyByDefault(let namespace):
            reference = PolicyReference(kind: Kinds.networkPolicy.kind, namespace: namespace, name: "knp.default.bulkhead-default-deny")
            policy = Policy(reference: reference, order: Policy.kubernetesOrder, directions: [.ingress])
        }
        compiler.apply([.policy(reference, policy)])
        return (analysed.changing { $0.policies[reference] = policy }, compiler.tables)
    }
}
