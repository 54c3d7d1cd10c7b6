import Datastore
import Logging
import PolicyModel
import Synchronization

/// Writes into `status` of each policy what it does on this node: which endpoints it selects, since when it is in force, how
/// long that took, and what a person should know.
///
/// A pass is made when something changed, at most once a second, and longer ago where a pass takes long; it writes the
/// status of a policy at most once, and only where it differs. A status changes neither generation nor spec, so nothing is
/// computed anew for it.
public final class PolicyStatusWriter: Sendable {
    private let store: any Store
    private let node: any NodeReporting
    private let logger: Logger
    /// Nanoseconds since 1970.
    private let now: @Sendable () -> Int64
    private let interval: Duration
    private let tracked = Mutex(TrackedPolicies())

    /// - Parameter now: nanoseconds since 1970.
    public init(
        store: any Store, node: any NodeReporting, logger: Logger, interval: Duration = .seconds(1),
        now: @escaping @Sendable () -> Int64
    ) {
        self.store = store
        self.node = node
        self.logger = logger
        self.interval = interval
        self.now = now
    }

    /// Until the task is cancelled. A pass over a large world must keep neither requests nor enforcement waiting.
    public func run() async {
        let executor = BackgroundExecutor()
        await withTaskExecutorPreference(executor) {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.follow() }
                group.addTask { await self.makePasses() }
            }
        }
        executor.end()
    }

    // MARK: Following

    private func follow() async {
        while !Task.isCancelled {
            do {
                var objects: [StoredObject] = []
                var revision = Int64.max
                for resource in TrackedPolicies.resources.keys {
                    let list = try await store.list(resource: resource, namespace: nil)
                    objects += list.objects
                    // What was written between two lists is told again, which changes nothing.
                    revision = min(revision, list.revision)
                }
                tracked.withLock { [objects] in $0.replace(with: objects) }
                for try await events in store.watch(resource: nil, namespace: nil, after: revision) {
                    tracked.withLock { tracked in for event in events { tracked.apply(event) } }
                }
            } catch {
                logger.warning("status of policies: the store cannot be followed: \(error)")
            }
            guard (try? await Task.sleep(for: interval)) != nil else { return }
        }
    }

    // MARK: Passes

    private func makePasses() async {
        /// Of the state that the last pass was made from.
        var last: UInt64?
        while true {
            let start = ContinuousClock.now
            let number = await node.stateNumber()
            if tracked.withLock({ $0.takeChanged() }) || number != last {
                // A world that is kept would be copied by the next change.
                let (revision, world) = await node.enforcedWorld()
                last = await pass(revision: revision, world: world, report: node.report()) ? number : nil
            }
            // A large world is looked at with a twentieth of a core.
            let pause = max(interval, start.duration(to: .now) * 20)
            guard (try? await Task.sleep(for: pause)) != nil else { return }
        }
    }

    /// False when another has to follow.
    private func pass(revision: Int64, world: PolicyWorld, report: NodeReport) async -> Bool {
        let open = Set(report.endpoints.lazy.filter { !$0.policed }.map(\.key))
        let selection = PolicySelection(world: world, node: report.node, open: open)
        var isComplete = true
        for policy in tracked.withLock({ Array($0.policies.values) }).sorted(by: { $0.generationRevision < $1.generationRevision }) {
            if Task.isCancelled { return false }
            guard let status = await status(of: policy, revision: revision, world: world, report: report, selection) else {
                // Not in force yet: the next pass sees it.
                isComplete = false
                continue
            }
            guard policy.status != status.value else { continue }
            if await !write(status.value, to: policy) { isComplete = false }
            await Task.yield()
        }
        return isComplete
    }

    /// nil: nothing can be said yet.
    private func status(
        of policy: TrackedPolicies.Tracked, revision: Int64, world: PolicyWorld, report: NodeReport,
        _ selection: PolicySelection
    ) async -> PolicyStatus? {
        let meaning = Self.meaning(of: policy, in: world)
        var warnings: [String] = []
        if policy.isStaged, world.staged[policy.reference]?.action == .ignore {
            warnings.append("It is not judged: its stagedAction is Ignore.")
        }
        var generation = policy.generation
        let inForce: (since: String, milliseconds: Double?)
        if let unreadable = report.unreadable[policy.key] {
            warnings.append("The newest version cannot be read, \(unreadable)")
            generation = policy.status?["observedGeneration"]?.integerValue ?? 0
            inForce = PolicyStatus.inForce(policy.status, generation: generation) ?? ("", nil)
        } else if let known = PolicyStatus.inForce(policy.status, generation: generation) {
            inForce = known
        } else if revision >= policy.generationRevision {
            inForce = await measured(policy.generationRevision)
        } else if let delay = report.delay {
            warnings.append("Generation \(generation) is not in force: \(delay)")
            generation = policy.status?["observedGeneration"]?.integerValue ?? 0
            inForce = PolicyStatus.inForce(policy.status, generation: generation) ?? ("", nil)
        } else {
            return nil
        }
        let count = meaning.map(selection.count) ?? PolicySelection.Count()
        if let meaning, report.unreadable[policy.key] == nil, world.tiers[meaning.tier] == nil {
            warnings.append("There is no tier \(meaning.tier): the policy does nothing until there is.")
        }
        if meaning != nil, count.all == 0 { warnings.append("It selects no endpoint.") }
        if let first = count.open.first {
            let message = report.endpoints.first { $0.key == first }?.message ?? ""
            warnings.append("\(count.open.count) of its endpoints on this node are not policed, \(first): \(message)")
        }
        if report.observing { warnings.append("The node only observes: nothing is enforced.") }
        return PolicyStatus(
            generation: generation, endpointsOnNode: count.onNode, endpoints: count.all, inForceSince: inForce.since,
            milliseconds: inForce.milliseconds, warnings: warnings)
    }

    /// The policy whose endpoints are meant: a staged deletion concerns those of the policy that it would remove.
    private static func meaning(of policy: TrackedPolicies.Tracked, in world: PolicyWorld) -> Policy? {
        guard policy.isStaged else { return world.policies[policy.reference] }
        guard let staged = world.staged[policy.reference] else { return nil }
        return staged.action == .delete ? world.policies[staged.policy.reference] : staged.policy
    }

    /// Since when a revision is in force. Of one that was before this process, or too long ago, only that it is.
    private func measured(_ revision: Int64) async -> (since: String, milliseconds: Double?) {
        guard let measure = await node.enforcementMeasure(of: revision) else {
            return (Timestamps.milliseconds(nanoseconds: now()), nil)
        }
        let (seconds, attoseconds) = measure.enforced.duration(to: .now).components
        let age = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        return (Timestamps.milliseconds(nanoseconds: now() - age), measure.milliseconds)
    }

    /// False when somebody else wrote meanwhile, or the store failed.
    private func write(_ status: JSONValue, to policy: TrackedPolicies.Tracked) async -> Bool {
        do {
            guard let current = try await store.get(policy.key),
                current.value["metadata"]?["generation"]?.integerValue ?? 1 == policy.generation
            else { return true }
            var value = current.value
            value["status"] = status
            _ = try await store.update(policy.key, value: value, expected: current.revision)
            return true
        } catch StoreError.conflict, StoreError.notFound {
            return false
        } catch {
            logger.warning("status of \(policy.key): \(error)")
            return false
        }
    }
}
