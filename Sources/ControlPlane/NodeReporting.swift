import Dataplane
import Datastore
import FlowLogs
import PolicyModel

/// What the API asks of the agent that runs in the same process.
public protocol NodeReporting: Sendable {
    func report() async -> NodeReport
    /// Returns when every change up to `revision` is in force, and the endpoint (if named) is policed; the failure for
    /// a person otherwise, also when `timeoutSeconds` pass.
    func waitUntilEnforced(revision: Int64, endpoint: EndpointKey?, timeoutSeconds: Double) async -> EnforcementResult
    /// The revision whose tables are in the kernel, and the world they were made from.
    func enforcedWorld() async -> (revision: Int64, world: PolicyWorld)
    /// While this number is the same, so are the world in force and, in a report, endpoints, `unreadable` and `delay`. Cheap.
    func stateNumber() async -> UInt64
    /// Whether there is a revision in force. Cheap: whoever cannot even log in may ask.
    func isEnforcing() async -> Bool
    /// When a revision came into force, and how long that took; nil when it is not in force, was before the agent's start, or
    /// is longer ago than is remembered.
    func enforcementMeasure(of revision: Int64) async -> EnforcementMeasure?
    /// What `host` stands for where policies name nets: the first of each IP version. Empty when they cannot be read.
    func hostAddresses() async -> [IPAddress]
}

extension NodeReporting {
    /// A node that measures nothing.
    public func enforcementMeasure(of revision: Int64) async -> EnforcementMeasure? { nil }

    public func isEnforcing() async -> Bool { await enforcedWorld().revision > 0 }
}

public struct EnforcementMeasure: Sendable, Hashable {
    /// The last map write.
    public var enforced: ContinuousClock.Instant
    /// From the store's commit to the last map write.
    public var milliseconds: Double

    public init(enforced: ContinuousClock.Instant, milliseconds: Double) {
        self.enforced = enforced
        self.milliseconds = milliseconds
    }
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

    /// Lines that Log rules asked for since the agent's start.
    public struct RuleLog: Sendable, Hashable {
        public var written: UInt64
        /// There were too many at a time.
        public var leftOut: UInt64

        public init(written: UInt64 = 0, leftOut: UInt64 = 0) {
            self.written = written
            self.leftOut = leftOut
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
    public var ruleLog: RuleLog
    /// Objects whose newest version cannot be read, with the reason and what decides instead.
    public var unreadable: [StoreKey: String]
    /// Why what the store holds is not in force; nil when it is.
    public var delay: String?
    public var containers = ContainerReport()
    public var decisions = DecisionCounts()
    /// From the commit of each revision to its last map write.
    public var enforcement = DurationHistogram()

    public init(
        node: String, observing: Bool, storeRevision: Int64, kernelRevision: Int64?, endpoints: [Endpoint],
        dataplane: DataplaneStatus, warnings: [String], unnamedInterfaces: [String] = [], ruleLog: RuleLog = RuleLog(),
        unreadable: [StoreKey: String] = [:], delay: String? = nil
    ) {
        self.node = node
        self.observing = observing
        self.storeRevision = storeRevision
        self.kernelRevision = kernelRevision
        self.endpoints = endpoints
        self.dataplane = dataplane
        self.warnings = warnings
        self.unnamedInterfaces = unnamedInterfaces
        self.ruleLog = ruleLog
        self.unreadable = unreadable
        self.delay = delay
    }
}
