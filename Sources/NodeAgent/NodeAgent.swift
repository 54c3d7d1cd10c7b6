import ControlPlane
import Dataplane
import Datastore
import FlowLogs
import Foundation
import Logging
import PolicyModel
import Synchronization

/// Keeps one node's kernel in step with the store, and tells what the kernel saw.
///
/// The store's changes, the node's interfaces and the kernel's events meet on one thread of the agent's own (see
/// `EnforcementLoop`); everybody else talks to it through a mailbox and reads its results from a board.
public final class NodeAgent: NodeReporting {
    /// An annotation of a WorkloadEndpoint that says when somebody asked for it to be policed. A new value polices an
    /// interface again that was released on its own.
    public static let requestAnnotation = "bulkhead.io/requested-at"

    private let configuration: NodeAgentConfiguration
    private let store: any Store
    private let flowStore: any FlowStore
    private let links: any LinkSource
    private let logger: Logger
    private let makeDataplane: @Sendable () throws -> any Dataplane
    private let mailbox = Mailbox()
    private let board: EnforcementBoard
    private let flows: FlowWriter
    private let decisions = Mutex(DecisionCounts())
    private let ruleLog: RuleLogWriter
    private let accepted: AcceptedVersions
    private let threadEnd = ThreadEnd()
    /// The revision that `run` follows the store from; nil before `start`.
    private let startRevision = Mutex<Int64?>(nil)

    /// - Parameters:
    ///   - accepted: what processes before this one accepted, and what this one does.
    ///   - makeDataplane: called once, on the agent's thread, where the dataplane then stays.
    public init(
        configuration: NodeAgentConfiguration, store: any Store, flowStore: any FlowStore, accepted: AcceptedVersions,
        links: any LinkSource, logger: Logger, makeDataplane: @escaping @Sendable () throws -> any Dataplane
    ) {
        self.configuration = configuration
        self.store = store
        self.flowStore = flowStore
        self.links = links
        self.logger = logger
        self.makeDataplane = makeDataplane
        self.accepted = accepted
        ruleLog = RuleLogWriter(logger: logger)
        board = EnforcementBoard(node: configuration.node)
        flows = FlowWriter(store: flowStore) { [mailbox] problem in
            mailbox.post { $0.problems["flow store"] = .some(problem) }
        }
    }

    /// Opens the dataplane and hands it what the store holds now. When it returns, `run` has to be called.
    /// - Throws: what the store or the dataplane say when they cannot be read or opened. That the first program is
    ///   refused is no error: the agent goes on trying and says so in its report.
    public func start() async throws {
        let list = try await store.list(resource: nil, namespace: nil)
        mailbox.post { $0.store.append((.snapshot(list.objects, revision: list.revision), .now)) }
        try links.start(
            { [mailbox] links in mailbox.post { $0.links = links } },
            onFailure: { [mailbox] problem in mailbox.post { $0.problems["interfaces"] = .some(problem) } })
        do {
            try await startThread()
        } catch {
            links.stop()
            throw error
        }
        startRevision.withLock { $0 = list.revision }
    }

    /// Follows the store until the task is cancelled, then stops and writes what is left of the flows. What is in force
    /// stays in force. Once, after `start`.
    public func run() async {
        guard let revision = startRevision.withLock({ $0 }) else { return }
        // Not children: a cancelled task could not write what is left.
        let writing = Task { [flows] in await flows.run() }
        let logging = Task { [ruleLog] in await ruleLog.run() }
        let remembering = Task { [accepted, mailbox] in
            await accepted.run { problem in mailbox.post { $0.problems["accepted objects"] = .some(problem) } }
        }
        await follow(after: revision)
        links.stop()
        mailbox.post { $0.stopping = true }
        await threadEnd.wait()
        flows.finish()
        ruleLog.finish()
        accepted.finish()
        for task in [writing, logging, remembering] { await task.value }
    }

    // MARK: NodeReporting

    public func report() async -> NodeReport {
        let status = await mailbox.status()
        let snapshot = board.snapshot
        var warnings = snapshot.warnings
        if status == nil { warnings.append("The dataplane cannot be read.") }
        var report = NodeReport(
            node: configuration.node, observing: status?.observing ?? configuration.observing, storeRevision: snapshot.storeRevision,
            kernelRevision: snapshot.enforcedRevision, endpoints: snapshot.endpoints,
            dataplane: status
                ?? DataplaneStatus(
                    revision: nil, policed: [:], maps: [], systemCounts: [:], eventsLost: 0, warnings: []),
            warnings: warnings, unnamedInterfaces: snapshot.unnamedInterfaces, ruleLog: snapshot.ruleLog,
            unreadable: snapshot.unreadable, delay: snapshot.delay)
        report.decisions = decisions.withLock { $0 }
        report.enforcement = board.durations
        return report
    }

    /// `milliseconds` is 0 for a revision that was in force before this process, or longer ago than is remembered.
    public func waitUntilEnforced(
        revision: Int64, endpoint: EndpointKey?, timeoutSeconds: Double
    ) async -> EnforcementResult {
        await board.wait(revision: revision, endpoint: endpoint, timeoutSeconds: timeoutSeconds)
    }

    public func enforcedWorld() async -> (revision: Int64, world: PolicyWorld) { board.enforced }

    public func stateNumber() async -> UInt64 { board.stateNumber }

    public func isEnforcing() async -> Bool { board.snapshot.enforcedRevision != nil }

    public func hostAddresses() async -> [IPAddress] {
        do {
            return try links.addresses()
        } catch {
            logger.warning("the addresses of the host cannot be read: \(error)")
            return []
        }
    }

    /// The time is from the store's commit, where the store tells that, else from its word of the change.
    public func enforcementMeasure(of revision: Int64) async -> EnforcementMeasure? { board.measure(of: revision) }

    // MARK: Parts

    private func startThread() async throws {
        let outlets = EnforcementLoop.Outlets(
            flows: { [flows, weak self] records in
                self?.decisions.withLock { $0.add(records) }
                flows.write(records)
            },
            removeEndpoint: { [store, logger] key, revision in
                Task { await Self.remove(key, revision: revision, from: store, logger: logger) }
            }, ruleLog: { [ruleLog] line in ruleLog.write(line) },
            accepted: { [accepted] changes in accepted.remember(changes) },
            attached: { [accepted] attachments in accepted.remember(attachments) })
        let attachments = try accepted.attachments()
        let inheritance = await flowInheritance()
        try await withCheckedThrowingContinuation { (started: CheckedContinuation<Void, any Error>) in
            let thread = Thread { [configuration, mailbox, board, logger, makeDataplane, threadEnd, accepted] in
                defer { threadEnd.signal() }
                do {
                    let dataplane = try makeDataplane()
                    let loop = EnforcementLoop(
                        configuration: configuration, mailbox: mailbox, board: board, dataplane: dataplane,
                        outlets: outlets,
                        memory: EnforcementLoop.Memory(recall: { accepted.recall($0) }, attachments: attachments),
                        logger: logger)
                    if let inheritance { loop.aggregator.inherit(inheritance) }
                    loop.turn()
                    started.resume()
                    loop.run()
                } catch {
                    mailbox.close()
                    started.resume(throwing: error)
                }
            }
            thread.name = "enforcement"
            thread.start()
        }
    }

    /// nil: what the processes before recorded of live connections is not known; then they count from now on.
    private func flowInheritance() async -> FlowInheritance? {
        guard let boot = KernelClock.boot() else { return nil }
        do {
            return try await flowStore.inheritance(boot: boot, now: KernelClock.boottime())
        } catch {
            logger.warning("connections that are live already are recorded from now on only: \(error)")
            return nil
        }
    }

    /// Passes the store's changes on, on the thread that writes them: they are enforced while the disk takes them. What is lost
    /// with the power is lost to this host's kernel as well. Where that ends it begins anew with a list; without one it goes on
    /// from the last, and changes that come twice are passed over.
    private func follow(after start: Int64) async {
        var revision = start
        var delay = configuration.firstRetryDelay
        while !Task.isCancelled {
            let began = ContinuousClock.now
            do {
                try await store.follow(after: revision) { [mailbox] events in
                    let received = ContinuousClock.now
                    mailbox.post { $0.store.append((.events(events), received)) }
                }
                return
            } catch {
                if Task.isCancelled { return }
                note(store: "changes are not read: \(error)")
                if began.duration(to: .now) > configuration.longestRetryDelay { delay = configuration.firstRetryDelay }
                guard (try? await Task.sleep(for: delay)) != nil else { return }
                delay = min(delay * 2, configuration.longestRetryDelay)
                if let listed = await relist() { revision = listed }
            }
        }
    }

    private func relist() async -> Int64? {
        do {
            let list = try await store.list(resource: nil, namespace: nil)
            mailbox.post {
                $0.store.append((.snapshot(list.objects, revision: list.revision), .now))
                $0.problems["store"] = .some(nil)
            }
            return list.revision
        } catch {
            note(store: "it cannot be listed: \(error)")
            return nil
        }
    }

    private func note(store problem: String) { mailbox.post { $0.problems["store"] = .some(problem) } }

    private static func remove(_ key: EndpointKey, revision: Int64, from store: any Store, logger: Logger) async {
        let place = StoreKey(
            resource: TypedPlace.endpointResource, namespace: key.namespace, name: key.name)
        do {
            _ = try await store.delete(place, expected: revision)
            logger.info("workload endpoint \(key): removed, its container's interface is gone")
        } catch StoreError.notFound, StoreError.conflict {
            // Somebody else has removed or rewritten it: then it is theirs.
        } catch {
            logger.warning("workload endpoint \(key): its container's interface is gone, but it cannot be removed: \(error)")
        }
    }
}
