import PolicyEngine

/// Which words of the arena hold rows, and who needs them.
///
/// A row is immutable once a pair names it. Freed room is reused by rows of the same length, or cut from longer ones;
/// a fragmented arena is compacted by the next adoption, which builds everything anew.
struct RowArena: Sendable {
    struct Written: Sendable {
        var index: UInt32
        var row: Row
    }

    let capacity: Int
    /// Index 0 is never a row.
    private(set) var end = 1
    private(set) var used = 1
    private var free: [Int: [UInt32]] = [:]
    private var lengths: [UInt32: Int] = [:]
    private var users: [UInt32: Int] = [:]
    private var children: [UInt32: [UInt32]] = [:]
    private(set) var written: [RowID: Written] = [:]
    private var ids: [UInt32: RowID] = [:]

    init(capacity: Int) { self.capacity = capacity }

    /// The index of a row that is there, by number and content.
    func index(of id: RowID, _ row: Row) -> UInt32? {
        guard let present = written[id], present.row == row else { return nil }
        return present.index
    }

    /// nil: full.
    mutating func allocate(words: Int) -> UInt32? {
        let best = free.keys.filter { $0 >= words }.min()
        if let best, var indices = free[best], let index = indices.popLast() {
            free[best] = indices.isEmpty ? nil : indices
            if best > words { free[best - words, default: []].append(index + UInt32(words)) }
            return taken(index, words)
        }
        guard end + words <= capacity else { return nil }
        let index = UInt32(end)
        end += words
        return taken(index, words)
    }

    private mutating func taken(_ index: UInt32, _ words: Int) -> UInt32 {
        lengths[index] = words
        used += words
        return index
    }

    /// Notes that the row `id` stands at `index`; it names the rows `children` itself.
    mutating func note(_ id: RowID, _ row: Row, at index: UInt32, naming children: [UInt32]) {
        written[id] = Written(index: index, row: row)
        ids[index] = id
        if !children.isEmpty { self.children[index] = children }
        for child in children { retain(child) }
    }

    /// Takes over a row that a process before us wrote; it has no name.
    mutating func adopt(at index: UInt32, words: Int, naming children: [UInt32]) {
        if lengths[index] != nil { return }
        end = max(end, Int(index) + words)
        _ = taken(index, words)
        if !children.isEmpty { self.children[index] = children }
        for child in children { retain(child) }
    }

    /// The room between adopted rows becomes free. Once, after all `adopt`.
    mutating func freeGaps() {
        var position = 1
        for (index, words) in lengths.sorted(by: { $0.key < $1.key }) {
            if Int(index) > position { free[Int(index) - position, default: []].append(UInt32(position)) }
            position = max(position, Int(index) + words)
        }
    }

    /// No later row is taken for one that is there.
    mutating func forgetNames() {
        written = [:]
        ids = [:]
    }

    mutating func retain(_ index: UInt32) { users[index, default: 0] += 1 }

    /// Only after the grace period that follows the last way to reach the row.
    mutating func release(_ index: UInt32) {
        let count = users[index, default: 0] - 1
        users[index] = count > 0 ? count : nil
        if count <= 0 { discard(index) }
    }

    private mutating func discard(_ index: UInt32) {
        guard let words = lengths.removeValue(forKey: index) else { return }
        used -= words
        free[words, default: []].append(index)
        if let id = ids.removeValue(forKey: index), written[id]?.index == index { written[id] = nil }
        for child in children.removeValue(forKey: index) ?? [] { release(child) }
    }
}
