import PolicyModel

/// How open the workloads of a namespace are, in numbers that can be compared from day to day.
public struct Posture: Sendable, Hashable {
    public var namespace: String
    public var workloads: Int
    /// Of all ordered pairs of a workload of other namespaces and one of this, the part that may begin some connection; 0...1.
    public var reachableFromOthers: Double
    /// The same the other way round.
    public var reachesOthers: Double
    /// Workloads that some address outside may begin a connection to.
    public var exposedToOutside: Int
    /// Workloads that may begin a connection to some address outside.
    public var reachesOutside: Int

    /// Of every namespace with workloads, by name. Replicas count once.
    public static func all(of world: AnalysisWorld) -> [Posture] {
        var reachability = Reachability(world)
        let peers = reachability.peers
        let inside = peers.indices.filter { !peers[$0].isExternal }
        let outside = peers.indices.filter { peers[$0].isExternal }
        let byNamespace = Dictionary(grouping: inside) { peers[$0].workload?.namespace ?? "" }
        return byNamespace.sorted { $0.key < $1.key }.map { namespace, own in
            let others = inside.filter { peers[$0].workload?.namespace != namespace }
            var (into, out) = (0, 0)
            for peer in own {
                for other in others {
                    if reachability.allowed(from: other, to: peer) != nil { into += 1 }
                    if reachability.allowed(from: peer, to: other) != nil { out += 1 }
                }
            }
            let pairs = Double(max(own.count * others.count, 1))
            return Posture(
                namespace: namespace, workloads: own.count, reachableFromOthers: Double(into) / pairs,
                reachesOthers: Double(out) / pairs,
                exposedToOutside: own.count { peer in outside.contains { reachability.allowed(from: $0, to: peer) != nil } },
                reachesOutside: own.count { peer in outside.contains { reachability.allowed(from: peer, to: $0) != nil } })
        }
    }
}
