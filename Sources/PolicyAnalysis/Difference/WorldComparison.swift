import PolicyModel

/// Two worlds end by end.
struct WorldComparison {
    /// Two ends between which the worlds allow different connections.
    struct Pair {
        /// Places in `titles`.
        var source: Int
        var destination: Int
        var old: VersionedConnections
        var new: VersionedConnections
    }

    let titles: [String]
    private(set) var old: Reachability
    private(set) var new: Reachability
    /// Places in the peers of each world, by title; nil: it has no such end.
    private let oldPlaces: [Int?]
    private let newPlaces: [Int?]
    /// Ends that stand for pods that are not there yet.
    private let isNewPod: [Bool]
    /// Those of `titles` that are compared with each other. Of pods that are not there yet, one for each class that no
    /// workload has.
    private let compared: [Int]
    /// One pod that is not there yet of each class of which there are not two workloads: compared with another like it.
    private let comparedWithLike: [Int]
    /// What the numbers of sets of the old world are in the new one's.
    private var translated: [ConnectionNumber: ConnectionNumber?] = [:]

    init(old oldWorld: AnalysisWorld, new newWorld: AnalysisWorld) {
        let cuts = WorldBlocks.ofRulesAndSets(of: oldWorld.world).union(WorldBlocks.ofRulesAndSets(of: newWorld.world))
        var old = Reachability(oldWorld, cuts: cuts)
        var new = Reachability(newWorld, cuts: cuts)
        // What one world tells one by one, the other must too.
        let apart = Self.apart(old.peers).union(Self.apart(new.peers))
        if !apart.isEmpty {
            old = Reachability(oldWorld, cuts: cuts, apart: apart)
            new = Reachability(newWorld, cuts: cuts, apart: apart)
        }
        let titles = Set(old.peers.map(\.title)).union(new.peers.map(\.title)).sorted()
        let places = { (peers: [Peer]) -> [Int?] in
            let places = Dictionary(peers.enumerated().map { ($0.element.title, $0.offset) }) { first, _ in first }
            return titles.map { places[$0] }
        }
        oldPlaces = places(old.peers)
        newPlaces = places(new.peers)
        let newPods = Set((old.peers + new.peers).lazy.filter { $0.isNew }.map(\.title))
        isNewPod = titles.map(newPods.contains)
        self.titles = titles
        self.old = old
        self.new = new
        // A title names a label by an equals sign.
        let newPodPlaces = titles.indices.filter { newPods.contains(titles[$0]) }
            .map { (labels: titles[$0].count { $0 == "=" }, place: $0) }.sorted { $0 < $1 }.map(\.place)
        let chosen = Self.chosen(among: titles.indices.filter { !newPods.contains(titles[$0]) }, newPods: newPodPlaces) { [oldPlaces, newPlaces] place in
            (oldPlaces[place].map { old.classes(of: $0) } ?? []) + (newPlaces[place].map { new.classes(of: $0) } ?? [])
        }
        (compared, comparedWithLike) = (chosen.compared, chosen.withLike)
    }

    private static func apart(_ peers: [Peer]) -> Set<String> {
        Set(peers.compactMap { peer in peer.workload.flatMap { $0.title == peer.title ? nil : $0.title } })
    }

    /// Workloads and ranges all; of pods that are not there yet the one with the fewest labels of each class.
    private static func chosen(
        among others: [Int], newPods: [Int], classes: (Int) -> [Int32]
    ) -> (compared: [Int], withLike: [Int]) {
        var compared = others
        var counts: [[Int32]: Int] = [:]
        for place in compared { counts[classes(place), default: 0] += 1 }
        var withLike: [Int] = []
        var known: Set<[Int32]> = []
        for place in newPods {
            let own = classes(place)
            guard known.insert(own).inserted else { continue }
            let count = counts[own] ?? 0
            if count == 0 { compared.append(place) }
            if count < 2 { withLike.append(place) }
        }
        return (compared.sorted(), withLike)
    }

    /// By source and destination.
    mutating func differingPairs() -> [Pair] {
        var pairs: [Pair] = []
        for source in compared {
            for destination in compared where source != destination {
                if let pair = difference(source, destination) { pairs.append(pair) }
            }
        }
        for place in comparedWithLike {
            if let pair = difference(place, place) { pairs.append(pair) }
        }
        return pairs.sorted { ($0.source, $0.destination) < ($1.source, $1.destination) }
    }

    private mutating func difference(_ source: Int, _ destination: Int) -> Pair? {
        let before = Self.allowed(&old, oldPlaces[source], oldPlaces[destination])
        let after = Self.allowed(&new, newPlaces[source], newPlaces[destination])
        if before.isNothing, after.isNothing { return nil }
        guard !isSame(before.v4, after.v4) || !isSame(before.v6, after.v6) else { return nil }
        return Pair(source: source, destination: destination, old: before, new: after)
    }

    private static func allowed(_ world: inout Reachability, _ source: Int?, _ destination: Int?) -> VersionedConnections {
        guard let source, let destination else { return VersionedConnections() }
        return VersionedConnections(
            v4: world.connections(from: source, to: destination, .v4), v6: world.connections(from: source, to: destination, .v6))
    }

    private mutating func isSame(_ before: ConnectionNumber?, _ after: ConnectionNumber?) -> Bool {
        let nothing = ConnectionTable.none
        guard let before, before != nothing else { return (after ?? nothing) == nothing }
        guard let after, after != nothing else { return false }
        if let known = translated[before] { return known == after }
        let number = new.number(ofKnown: old.set(before))
        // A set that the new world does not know yet may come later.
        if number != nil { translated[before] = number }
        return number == after
    }

    // MARK: Texts

    func sets(_ pair: Pair) -> (old: [IPVersion: ConnectionSet], new: [IPVersion: ConnectionSet]) {
        (Self.sets(pair.old, old), Self.sets(pair.new, new))
    }

    private static func sets(_ connections: VersionedConnections, _ world: Reachability) -> [IPVersion: ConnectionSet] {
        var sets: [IPVersion: ConnectionSet] = [:]
        if let number = connections.v4 { sets[.v4] = world.set(number) }
        if let number = connections.v6 { sets[.v6] = world.set(number) }
        return sets
    }

    func line(_ pair: Pair, cause: ConnectivityDifference.Cause) -> ConnectivityDifference.Line {
        let (before, after) = sets(pair)
        let change: ConnectivityDifference.Change = pair.old.isNothing ? .added : pair.new.isNothing ? .removed : .changed
        let workloads = [pair.source, pair.destination].compactMap { place -> String? in
            if oldPlaces[place] == nil { return "\(titles[place]) is new" }
            return newPlaces[place] == nil ? "\(titles[place]) is gone" : nil
        }
        return ConnectivityDifference.Line(
            change: change, source: titles[pair.source], destination: titles[pair.destination],
            old: ConnectionText.text(v4: before[.v4], v6: before[.v6]), new: ConnectionText.text(v4: after[.v4], v6: after[.v6]),
            workloads: workloads, cause: cause, isOfNewPods: isNewPod[pair.source] || isNewPod[pair.destination])
    }

    /// The ends of a pair in the new world; nil when it lacks one.
    func newEnds(_ pair: Pair) -> (source: Peer, destination: Peer)? {
        guard let source = newPlaces[pair.source], let destination = newPlaces[pair.destination],
            oldPlaces[pair.source] != nil, oldPlaces[pair.destination] != nil
        else { return nil }
        return (new.peers[source], new.peers[destination])
    }
}
