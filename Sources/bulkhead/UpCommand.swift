import ArgumentParser
import BPFDataplane
import ControlPlane
import Datastore
import FlowLogs
import Foundation
import Logging
import Netlink
import NodeAgent
import UnixSignals
import WorkloadSources

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run Bulkhead on this host: store, API server and agent in one process.",
        discussion: """
            It polices the network namespace that it is started in. STATE/kubeconfig and, last of all, STATE/ready appear when \
            it serves and enforces. SIGTERM and SIGINT stop it; the kernel goes on enforcing the last policy until \
            `bulkhead release`.

            EXAMPLES
              bulkhead up
              bulkhead up --observe --log-format json
              bulkhead up --listen 127.0.0.1:7444 --engine /run/podman/podman.sock
            """)

    @Option(help: "The folder for the store, the keys and the kubeconfig.") var state = Locations.stateDirectory
    @Option(help: "The folder in a BPF file system that keeps enforcement alive without this process.")
    var pin = Locations.pinDirectory
    @Option(help: "Where the API server listens.") var listen = Locations.listenAddress
    @Flag(help: "Compute and record verdicts, let every packet pass.") var observe = false
    @OptionGroup var log: LogOptions

    @Option(
        help: ArgumentHelp(
            "The socket of a container engine to follow; once for each.",
            discussion: "Without it: \(ContainerSources.standardSockets.joined(separator: " and ")).", valueName: "path"))
    var engine: [String] = []

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        log.bootstrap()
        let logger = Logger(label: "bulkhead")
        do {
            try FileManager.default.createDirectory(
                atPath: state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure("the state folder \(state) cannot be made: name another with --state, or run as root")
        }
        let ready = ReadyFile(path: state + "/ready")
        let store = try SQLiteStore(path: state + "/store.sqlite")
        // Only now: while another process has the store, the file is its own.
        ready.remove()
        let flows = try SQLiteFlowStore(path: state + "/flows.sqlite")
        let accepted = try AcceptedVersions(path: state + "/accepted.sqlite", place: NetworkPlace.current())

        var dataplane = BPFDataplane.Configuration(pinDirectory: pin, stateDirectory: state)
        dataplane.observe = observe
        let node = NodeName.current()
        let agent = NodeAgent(
            configuration: NodeAgentConfiguration(node: node, observing: observe), store: store, flowStore: flows,
            accepted: accepted, links: KernelLinkSource(), logger: logger,
            makeDataplane: { [dataplane] in try BPFDataplane(configuration: dataplane) })
        // Before it is denied: afterwards only the flow log says so.
        do {
            for line in try await StartPreview.lines(store: store, accepted: accepted, node: node, pin: pin) {
                logger.warning("\(observe ? "observing: " : "")\(line)")
            }
        } catch {
            logger.warning("what will be denied cannot be told: \(error)")
        }
        // First what is stored is in force, then anybody may change it.
        try await agent.start()
        let board = ContainerBoard()
        let server = APIServer(
            configuration: APIServer.Configuration(stateDirectory: state, listenAddress: listen), store: store,
            node: ReportingNode(agent: agent, board: board), flows: flows, logger: logger)
        let containers = ContainerSources(
            sockets: engine.isEmpty ? ContainerSources.standardSockets : engine, board: board, logger: logger)
        let outcome = await serve(
            agent, server, containers, store: store, node: node, ready: ready, signals: signals, logger: logger)
        ready.remove()
        try? flows.close()
        try? accepted.close()
        try? store.close()
        try outcome.get()
        logger.info("stopped; the kernel goes on enforcing the last policy")
    }

    /// Until a signal comes or the server fails; the agent is the last to stop.
    private func serve(
        _ agent: NodeAgent, _ server: APIServer, _ containers: ContainerSources, store: SQLiteStore, node: String, ready: ReadyFile, signals: UnixSignalsSequence,
        logger: Logger
    ) async -> Result<Void, any Error> {
        let following = Task { await agent.run() }
        let statuses = PolicyStatusWriter(store: store, node: agent, logger: logger, now: SQLiteFlowStore.wallClock)
        let describing = Task { await statuses.run() }
        let (listening, listeningContinuation) = AsyncStream<APIServer.Ready>.makeStream()
        let observe = observe
        let outcome: Result<Void, any Error> = await withTaskGroup(of: Result<Void, any Error>?.self) { group in
            group.addTask {
                do {
                    try await server.run { listeningContinuation.yield($0) }
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                for await signal in signals {
                    logger.info("got \(signal), stopping")
                    break
                }
                ready.remove()
                return .success(())
            }
            group.addTask {
                for await place in listening {
                    do {
                        let current = try await store.list(resource: "namespaces", namespace: nil).revision
                        while case .failed(let reason) = await agent.waitUntilEnforced(
                            revision: current, endpoint: nil, timeoutSeconds: 60)
                        {
                            if Task.isCancelled { return nil }
                            logger.error("not ready: \(reason)")
                        }
                        try ready.write()
                        logger.info(
                            "ready: node \(node), \(place.url), \(observe ? "observing" : "enforcing"); kubeconfig \(place.kubeconfig)")
                        await containers.run(kubeconfig: place.kubeconfig)
                    } catch {
                        return .failure(error)
                    }
                }
                return nil
            }
            var outcome: Result<Void, any Error> = .success(())
            for await result in group {
                guard let result else { continue }
                outcome = result
                break
            }
            listeningContinuation.finish()
            group.cancelAll()
            return outcome
        }
        describing.cancel()
        await describing.value
        following.cancel()
        await following.value
        return outcome
    }
}
