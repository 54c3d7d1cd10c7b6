import Synchronization

/// What the container sources know, for whoever asks.
public final class ContainerBoard: Sendable {
    /// A container engine of this host.
    public struct Engine: Sendable, Hashable {
        /// `docker`, `podman`.
        public var name: String
        public var socket: String
        public var isConnected: Bool
        /// Whether a container can send before it is policed.
        public var hasOpenStart: Bool
        /// From a container's start to its first table in the kernel, in milliseconds; nil before the first start.
        public var lastWindowMilliseconds: Double?
        public var longestWindowMilliseconds: Double?
        /// Starts that were measured.
        public var starts = 0
        /// Why it is not connected, or what could not be done; empty when all is well.
        public var message: String
    }

    /// A running container.
    public struct Container: Sendable, Hashable {
        public var engine: String
        public var name: String
        public var identifier: String
        /// Its endpoints, `namespace/name`; empty when it is not policed.
        public var endpoints: [String]
        /// Why it is not policed, or whose endpoint it shares; empty when it has its own.
        public var message: String
        /// `0.0.0.0:8080 -> 80/tcp`: policy and flow records see the container's own address and port.
        public var publishedPorts: [String]
    }

    private struct State {
        var engines: [String: Engine] = [:]
        var containers: [String: Container] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    /// By socket.
    public var engines: [Engine] { state.withLock { $0.engines.sorted { $0.key < $1.key }.map(\.value) } }

    /// By engine and name.
    public var containers: [Container] {
        state.withLock { state in state.containers.values.sorted { ($0.engine, $0.name, $0.identifier) < ($1.engine, $1.name, $1.identifier) } }
    }

    func change(engine socket: String, _ body: (inout Engine) -> Void) {
        state.withLock { state in
            var engine = state.engines[socket]
                ?? Engine(name: "", socket: socket, isConnected: false, hasOpenStart: true, message: "")
            body(&engine)
            state.engines[socket] = engine
        }
    }

    func forget(engine socket: String) { state.withLock { $0.engines[socket] = nil } }

    func set(_ container: Container?, identifier: String) { state.withLock { $0.containers[identifier] = container } }

    func forgetContainers(of engine: String) {
        state.withLock { state in state.containers = state.containers.filter { $0.value.engine != engine } }
    }

    func measured(_ milliseconds: Double, engine socket: String) {
        change(engine: socket) { engine in
            engine.lastWindowMilliseconds = milliseconds
            engine.longestWindowMilliseconds = max(milliseconds, engine.longestWindowMilliseconds ?? 0)
            engine.starts += 1
        }
    }
}
