/// The rows of one stack of the kernel, by combination: those of an exact number or a prefix number alone stand where the
/// other is 0.
struct StackRows: Sendable {
    private(set) var rows: LayeredDictionary<Combination, UInt32>
    /// Of combinations with both numbers.
    private(set) var combinedCount: Int

    init(_ rows: [Combination: UInt32] = [:]) {
        self.rows = LayeredDictionary(rows)
        combinedCount = rows.keys.count(where: \.isCombined)
    }

    var count: Int { rows.count }

    subscript(_ key: Combination) -> UInt32? { rows[key] }

    /// Returns the row before.
    @discardableResult
    mutating func update(_ row: UInt32?, forKey key: Combination) -> UInt32? {
        let before = rows.update(row, forKey: key)
        if key.isCombined, (before == nil) != (row == nil) { combinedCount += row == nil ? -1 : 1 }
        return before
    }

    /// The rows of a prefix number together with one of `exact`. O(the smaller of both).
    func combined(under prefix: KernelNumber, among exact: Set<KernelNumber>) -> [(key: Combination, row: UInt32)] {
        guard prefix != 0, combinedCount > 0 else { return [] }
        guard exact.count > rows.count else {
            return exact.compactMap { number in
                let key = Combination(exact: number, prefix: prefix)
                return key.isCombined ? rows[key].map { (key, $0) } : nil
            }
        }
        return rows.filter { $0.key.prefix == prefix && $0.key.isCombined && exact.contains($0.key.exact) }
            .map { ($0.key, $0.value) }
    }

    mutating func flatten() { rows.flatten() }
}
