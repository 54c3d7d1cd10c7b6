/// Numbers of accounts: each belongs to one connection at a time.
struct AccountNumbers: Sendable {
    private var returned: [Int32] = []
    private var next: Int32 = 0
    private let limit: Int32

    init(limit: Int = FlowLimits.accounts) { self.limit = Int32(clamping: limit) }

    /// nil: all are taken.
    mutating func take() -> Int32? {
        if let number = returned.popLast() { return number }
        guard next < limit else { return nil }
        defer { next += 1 }
        return next
    }

    mutating func give(_ number: Int32) { returned.append(number) }

    /// These are taken, by a process before. For once, before any is.
    mutating func adopt(_ numbers: some Collection<Int32>) {
        guard let last = numbers.max(), last >= 0, last < limit else { return }
        let taken = Set(numbers)
        next = last + 1
        returned = (0...last).filter { !taken.contains($0) }
    }
}
