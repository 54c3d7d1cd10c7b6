/// How often each thing is used, and which began or ceased to be used since the last time somebody asked.
struct UseCounts<Thing: Hashable & Sendable>: Sendable {
    private(set) var counts: [Thing: Int] = [:]
    private var wasUsed: [Thing: Bool] = [:]

    func isUsed(_ thing: Thing) -> Bool { counts[thing] != nil }

    mutating func begin(_ thing: Thing) {
        let before = counts[thing] ?? 0
        if before == 0, wasUsed[thing] == nil { wasUsed[thing] = false }
        counts[thing] = before + 1
    }

    mutating func end(_ thing: Thing) {
        guard let before = counts[thing] else { return }
        if before == 1 {
            if wasUsed[thing] == nil { wasUsed[thing] = true }
            counts[thing] = nil
        } else {
            counts[thing] = before - 1
        }
    }

    mutating func takeChanges() -> (begun: [Thing], ended: [Thing]) {
        defer { wasUsed = [:] }
        var begun: [Thing] = []
        var ended: [Thing] = []
        for (thing, before) in wasUsed where before != isUsed(thing) {
            if before { ended.append(thing) } else { begun.append(thing) }
        }
        return (begun, ended)
    }
}
