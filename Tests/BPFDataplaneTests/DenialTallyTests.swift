import CBPF
import Testing

@testable import BPFDataplane

@Suite struct DenialTallyTests {
    private struct Numbers: Hashable {
        var packets: UInt64 = 0
        var bytes: UInt64 = 0
        var reports: UInt64 = 0
        var first = UInt64.max
        var last: UInt64 = 0
    }

    private static func event(_ port: UInt16, outcome: UInt32 = 300) -> bulkhead_event {
        var event = bulkhead_event()
        event.key.slot = 7
        event.key.family = 4
        event.key.protocol = 17
        event.key.local_port = 53
        event.key.peer_port = port
        event.outcome = outcome
        event.kind = UInt8(BULKHEAD_EVENT_DENIED)
        return event
    }

    /// The key is all that is between the time and the counts.
    @Test func theKeyIsWhatTheRecordSaysBesideTimeAndCounts() {
        #expect(MemoryLayout<bulkhead_event>.offset(of: \.timestamp) == 0)
        #expect(MemoryLayout<bulkhead_event>.offset(of: \.key) == DenialTally.keyOffset)
        #expect(MemoryLayout<bulkhead_event>.offset(of: \.packets) == DenialTally.keyOffset + 8 * DenialTally.keyWords)
        #expect(MemoryLayout<bulkhead_event>.size >= DenialTally.keyOffset + MemoryLayout<SIMD8<UInt64>>.size)
    }

    /// Whatever differs besides is another sum: outcome, direction, observed, reply, type and code as well as the flow.
    @Test func whatIsNotAlikeStaysApart() {
        var tally = DenialTally(capacity: 64)
        var events = [Self.event(1), Self.event(2), Self.event(1, outcome: 301)]
        let changes: [(inout bulkhead_event) -> Void] = [
            { $0.key.slot = 8 }, { $0.key.family = 6 }, { $0.key.protocol = 6 }, { $0.key.local_port = 54 }, { $0.key.asker = 1 },
            { $0.key.local.bytes.15 = 1 }, { $0.key.peer.bytes.0 = 1 }, { $0.direction = 1 }, { $0.observed = 1 }, { $0.reply = 1 },
            { $0.type_code = 2_048 },
        ]
        for change in changes {
            var event = Self.event(1)
            change(&event)
            events.append(event)
        }
        for _ in 0..<3 { for event in events { withUnsafeBytes(of: event) { tally.add($0) } } }
        var sums: [DenialTally.Sum] = []
        tally.take { sums.append($0) }
        #expect(sums.count == events.count)
        #expect(sums.allSatisfy { $0.reports == 3 })
    }

    /// Random reports, in many rounds, against a dictionary; the order is that of the first reports.
    @Test func sumsAreThoseOfADictionary() {
        var random = SystemRandomNumberGenerator()
        var tally = DenialTally(capacity: 256)
        var largest = 0
        for round in 0..<400 {
            var expected: [UInt16: Numbers] = [:]
            var order: [UInt16] = []
            let ports = UInt16.random(in: 1...300, using: &random)
            for _ in 0..<256 {
                let port = UInt16.random(in: 0..<ports, using: &random) &* 257
                var event = Self.event(port)
                event.timestamp = UInt64.random(in: 1...1_000_000, using: &random)
                event.packets = UInt32.random(in: 1...64, using: &random)
                event.bytes = UInt64.random(in: 40...90_000, using: &random)
                if expected[port] == nil { order.append(port) }
                var numbers = expected[port] ?? Numbers()
                numbers.packets += UInt64(event.packets)
                numbers.bytes += event.bytes
                numbers.reports += 1
                if numbers.first == .max { numbers.first = event.timestamp }
                numbers.last = max(numbers.last, event.timestamp)
                expected[port] = numbers
                withUnsafeBytes(of: event) { tally.add($0) }
            }
            var found: [UInt16: Numbers] = [:]
            var foundOrder: [UInt16] = []
            tally.take { sum in
                foundOrder.append(sum.event.key.peer_port)
                found[sum.event.key.peer_port] = Numbers(
                    packets: sum.packets, bytes: sum.bytes, reports: sum.reports, first: sum.event.timestamp, last: sum.until)
            }
            #expect(found == expected, "round \(round)")
            #expect(foundOrder == order)
            largest = max(largest, found.count)
        }
        #expect(largest > 128, "no round had many different keys")
        var rest = 0
        tally.take { _ in rest += 1 }
        #expect(rest == 0)
    }
}
