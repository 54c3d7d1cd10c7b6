/// A set of small integers that finds its next member in O(log64 capacity).
struct ActiveSet {
    private var levels: [[UInt64]]

    init(capacity: Int) {
        levels = []
        var count = max(capacity, 1)
        repeat {
            count = (count + 63) / 64
            levels.append([UInt64](repeating: 0, count: count))
        } while count > 1
    }

    mutating func insert(_ member: Int) {
        var index = member
        for level in levels.indices {
            levels[level][index >> 6] |= 1 << UInt64(index & 63)
            index >>= 6
        }
    }

    mutating func remove(_ member: Int) {
        var index = member
        for level in levels.indices {
            levels[level][index >> 6] &= ~(1 << UInt64(index & 63))
            if levels[level][index >> 6] != 0 { return }
            index >>= 6
        }
    }

    /// The smallest member that is not below `start`; nil when there is none.
    func next(from start: Int) -> Int? {
        var index = start
        for level in levels.indices {
            guard index >> 6 < levels[level].count else { return nil }
            let word = levels[level][index >> 6] & (~0 << UInt64(index & 63))
            if word != 0 {
                return descend(to: (index & ~63) + word.trailingZeroBitCount, from: level)
            }
            index = (index >> 6) + 1
        }
        return nil
    }

    private func descend(to member: Int, from level: Int) -> Int {
        var index = member
        var below = level
        while below > 0 {
            below -= 1
            index = index << 6 + levels[below][index].trailingZeroBitCount
        }
        return index
    }
}
