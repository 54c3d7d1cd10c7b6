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
        /// A line of a Log rule. Never blocks; false when there is no room.
        var ruleLog: @Sendable (Logger.Metadata) -> Bool
        /// What a process after this one has to know.
        var accepted: @Sendable (AcceptedChanges) -> Void
        var attached: @Sendable ([EndpointKey: NodeProgram.Attachment]) -> Void
    }

    /// What processes before this one knew.
    struct Memory {
        var recall: (StoreKey) -> AcceptedVersion
        var attachments: [EndpointKey: NodeProgram.Attachment]
    }

    let configuration: NodeAgentConfiguration
    let mailbox: Mailbox
    private let board: EnforcementBoard
    let dataplane: any Dataplane
    let outlets: Outlets
    let clock = ContinuousClock()

    var mirror: WorldMirror
    private var compiler = VerdictCompiler()
    var links: [String: InterfaceIdentity] = [:]
    var local: LocalEndpoints
    private var tablesRevision: Int64?
    /// This node's endpoints.
    private var ownEndpoints: [EndpointKey: WorkloadEndpoint] = [:]
    private var ownEndpointsChanged = true
    /// What the world has and `compiler` does not know yet.
    private var uncompiled: [WorldChange] = []
    /// What was compiled since the last program that the dataplane took.
    private var unapplied: [WorldChange] = []
    /// What differs from the tables of that program; nil: nobody knows.
    private var tableChanges: TableChanges?
    /// Revisions that were read and are not in force, with the time of their commit, or of the store's word of it where
    /// the store does not know that.
    private var pending: [(revision: Int64, committed: ContinuousClock.Instant)] = []
    private var snapshotArrived = false
    /// Since the last attempt.
    private var revisionsArrived = false
    private var worldChanged = true
    private var attachmentsChanged = true
    private var rememberedAttachments: [EndpointKey: NodeProgram.Attachment]
    var lastReport: ApplyReport?

    let logger: Logger
    var problems: ProblemLog
    var outerProblems: [String: String] = [:]
    private var retryDelay: Duration
    private var retryAt: ContinuousClock.Instant?
    var applyFailure: String?
    /// Endpoints whose attachment fails, and since when.
    private var failingSince: [EndpointKey: ContinuousClock.Instant] = [:]

    var aggregator: FlowAggregator
    var ruleLog: RuleLog
    var addresses = AddressBook()
    var labels = EndpointLabels()
    var nextPoll: ContinuousClock.Instant
    var nextMaintenance: ContinuousClock.Instant
    /// In the round of maintenance that goes on.
    var repairs: [String] = []
    var nextSweep: ContinuousClock.Instant
    var publishedOverflow = FlowAggregator.Overflow()
    /// What the sweep that goes on has taken so far.
    var sweepDuration = Duration.zero
    var missingSince: [EndpointKey: ContinuousClock.Instant] = [:]
    /// Something that a report shows has changed since the last one was published.
    var reportChanged = false

    init(
        configuration: NodeAgentConfiguration, mailbox: Mailbox, board: EnforcementBoard, dataplane: any Dataplane,
        outlets: Outlets, memory: Memory, logger: Logger
    ) {
        self.configuration = configuration
        self.mailbox = mailbox
        self.board = board
        self.dataplane = dataplane
        self.outlets = outlets
        mirror = WorldMirror(recall: memory.recall)
        local = LocalEndpoints(remembering: memory.attachments)
        rememberedAttachments = memory.attachments
        problems = ProblemLog(logger: logger)
        self.logger = logger
        aggregator = FlowAggregator(startingAt: KernelClock.boottime())
        ruleLog = RuleLog(now: clock.now)
        retryDelay = configuration.firstRetryDelay
        nextPoll = clock.now
        nextMaintenance = clock.now + configuration.flowWindow
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
        let deadline = min(nextPoll, nextMaintenance, nextSweep, retryAt ?? nextSweep)
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
                    pending.append((event.object.revision, event.committed ?? received))
                }
            }
        }
        if let links = content.links, links != self.links {
            self.links = links
            attachmentsChanged = true
            reportChanged = true
        }
        follow(mirror.takeChanges())
        if ownEndpointsChanged || attachmentsChanged {
            let before = local
            local = LocalEndpoints(endpoints: ownEndpoints, links: links, before: before)
            ownEndpointsChanged = false
            if !worldChanged { attachmentsChanged = local.attachments != before.attachments }
        }
        if !content.store.isEmpty {
            noteUndecodable()
            outlets.accepted(mirror.takeAccepted())
            for key in mirror.takeRequested() { request(key) }
        }
    }

    /// Keeps what a change means for this node, by the change and not by the world.
    private func follow(_ changes: [WorldChange]) {
        uncompiled += changes
        labels.follow(changes)
        for case .endpoint(let key, let endpoint) in changes {
            let own = endpoint.flatMap { $0.node.isEmpty || $0.node == configuration.node ? $0 : nil }
            guard ownEndpoints[key] != own else { continue }
            ownEndpoints[key] = own
            ownEndpointsChanged = true
        }
    }

    /// Somebody asked for the endpoint to be policed, whatever was released before.
    private func request(_ key: EndpointKey) {
        guard let attachment = local.attachments[key] else { return }
        do {
            try dataplane.request(key, on: attachment)
            attachmentsChanged = true
        } catch {
            problems.note("endpoint \(key)", "it stays released: \(error)", now: clock.now)
        }
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
        for (key, unreadable) in mirror.undecodable {
            let subject = prefix + Self.name(key)
            subjects.insert(subject)
            problems.note(subject, Self.sentence(unreadable), now: clock.now)
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
        if worldChanged || tablesRevision == nil { compile() }
        worldChanged = false
        attachmentsChanged = false
        revisionsArrived = false
        do {
            let report = try dataplane.apply(
                NodeProgram(
                    revision: mirror.revision, tables: compiler.tables, attachments: local.attachments,
                    admissions: local.admissions, keepsUnclaimedInterfaces: mirror.keepsUnclaimedInterfaces, changes: tableChanges))
            let now = clock.now
            lastReport = report
            tableChanges = TableChanges()
            for case .endpoint(let key, let endpoint) in unapplied { addresses.set(key, endpoint?.addresses ?? []) }
            board.enforce(unapplied)
            unapplied = []
            applyFailure = nil
            problems.clear("apply")
            noteAttachFailures(report, now: now)
            if local.attachments != rememberedAttachments {
                rememberedAttachments = local.attachments
                outlets.attached(rememberedAttachments)
            }
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

    /// Brings the tables up to date with the world. An apply that fails leaves what it should have done to the next.
    private func compile() {
        if tablesRevision == nil {
            _ = compiler.compile(PolicyWorld(), node: configuration.node)
        }
        compiler.apply(uncompiled)
        tableChanges?.add(compiler.lastChanges)
        unapplied += uncompiled
        uncompiled = []
        tablesRevision = mirror.revision
    }

    /// All that was pending is in force since `now`.
    private func settle(at now: ContinuousClock.Instant) {
        let enforced = pending.map { entry in
            let milliseconds = Self.milliseconds(entry.committed.duration(to: now))
            return (entry.revision, EnforcementMeasure(enforced: now, milliseconds: milliseconds))
        }
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

    private func publish(enforced: [(revision: Int64, measure: EnforcementMeasure)]) {
        var snapshot = EnforcementBoard.Snapshot()
        let isCurrent = applyFailure == nil && lastReport != nil
        snapshot.storeRevision = mirror.revision
        snapshot.enforcedRevision = isCurrent ? mirror.revision : board.snapshot.enforcedRevision
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
        snapshot.unreadable = mirror.undecodable.mapValues(Self.sentence)
        snapshot.ruleLog = NodeReport.RuleLog(written: ruleLog.written, leftOut: ruleLog.leftOut)
        reportChanged = false
        board.publish(snapshot, enforced: enforced)
    }

    static func name(_ key: StoreKey) -> String {
        key.namespace.isEmpty ? "\(key.resource) \(key.name)" : "\(key.resource) \(key.namespace)/\(key.name)"
    }

    private static func milliseconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
    }
}
