/// Says how much of the event log may stay.
struct LogAccount {
    /// Of the events kept, oldest first; contiguous revisions that end with `last`.
    private var sizes: [Int64]
    /// How many at the front of `sizes` are gone already.
    private var gone = 0
    private var bytes: Int64
    private var last: Int64
    private let mostEvents: Int64
    private let mostBytes: Int64

    init(sizes: [Int64], last: Int64, mostEvents: Int64, mostBytes: Int64) {
        self.sizes = sizes
        self.last = last
        self.mostEvents = mostEvents
        self.mostBytes = mostBytes
        bytes = sizes.reduce(0, +)
    }

    /// After the commit of an event.
    mutating func add(_ size: Int64, revision: Int64) {
        sizes.append(size)
        bytes += size
        last = revision
    }

    /// While `revision` is written: the revision up to which the log is to be cut, or nil when nothing is to be done yet.
    ///
    /// The account takes the cut as made; where the transaction then fails, the next cut includes this one.
    mutating func cut(before revision: Int64) -> Int64? {
        guard revision % StoreLimits.writesBetweenCompactions == 0 || bytes > mostBytes else { return nil }
        let before = gone
        while gone < sizes.count, Int64(sizes.count - gone) > mostEvents - 1 || bytes > mostBytes {
            bytes -= sizes[gone]
            gone += 1
        }
        guard gone > before || revision % StoreLimits.writesBetweenCompactions == 0 else { return nil }
        if gone > sizes.count / 2 {
            sizes.removeFirst(gone)
            gone = 0
        }
        return last - Int64(sizes.count - gone)
    }
}
