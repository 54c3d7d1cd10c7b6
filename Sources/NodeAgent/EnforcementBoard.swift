import ControlPlane
import Dataplane
import Datastore
import PolicyEngine
import PolicyModel
import Synchronization

/// What the enforcement thread tells everybody else.
final class EnforcementBoard: Sendable {
    /// One state of the node, as of one pass of the thread.
    struct Snapshot: Sendable {
        /// Everything up to here was read from the store.
        var storeRevision: Int64 = 0
        /// Everything up to here is in force; nil before the first program.
        var enforcedRevision: Int64?
        /// This node's endpoints, in order.
        var endpoints: [NodeReport.Endpoint] = []
        /// Interfaces that a workload could be behind and that are no endpoint's.
        var unnamedInterfaces: [String] = []
        var policed: Set<EndpointKey> = []
        /// Endpoints whose interface the kernel or another tool refuses, although it was asked again and again.
        var refused: Set<EndpointKey> = []
        /// Why nothing newer is in force; nil when all is.
        var delay: String?
        var warnings: [String] = []
        /// Objects whose newest version cannot be read, and why.
        var unreadable: [StoreKey: String] = [:]
        var ruleLog = NodeReport.RuleLog()

        /// In what the status of policies says.
        func agrees(with other: Snapshot) -> Bool {
            endpoints == other.endpoints && unreadable == other.unreadable && delay == other.delay
        }
    }

    private struct Waiter {
        var revision: Int64
        var endpoint: EndpointKey?
        var continuation: CheckedContinuation<EnforcementResult, Never>
        var timer: Task<Void, Never>?
    }

    private struct State {
        var snapshot = Snapshot()
        /// Counts changes of the world and of what a policy's status says of the node.
        var number: UInt64 = 0
        /// What is in force. It follows changes: a copy for each of them would cost what the cluster holds.
        var world = PolicyWorld()
        /// By revision; the oldest are forgotten first.
        var measures: [Int64: EnforcementMeasure] = [:]
        var remembered: [Int64] = []
        var oldestRemembered = 0
        var durations = DurationHistogram()
        var waiters: [UInt64: Waiter] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let node: String
    private let state = Mutex(State())

    init(node: String) { self.node = node }

    var snapshot: Snapshot { state.withLock { $0.snapshot } }

    var stateNumber: UInt64 { state.withLock { $0.number } }

    /// The revision in force, 0 before the first, and its world.
    var enforced: (revision: Int64, world: PolicyWorld) {
        state.withLock { ($0.snapshot.enforcedRevision ?? 0, $0.world) }
    }

    /// What came into force; to be followed by `publish` with its revision. O(changes), unless somebody still reads the
    /// world of before.
    func enforce(_ changes: [WorldChange]) {
        state.withLock { state in
            for change in changes { state.world.apply(change) }
            if !changes.isEmpty { state.number += 1 }
        }
    }

    /// How long each revision took.
    var durations: DurationHistogram { state.withLock { $0.durations } }

    /// nil when it was in force before this process, or is forgotten.
    func measure(of revision: Int64) -> EnforcementMeasure? { state.withLock { $0.measures[revision] } }

    func publish(_ snapshot: Snapshot, enforced: [(revision: Int64, measure: EnforcementMeasure)]) {
        let ready = state.withLock { state in
            if !snapshot.agrees(with: state.snapshot) { state.number += 1 }
            state.snapshot = snapshot
            for entry in enforced { Self.remember(entry.revision, entry.measure, in: &state) }
            var ready: [(Waiter, EnforcementResult)] = []
            for (identifier, waiter) in state.waiters {
                guard let result = outcome(revision: waiter.revision, endpoint: waiter.endpoint, in: state) else { continue }
                ready.append((waiter, result))
                state.waiters[identifier] = nil
            }
            return ready
        }
        for (waiter, result) in ready {
            waiter.timer?.cancel()
            waiter.continuation.resume(returning: result)
        }
    }

    func wait(revision: Int64, endpoint: EndpointKey?, timeoutSeconds: Double) async -> EnforcementResult {
        let limit = timeoutSeconds.isFinite ? min(max(timeoutSeconds, 0), NodeAgentLimits.longestWaitSeconds) : 0
        let identifier = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let result: EnforcementResult? = state.withLock { state in
                    if let result = outcome(revision: revision, endpoint: endpoint, in: state) { return result }
                    // A cancellation before this lock found no waiter; one after it will find this one.
                    if Task.isCancelled { return .failed("The wait was cancelled.") }
                    state.waiters[identifier] = Waiter(
                        revision: revision, endpoint: endpoint, continuation: continuation, timer: nil)
                    return nil
                }
                if let result {
                    continuation.resume(returning: result)
                    return
                }
                let timer = Task {
                    guard (try? await Task.sleep(for: .seconds(limit))) != nil else { return }
                    giveUp(identifier, after: limit)
                }
                let isAnswered = state.withLock { state in
                    state.waiters[identifier]?.timer = timer
                    return state.waiters[identifier] == nil
                }
                if isAnswered { timer.cancel() }
            }
        } onCancel: {
            resume(identifier) { _, _ in .failed("The wait was cancelled.") }
        }
    }

    private func giveUp(_ identifier: UInt64, after seconds: Double) {
        resume(identifier) { waiter, snapshot in
            .failed("After \(seconds) s " + Self.explain(waiter.revision, waiter.endpoint, snapshot))
        }
    }

    private func resume(_ identifier: UInt64, _ result: (Waiter, Snapshot) -> EnforcementResult) {
        let found = state.withLock { state in
            state.waiters.removeValue(forKey: identifier).map { ($0, state.snapshot) }
        }
        guard let (waiter, snapshot) = found else { return }
        waiter.timer?.cancel()
        waiter.continuation.resume(returning: result(waiter, snapshot))
    }

    /// nil while there is something to wait for.
    private func outcome(revision: Int64, endpoint: EndpointKey?, in state: State) -> EnforcementResult? {
        let snapshot = state.snapshot
        guard let enforced = snapshot.enforcedRevision, enforced >= revision else { return nil }
        let result = EnforcementResult.enforced(
            revision: enforced, milliseconds: state.measures[revision]?.milliseconds ?? 0)
        guard let endpoint, !snapshot.policed.contains(endpoint) else { return result }
        guard let known = state.world.endpoints[endpoint] else {
            return .failed("There is no workload endpoint \(endpoint) at revision \(enforced).")
        }
        guard known.node.isEmpty || known.node == node else {
            return .failed("The workload endpoint \(endpoint) belongs to node \(known.node); this is node \(node).")
        }
        if snapshot.refused.contains(endpoint) {
            return .failed("Not in force: " + Self.explain(revision, endpoint, snapshot))
        }
        return nil
    }

    private static func explain(_ revision: Int64, _ endpoint: EndpointKey?, _ snapshot: Snapshot) -> String {
        if let enforced = snapshot.enforcedRevision, enforced >= revision, let endpoint {
            let message = snapshot.endpoints.first { $0.key == endpoint }?.message ?? ""
            return "the workload endpoint \(endpoint) is not policed" + (message.isEmpty ? "." : ": \(message)")
        }
        let enforced = snapshot.enforcedRevision.map { "revision \($0)" } ?? "no revision"
        let delay = snapshot.delay.map { ": \($0)" } ?? "."
        return "\(enforced) is in force, revision \(revision) is not\(delay)"
    }

    private static func remember(_ revision: Int64, _ measure: EnforcementMeasure, in state: inout State) {
        guard state.measures.updateValue(measure, forKey: revision) == nil else { return }
        state.durations.add(seconds: measure.milliseconds / 1000)
        if state.remembered.count < NodeAgentLimits.rememberedRevisions {
            state.remembered.append(revision)
        } else {
            state.measures[state.remembered[state.oldestRemembered]] = nil
            state.remembered[state.oldestRemembered] = revision
            state.oldestRemembered = (state.oldestRemembered + 1) % state.remembered.count
        }
    }
}
