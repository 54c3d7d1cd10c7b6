import Dataplane
import PolicyModel

/// What the API asks of the agent that runs in the same process.
public protocol NodeReporting: Sendable {
    func report() async -> NodeReport
    /// Returns when every change up to `revision` is in force, and the endpoint (if named) is policed; the failure for
    /// a person otherwise, also when `timeoutSeconds` pass.
    func waitUntilEnforced(revision: Int64, endpoint: EndpointKey?, timeoutSeconds: Double) async -> EnforcementResult
    /// The revision whose tables are in the kernel, and the world they were made from.
    func enforcedWorld() async -> (revision: Int64, world: PolicyWorld)
    /// What `host` stands for where policies name nets: the first of each IP version. Empty when they cannot be read.
    func hostAddresses() async -> [IPAddress]
}

public enum EnforcementResult: Sendable, Hashable {
    /// Milliseconds from the store's commit to the last map write.
    case enforced(revision: Int64, milliseconds: Double)
    case failed(String)
}

public struct NodeReport: Sendable, Hashable {
    public struct Endpoint: Sendable, Hashable {
        public var key: EndpointKey
        public var interfaceName: String
        public var addresses: [IPAddress]
        public var policed: Bool
        /// Why it is not policed; empty when it is.
        public var message: String

        public init(key: EndpointKey, interfaceName: String, addresses: [IPAddress], policed: Bool, message: String) {
            self.key = key
            self.interfaceName = interfaceName
            self.addresses = addresses
            self.policed = policed
            self.message = message
        }
    }

    public var node: String
    public var observing: Bool
    public var storeRevision: Int64
    public var kernelRevision: Int64?
    public var endpoints: [Endpoint]
    public var dataplane: DataplaneStatus
    public var warnings: [String]
    /// Interfaces that a workload could be behind (veths, taps) and that no endpoint names: nothing is policed there.
    public var unnamedInterfaces: [String]
    public var containers = ContainerReport()

    public init(
        node: String, observing: Bool, storeRevision: Int64, kernelRevision: Int64?, endpoints: [Endpoint],
        dataplane: DataplaneStatus, warnings: [String], unnamedInterfaces: [String] = []
    ) {
        self.node = node
        self.observing = observing
        self.storeRevision = storeRevision
        self.kernelRevision = kernelRevision
        self.endpoints = endpoints
        self.dataplane = dataplane
        self.warnings = warnings
        self.unnamedInterfaces = unnamedInterfaces
    }
}
