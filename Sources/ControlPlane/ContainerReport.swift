/// The containers of a node and the engines that run them, as its sources know them.
public struct ContainerReport: Sendable, Hashable {
    public struct Engine: Sendable, Hashable {
        public var name: String
        public var socket: String
        public var isConnected: Bool
        /// Whether a container can send before it is policed.
        public var hasOpenStart: Bool
        /// From a container's start to its first table in the kernel; nil before the first start.
        public var lastWindowMilliseconds: Double?
        public var longestWindowMilliseconds: Double?
        public var starts: Int
        public var message: String

        public init(
            name: String, socket: String, isConnected: Bool, hasOpenStart: Bool, lastWindowMilliseconds: Double?,
            longestWindowMilliseconds: Double?, starts: Int, message: String
        ) {
            self.name = name
            self.socket = socket
            self.isConnected = isConnected
            self.hasOpenStart = hasOpenStart
            self.lastWindowMilliseconds = lastWindowMilliseconds
            self.longestWindowMilliseconds = longestWindowMilliseconds
            self.starts = starts
            self.message = message
        }
    }

    public struct Container: Sendable, Hashable {
        public var engine: String
        public var name: String
        public var identifier: String
        /// `namespace/name`; empty when it is not policed.
        public var endpoints: [String]
        /// Why it is not policed, or whose endpoint it shares.
        public var message: String
        /// `0.0.0.0:8080 -> 80/tcp`.
        public var publishedPorts: [String]

        public init(
            engine: String, name: String, identifier: String, endpoints: [String], message: String, publishedPorts: [String]
        ) {
            self.engine = engine
            self.name = name
            self.identifier = identifier
            self.endpoints = endpoints
            self.message = message
            self.publishedPorts = publishedPorts
        }
    }

    public var engines: [Engine]
    public var containers: [Container]

    public init(engines: [Engine] = [], containers: [Container] = []) {
        self.engines = engines
        self.containers = containers
    }
}
