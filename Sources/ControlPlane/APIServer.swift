import Datastore
import FlowLogs
import Foundation
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import PolicyModel

/// The HTTPS server of the API: Kubernetes conventions for objects, and Bulkhead's own endpoints beside them
/// (`/apis/bulkhead.io/v1alpha1/explain`, `flows`, `status`, `enforcement`).
public struct APIServer: Sendable {
    public struct Configuration: Sendable {
        /// Holds the certificate authority, the administrator's token and `kubeconfig`; made with mode 0700.
        public var stateDirectory: String
        /// `127.0.0.1:7443`, `[::1]:7443`, `localhost:7443`; port 0 takes a free one.
        public var listenAddress: String
        /// How long requests may take to arrive.
        var headSeconds = Limits.headSeconds
        var bodySeconds = Limits.bodySeconds

        public init(stateDirectory: String, listenAddress: String) {
            self.stateDirectory = stateDirectory
            self.listenAddress = listenAddress
        }
    }

    /// Why the server cannot start.
    public enum StartError: Error, Sendable, Hashable, CustomStringConvertible {
        case listenAddress(String)
        case cannotListen(address: String, reason: String)

        public var description: String {
            switch self {
            case .listenAddress(let text):
                "\"\(text)\" is no address to listen on: write HOST:PORT, as in 127.0.0.1:7443 or [::1]:7443"
            case .cannotListen(let address, let reason):
                "cannot listen on \(address): \(reason); is another server running? Choose another address with --listen"
            }
        }
    }

    /// Where a running server is.
    public struct Ready: Sendable, Hashable {
        /// `https://127.0.0.1:7443`.
        public var url: String
        public var port: Int
        /// The path of the administrator's kubeconfig.
        public var kubeconfig: String
    }

    /// As answers name it.
    static let name = "bulkhead"

    private let configuration: Configuration
    private let store: any Store
    private let node: any NodeReporting
    private let flows: any FlowStore
    private let logger: Logger

    public init(
        configuration: Configuration, store: any Store, node: any NodeReporting, flows: any FlowStore, logger: Logger
    ) {
        self.configuration = configuration
        self.store = store
        self.node = node
        self.flows = flows
        self.logger = logger
    }

    /// Serves until the task is cancelled; then closes all connections and returns.
    ///
    /// `onReady` is called once, when connections are accepted, the default objects exist and the kubeconfig is
    /// written. Throws `StartError`, or what made the state directory or the store unusable.
    public func run(onReady: @escaping @Sendable (Ready) async -> Void) async throws {
        guard let (host, port) = HostAddress.split(configuration.listenAddress) else {
            throw StartError.listenAddress(configuration.listenAddress)
        }
        let identity = try ServerIdentity.load(
            directory: configuration.stateDirectory, hosts: ["0.0.0.0", "::"].contains(host) ? [] : [host], now: Date())
        let requests = RequestCounts()
        let router = try await makeRouter(identity: identity, requests: requests)
        let frontend = HTTPFrontend(
            router: router, requests: requests, logger: logger, bodySeconds: configuration.bodySeconds)
        let reads = DirectReads(store: store, access: router.access, requests: requests, catalog: router.catalog)
        let date = HTTPDate()
        let connections = HTTPServerBuilder { [configuration] responder in
            APIChannel(responder: responder, reads: reads, date: date, headSeconds: configuration.headSeconds)
        }
        let housekeeping = Task { [logger] in await Housekeeping(writer: router.resources.writer, logger: logger).run() }
        defer { housekeeping.cancel() }
        let kubeconfigPath = configuration.stateDirectory + "/kubeconfig"
        let failure = FailureBox()
        let application = Application(
            responder: frontend,
            server: try .tls(connections, tlsConfiguration: identity.tlsConfiguration()),
            configuration: .init(address: .hostname(host, port: port), serverName: Self.name),
            onServerRunning: { channel in
                let actualPort = channel.localAddress?.port ?? port
                let url = "https://\(HostAddress.urlHost(host)):\(actualPort)"
                do {
                    let text = Kubeconfig.text(
                        server: url, authorityPEM: identity.authorityPEM, userName: User.administrator.name,
                        user: "token: \(identity.token.text)")
                    try PrivateFiles.write(Array(text.utf8), to: kubeconfigPath)
                } catch {
                    // Without its kubeconfig nobody can use the server: it stops, with the reason.
                    failure.set(error)
                    channel.close(promise: nil)
                    return
                }
                await onReady(Ready(url: url, port: actualPort, kubeconfig: kubeconfigPath))
            },
            logger: libraryLogger)
        do {
            try await application.run()
        } catch is CancellationError {
            return
        } catch let error as IOError {
            throw StartError.cannotListen(address: configuration.listenAddress, reason: String(cString: strerror(error.errnoCode)))
        } catch {
            // The library says only that the server ended; it was we who ended it.
            throw failure.value ?? error
        }
        if let error = failure.value { throw error }
    }

    private func makeRouter(identity: ServerIdentity, requests: RequestCounts) async throws -> APIRouter {
        let catalog = ResourceCatalog(kinds: Kinds.all + Kinds.aliases, reviews: Kinds.reviews)
        let now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
        let writer = ObjectWriter(
            store: store, references: References(store: store, catalog: catalog), gate: WriteGate(), now: now)
        try await DefaultObjects(writer: writer, catalog: catalog).ensure()
        return APIRouter(
            catalog: catalog, discovery: Discovery(catalog: catalog),
            openAPI: try OpenAPIDocuments(catalog: catalog, version: APIRouter.version),
            resources: ResourceHandler(store: store, writer: writer, now: now),
            bulkhead: BulkheadEndpoints(node: node, flows: flows), health: HealthChecks(store: store, node: node),
            requests: requests,
            access: AccessControl(
                directory: UserDirectory(stateDirectory: configuration.stateDirectory, administrator: identity.token)))
    }

    /// The HTTP library tells every connection at a level that is ours for what a person should see.
    private var libraryLogger: Logger {
        var logger = Logger(label: logger.label) { [handler = logger.handler] _ in LibraryLogHandler(handler) }
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}
