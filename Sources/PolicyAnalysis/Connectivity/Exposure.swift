import PolicyModel

/// What workloads may begin to pods that are not there yet, and those to them: what every such pod has in common, and more for
/// those with labels that a selector tells apart.
public struct Exposure: Sendable {
    public struct Line: Sendable, Hashable {
        public var workload: String
        public var direction: Direction
        /// `entire-cluster`, or pods by namespace and labels: `shop/{app=web}[New]`.
        public var other: String
        public var connections: String
    }

    public static let everybody = "entire-cluster"

    /// Egress before ingress, by workload, what all pods share first.
    public private(set) var lines: [Line] = []
    /// Whether every class of labels that a selector tells apart is among the pods.
    public let isComplete: Bool

    /// - Throws: `WorldError` when no address is left for pods that are not there yet.
    public init(_ analysed: AnalysisWorld) throws(WorldError) {
        let classes = LabelClasses([analysed.world])
        isComplete = classes.isComplete
        var reachability = Reachability(try analysed.adding(classes, apartFrom: []))
        let peers = reachability.peers
        let workloads = peers.indices.filter { !peers[$0].isExternal && !peers[$0].isNew }
        // Those with the fewest labels stand for all of their class.
        var known: Set<[Int32]> = []
        let places = Dictionary(peers.indices.map { (peers[$0].endpoint, $0) }) { first, _ in first }
        let pods = classes.endpoints.compactMap { places[$0.key] }
            .filter { known.insert(reachability.classes(of: $0)).inserted }
        for direction in [Direction.egress, .ingress] {
            for workload in workloads {
                let found = pods.map { pod in
                    let (source, destination) = direction == .egress ? (workload, pod) : (pod, workload)
                    return Allowed(reachability.allowed(from: source, to: destination), reachability)
                }
                let common = found.dropFirst().reduce(found.first ?? Allowed(nil, reachability)) { $0.intersection($1) }
                if !common.isNothing { append(peers[workload], direction, Self.everybody, common) }
                for (pod, allowed) in zip(pods, found) where !allowed.isNothing && allowed != common {
                    append(peers[workload], direction, peers[pod].title, allowed)
                }
            }
        }
    }

    private mutating func append(_ workload: Peer, _ direction: Direction, _ other: String, _ allowed: Allowed) {
        lines.append(Line(
            workload: workload.title, direction: direction, other: other,
            connections: ConnectionText.text(v4: allowed.v4, v6: allowed.v6)))
    }

    private struct Allowed: Equatable {
        /// nil: the ends do not share the version.
        var v4: ConnectionSet?
        var v6: ConnectionSet?

        init(_ connections: VersionedConnections?, _ reachability: Reachability) {
            v4 = connections?.v4.map { reachability.set($0) }
            v6 = connections?.v6.map { reachability.set($0) }
        }

        var isNothing: Bool { (v4 ?? .none).isEmpty && (v6 ?? .none).isEmpty }

        func intersection(_ other: Self) -> Self {
            var result = self
            result.v4 = (v4 ?? .none).intersection(other.v4 ?? .none)
            result.v6 = v6 == nil && other.v6 == nil ? nil : (v6 ?? .none).intersection(other.v6 ?? .none)
            return result
        }
    }
}

extension Exposure: CustomStringConvertible {
    /// As np-guard's analyser tells it.
    public var description: String {
        var text = "Exposure Analysis Result:"
        for (direction, title, arrow) in [(Direction.egress, "Egress Exposure:", "=>"), (.ingress, "Ingress Exposure:", "<=")] {
            let told = lines.filter { $0.direction == direction }
            if told.isEmpty { continue }
            text += (direction == .ingress ? "\n\n" : "\n") + title
            for line in told { text += "\n\(line.workload)\t\(arrow)\t\(line.other) : \(line.connections)" }
        }
        return text
    }
}
