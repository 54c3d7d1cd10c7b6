import ControlPlane
import Dataplane
import Datastore
import FlowLogs
import Logging
import PolicyEngine
import Netlink
import PolicyModel

/// The one thread that computes tables and talks to the kernel.
///
/// It is not Sendable: it is made on its thread and never leaves it. `Dataplane.apply` may block; nobody waits for it
/// but who asked to.
final class EnforcementLoop {
    /// What the loop wants done by others.
    struct Outlets: Sendable {
        /// The records of a window, oldest first. Never blocks.
        var flows: @Sendable ([FlowRecord]) -> Void
        /// Takes an endpoint out of the store, if it still has this revision.
        var removeEndpoint: @Sendable (EndpointKey, Int64) -> Void
    }

    private let configuration: NodeAgentConfiguration
    private let mailbox: Mailbox
    private let board: EnforcementBoard
    private let dataplane: any Dataplane
    private let outlets: Outlets
    private let clock = ContinuousClock()

    private var mirror = WorldMirror()
    private var compiler = VerdictCompiler()
    private var links: [String: InterfaceIdentity] = [:]
    private var local = LocalEndpoints(world: PolicyWorld(), node: "", links: [:])
    private var tables = VerdictTables()
    private var tablesRevision: Int64?
    /// Revisions that were read and are not in force, with the time at which the store told of them.
    private var pending: [(revision: Int64, received: ContinuousClock.Instant)] = []
    private var snapshotArrived = false
    /// Since the last attempt.
    private var revisionsArrived = false
    private var worldChanged = true
    private var attachmentsChanged = true
    private var enforcedWorld = PolicyWorld()
    private var lastReport: ApplyReport?

    private var problems: ProblemLog
    private var outerProblems: [String: String] = [:]
    private var retryDelay: Duration
    private var retryAt: ContinuousClock.Instant?
    private var applyFailure: String?
    /// Endpoints whose attachment fails, and since when.
    private var failingSince: [EndpointKey: ContinuousClock.Instant] = [:]

    private var aggregator: FlowAggregator
    private var addresses = AddressBook()
    private var pollInterval: Duration
    private var nextPoll: ContinuousClock.Instant
    private var nextSweep: ContinuousClock.Instant
    private var missingSince: [EndpointKey: ContinuousClock.Instant] = [:]
    /// Something that a report shows has changed since the last one was published.
    private var reportChanged = false

    init(
        configuration: NodeAgentConfiguration, mailbox: Mailbox, board: EnforcementBoard, dataplane: any Dataplane,
        outlets: Outlets, logger: Logger
    ) {
        self.configuration = configuration
        self.mailbox = mailbox
        self.board = board
        self.dataplane = dataplane
        self.outlets = outlets
        problems = ProblemLog(logger: logger)
        aggregator = FlowAggregator(startingAt: KernelClock.boottime())
        retryDelay = configuration.firstRetryDelay
        pollInterval = configuration.idlePollInterval
        nextPoll = clock.now
        nextSweep = clock.now + configuration.flowWindow
    }

    /// Returns when the mailbox says so. What is in force stays in force.
    func run() {
        while turn() {}
        mailbox.close()
    }

    /// Waits for something to do and does it; false when that was the last.
    @discardableResult
    func turn() -> Bool {
        let deadline = min(nextPoll, nextSweep, retryAt ?? nextSweep)
        let content = mailbox.take(until: deadline)
        absorb(content)
        if needsProgram { enforce() }
        if reportChanged { publish(enforced: []) }
        if !content.statusRequests.isEmpty {
            let status = readStatus()
            for request in content.statusRequests { request.resume(returning: status) }
        }
        poll(now: clock.now, last: content.stopping)
        return !content.stopping
    }

    // MARK: What changed

    private func absorb(_ content: Mailbox.Content) {
        for (subject, problem) in content.problems {
            if outerProblems[subject] != problem { reportChanged = true }
            outerProblems[subject] = problem
            if let problem { problems.note(subject, problem, now: clock.now) } else { problems.clear(subject) }
        }
        for (input, received) in content.store {
            switch input {
            case .snapshot(let objects, let revision):
                if mirror.replace(with: objects, revision: revision) { worldChanged = true }
                snapshotArrived = true
                revisionsArrived = true
                pending.append((revision, received))
            case .events(let events):
                for event in events where event.object.revision > mirror.revision {
                    if mirror.apply(event) { worldChanged = true }
                    revisionsArrived = true
                    pending.append((event.object.revision, received))
                }
            }
        }
        if let links = content.links, links != self.links {
            self.links = links
            attachmentsChanged = true
            reportChanged = true
        }
        if worldChanged || attachmentsChanged {
            let before = local
            local = LocalEndpoints(world: mirror.world, node: configuration.node, links: links, before: before)
            if !worldChanged { attachmentsChanged = local.attachments != before.attachments }
        }
        if !content.store.isEmpty { noteUndecodable() }
    }

    /// Before the first snapshot nothing is known: the tables of a process before stay in force untouched.
    private var needsProgram: Bool {
        guard snapshotArrived else { return false }
        if let retryAt, clock.now >= retryAt { return true }
        return worldChanged || attachmentsChanged || revisionsArrived
    }

    private func noteUndecodable() {
        let prefix = "object "
        var subjects: Set<String> = []
        for (key, message) in mirror.undecodable {
            let subject = prefix + Self.name(key)
            subjects.insert(subject)
            problems.note(subject, message, now: clock.now)
        }
        problems.retain(prefix: prefix, subjects)
    }

    // MARK: Into the kernel

    private func enforce() {
        let isRetry = retryAt != nil
        if !worldChanged, !attachmentsChanged, !isRetry, tablesRevision != nil {
            revisionsArrived = false
            settle(at: clock.now)
            return
        }
        if worldChanged || tablesRevision == nil {
            tables = compiler.compile(mirror.world, node: configuration.node)
            tablesRevision = mirror.revision
        }
        worldChanged = false
        attachmentsChanged = false
        revisionsArrived = false
        do {
            let report = try dataplane.apply(
                NodeProgram(revision: mirror.revision, tables: tables, attachments: local.attachments))
            let now = clock.now
            lastReport = report
            if enforcedWorld.endpoints != mirror.world.endpoints {
                addresses = AddressBook(endpoints: mirror.world.endpoints)
            }
            enforcedWorld = mirror.world
            applyFailure = nil
            problems.clear("apply")
            noteAttachFailures(report, now: now)
            scheduleRetry(wanted: !report.failures.isEmpty, now: now)
            settle(at: now)
        } catch {
            let now = clock.now
            applyFailure = "\(error)"
            problems.note("apply", "the policy before stays in force: \(error)", now: now)
            scheduleRetry(wanted: true, now: now)
            publish(enforced: [])
        }
    }

    /// All that was pending is in force since `now`.
    private func settle(at now: ContinuousClock.Instant) {
        let enforced = pending.map { ($0.revision, milliseconds: Self.milliseconds($0.received.duration(to: now))) }
        pending = []
        publish(enforced: enforced)
    }

    private func scheduleRetry(wanted: Bool, now: ContinuousClock.Instant) {
        if wanted {
            retryAt = now + retryDelay
            retryDelay = min(retryDelay * 2, configuration.longestRetryDelay)
        } else {
            retryAt = nil
            retryDelay = configuration.firstRetryDelay
        }
    }

    private func noteAttachFailures(_ report: ApplyReport, now: ContinuousClock.Instant) {
        let prefix = "endpoint "
        for (key, message) in report.failures { problems.note(prefix + key.description, message, now: now) }
        problems.retain(prefix: prefix, Set(report.failures.keys.map { prefix + $0.description }))
        let before = failingSince
        failingSince = report.failures.mapValues { _ in now }.merging(before.filter { report.failures[$0.key] != nil }) { $1 }
    }

    private func publish(enforced: [(revision: Int64, milliseconds: Double)]) {
        var snapshot = EnforcementBoard.Snapshot()
        let isCurrent = applyFailure == nil && lastReport != nil
        snapshot.storeRevision = mirror.revision
        snapshot.enforcedRevision = isCurrent ? mirror.revision : board.snapshot.enforcedRevision
        snapshot.world = enforcedWorld
        let endpoints = local.report(
            isCurrent ? lastReport : nil, pending: applyFailure ?? "The first program is not in the kernel yet.")
        snapshot.endpoints = endpoints
        snapshot.unnamedInterfaces = local.unnamed
        snapshot.policed = isCurrent ? Set(endpoints.lazy.filter(\.policed).map(\.key)) : board.snapshot.policed
        let now = clock.now
        snapshot.refused = Set(
            failingSince.lazy.filter { $0.value.duration(to: now) >= NodeAgentLimits.patience }.map(\.key))
        snapshot.delay = applyFailure
        snapshot.warnings = warnings()
        reportChanged = false
        board.publish(snapshot, enforced: enforced)
    }

    private func warnings() -> [String] {
        var warnings: [String] = []
        if let applyFailure { warnings.append("The last change is not in force, the policy before is: \(applyFailure)") }
        warnings += outerProblems.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        let undecodable = mirror.undecodable.map { (Self.name($0.key), $0.value) }.sorted { $0.0 < $1.0 }
        warnings += undecodable.prefix(NodeAgentLimits.reportedWarnings).map { name, message in
            "\(name) cannot be read, its last good version (if any) stays in force: \(message)"
        }
        if undecodable.count > NodeAgentLimits.reportedWarnings {
            warnings.append("\(undecodable.count) objects in all cannot be read.")
        }
        warnings += addresses.shared.prefix(NodeAgentLimits.reportedWarnings).map { address, keys in
            "\(address) is claimed by \(keys.map(\.description).joined(separator: " and ")): it has the labels of all of them."
        }
        let overflow = aggregator.overflow
        if overflow.untrackedReports > 0 || overflow.unrecordedDenials > 0 {
            warnings.append(
                "Flow records are incomplete: \(overflow.untrackedReports) reports of connections and "
                    + "\(overflow.unrecordedDenials) denied packets found no room.")
        }
        return warnings
    }

    // MARK: What the kernel saw

    private func readStatus() -> DataplaneStatus? {
        do {
            let status = try dataplane.status()
            problems.clear("dataplane status")
            return status
        } catch {
            problems.note("dataplane status", "\(error)", now: clock.now)
            return nil
        }
    }

    private func poll(now: ContinuousClock.Instant, last: Bool) {
        if now >= nextPoll || last { drain() }
        if now >= nextSweep || last { sweep() }
    }

    private func drain() {
        var count = 0
        do {
            try dataplane.drainEvents { event in
                count += 1
                aggregator.add(event, resolve: addresses.endpoint(of:))
            }
            problems.clear("connection events")
        } catch {
            problems.note("connection events", "\(error)", now: clock.now)
        }
        pollInterval = count > 0
            ? configuration.busyPollInterval : min(pollInterval * 2, configuration.idlePollInterval)
        // After so many there are more: only the mailbox is looked into before the rest.
        nextPoll = count >= NodeAgentLimits.eventsOfAFlood ? clock.now : clock.now + pollInterval
    }

    private func sweep() {
        let start = clock.now
        let overflow = aggregator.overflow
        let repairs = dataplane.maintain()
        if repairs.isEmpty {
            problems.clear("hooks")
        } else {
            problems.note("hooks", repairs.joined(separator: "; "), now: start)
        }
        // No program, no flows of ours: those of the process before are reported once the world is known.
        if lastReport != nil {
            do {
                try dataplane.sweepFlows { aggregator.add($0, resolve: addresses.endpoint(of:)) }
                problems.clear("flow table")
            } catch {
                problems.note("flow table", "\(error)", now: start)
            }
            let records = aggregator.finishWindow(
                at: KernelClock.boottime(), wallClockOffset: KernelClock.wallClockOffset())
            if !records.isEmpty { outlets.flows(records) }
        }
        if aggregator.overflow != overflow { reportChanged = true }
        collectContainers(now: start)
        let duration = start.duration(to: clock.now)
        nextSweep = clock.now + max(configuration.flowWindow, duration * NodeAgentLimits.sweepShare)
    }

    /// An address that another container gets must not bring the identity of the one before, so an endpoint whose
    /// container went away unnoticed goes too.
    private func collectContainers(now: ContinuousClock.Instant) {
        var missing: [EndpointKey: ContinuousClock.Instant] = [:]
        for (endpoint, _) in local.all where links[endpoint.interfaceName] == nil {
            guard let container = mirror.containers[endpoint.key] else { continue }
            let since = missingSince[endpoint.key] ?? now
            missing[endpoint.key] = since
            if since.duration(to: now) >= configuration.containerGracePeriod {
                outlets.removeEndpoint(endpoint.key, container.revision)
            }
        }
        missingSince = missing
    }

    private static func name(_ key: StoreKey) -> String {
        key.namespace.isEmpty ? "\(key.resource) \(key.name)" : "\(key.resource) \(key.namespace)/\(key.name)"
    }

    private static func milliseconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
    }
}
