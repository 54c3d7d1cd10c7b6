import PolicyEngine
import PolicyModel

/// What two worlds allow differently: every connection that one allows and the other does not, between all workloads, addresses
/// outside, and pods that are not there yet but that a selector would tell apart.
public struct ConnectivityDifference: Sendable {
    public enum Change: String, Sendable, Hashable {
        case added, removed, changed
    }

    public struct Line: Sendable, Hashable {
        public var change: Change
        public var source: String
        public var destination: String
        /// As in a connectivity listing; `No Connections` for none.
        public var old: String
        public var new: String
        /// Ends that only one of the worlds has, in words.
        public var workloads: [String]
        public var cause: Cause
        /// An end stands for pods that are not there yet.
        public var isOfNewPods: Bool
    }

    /// What has to be taken back for a difference to go away.
    public enum Cause: Sendable, Hashable {
        /// Each of these alone.
        case each([PolicyReference])
        /// All of these together.
        case together([PolicyReference])
        /// Other objects than policies: labels, namespaces, sets, tiers, workloads.
        case otherObjects
    }

    /// By source and destination.
    public private(set) var lines: [Line] = []
    /// Whether every class of labels that a selector tells apart was compared.
    public let isComplete: Bool

    /// - Throws: `WorldError` when no address is left for pods that are not there yet.
    public init(old: AnalysisWorld, new: AnalysisWorld) throws(WorldError) {
        let classes = LabelClasses([old.world, new.world])
        isComplete = classes.isComplete
        let blocks = WorldBlocks.all(of: old.world).union(WorldBlocks.all(of: new.world))
        let oldWorld = try old.adding(classes, apartFrom: blocks)
        let newWorld = try new.adding(classes, apartFrom: blocks)
        var comparison = WorldComparison(old: oldWorld, new: newWorld)
        let pairs = comparison.differingPairs()
        var causes = CauseFinder(old: oldWorld, new: newWorld, comparison: comparison)
        for pair in pairs { lines.append(comparison.line(pair, cause: causes.cause(of: pair))) }
    }
}
