import PolicyModel

extension CompiledStack {
    /// What the sets of a prefix can touch: an upper bound of where its row differs from the base.
    struct Footprint {
        fileprivate var sets: [Int32]
        fileprivate var keys = KeySet.none
        /// Sets that its entries ask for besides.
        fileprivate var others: Set<Int32> = []
    }

    /// Of the sets of `held` (sorted indexes).
    func footprint(of held: [Int32]) -> Footprint {
        var footprint = Footprint(sets: held)
        var intervals: [KeyInterval] = []
        for set in held {
            for position in entriesOfSet[Int(set)] {
                intervals += entries[Int(position)].ports.keys.intervals
                for peer in entries[Int(position)].peers where !held.sortedContains(peer) { footprint.others.insert(peer) }
            }
        }
        footprint.keys = KeySet(intervals)
        return footprint
    }

    /// Whether what the sets of `held` change has nothing to do with the other sets: different ports, and no entry that asks for
    /// both. Then the one row upon the other is the row of both. False also where that only seems so.
    func isApart(_ held: [Int32], from other: Footprint) -> Bool {
        for set in held {
            if other.others.contains(set) || other.sets.sortedContains(set) { return false }
            for position in entriesOfSet[Int(set)] {
                let entry = entries[Int(position)]
                if entry.ports.keys.overlaps(other.keys) { return false }
                for peer in entry.peers where other.sets.sortedContains(peer) { return false }
            }
        }
        return true
    }
}

extension Row {
    /// Whether `whole` decides every key as `upper` does, and where that inherits as `lower` does. nil inherits everywhere.
    static func isStacked(_ upper: Row?, on lower: Row?, as whole: Row?) -> Bool {
        let inheriting = [Range(start: 0, outcome: .inherit)]
        let rows = [upper, lower, whole].map { $0?.ranges ?? inheriting }
        var places = [0, 0, 0]
        while true {
            let outcomes = zip(rows, places).map { $0[$1].outcome }
            if outcomes[2] != (outcomes[0] == .inherit ? outcomes[1] : outcomes[0]) { return false }
            let next = zip(rows, places).compactMap { row, place in place + 1 < row.count ? row[place + 1].start : nil }.min()
            guard let next else { return true }
            for (index, row) in rows.enumerated() where places[index] + 1 < row.count && row[places[index] + 1].start == next {
                places[index] += 1
            }
        }
    }
}
