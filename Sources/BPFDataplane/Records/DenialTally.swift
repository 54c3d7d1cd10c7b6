import CBPF

/// Sums denied packets that the kernel tells of in the same words, so that names are looked up once for all of them.
///
/// A flat table with open addressing. Its keys are bytes of the records themselves: nothing is decoded for a packet.
struct DenialTally {
    struct Sum {
        /// The first report.
        var event: bulkhead_event
        /// The time of the last packet.
        var until: UInt64
        var packets: UInt64
        var bytes: UInt64
        /// How many reports these are.
        var reports: UInt64
    }

    /// All of a record between its time and its counts: who, with whom, why.
    private typealias Key = SIMD8<UInt64>

    private struct Entry {
        var key: Key
        var place: Int
        var sum: Sum
    }

    /// Where a record's key begins, and how many words it has.
    static let keyOffset = MemoryLayout<UInt64>.size
    static let keyWords = 7

    private static let free: Int32 = -1

    /// In the order of their first reports.
    private var entries: [Entry] = []
    /// By hash: the index of an entry, or `free`. A power of two, and twice as many as entries, so that every search ends.
    private var places: [Int32]

    /// - Parameter capacity: reports between two calls of `take`, at most.
    init(capacity: Int) {
        var count = 16
        while count < 2 * capacity { count *= 2 }
        places = Array(repeating: Self.free, count: count)
    }

    /// - Parameter record: a whole `bulkhead_event`.
    mutating func add(_ record: UnsafeRawBufferPointer) {
        let event = record.loadUnaligned(as: bulkhead_event.self)
        var key = record.loadUnaligned(fromByteOffset: Self.keyOffset, as: Key.self)
        key[Self.keyWords] = 0
        var place = hash(key)
        while places[place] != Self.free {
            let index = Int(places[place])
            if entries[index].key == key {
                entries[index].sum.add(event)
                return
            }
            place = (place + 1) & (places.count - 1)
        }
        places[place] = Int32(entries.count)
        var sum = Sum(event: event, until: event.timestamp, packets: 0, bytes: 0, reports: 0)
        sum.add(event)
        entries.append(Entry(key: key, place: place, sum: sum))
    }

    /// Hands the sums over and begins anew. O(sums).
    mutating func take(_ body: (Sum) -> Void) {
        for entry in entries {
            places[entry.place] = Self.free
            body(entry.sum)
        }
        entries.removeAll(keepingCapacity: true)
    }

    /// Ports and the last bytes of addresses, in which keys differ, are in the middle of words: multiplication carries them up,
    /// the shift brings them down again.
    private func hash(_ key: Key) -> Int {
        var hash: UInt64 = 0
        for index in 0..<Self.keyWords {
            hash = (hash ^ key[index]) &* 0x9e37_79b9_7f4a_7c15
            hash ^= hash >> 32
        }
        return Int(truncatingIfNeeded: hash) & (places.count - 1)
    }
}

extension DenialTally.Sum {
    fileprivate mutating func add(_ report: bulkhead_event) {
        until = max(until, report.timestamp)
        packets += UInt64(report.packets)
        bytes += report.bytes
        reports += 1
    }
}
