import PolicyModel
import PolicyTesting
import Testing

@testable import BPFDataplane

/// The array in front of the trie of prefixes, against a search by definition.
@Suite struct PrefixShortcutTests {
    private static func words(_ blocks: [AddressBlock: UInt32], _ probes: [IPAddress]) -> [UInt32] {
        probes.map { address in
            blocks.filter { $0.key.contains(address) }.max { $0.key.prefixLength < $1.key.prefixLength }?.value ?? 0
        }
    }

    private static func index(_ address: IPAddress) -> Int {
        Int(address.bytes[0]) << 8 + Int(address.bytes[1]) + (address.version == .v6 ? 65_536 : 0)
    }

    private static func randomAddress(_ random: inout SplitMix) -> IPAddress {
        // Few enough first halves that blocks meet.
        let high = UInt32.random(in: 0..<8, using: &random) << 29 | UInt32.random(in: 0..<4, using: &random) << 16
        let low = UInt32.random(in: 0..<4, using: &random) << 14
        return Bool.random(using: &random)
            ? IPAddress(v4: high | low) : IPAddress(v6High: UInt64(high | low) << 32, low: UInt64.random(in: 0..<2, using: &random))
    }

    @Test(arguments: UInt64(1)...6) func eachEntrySaysWhatTheTrieWouldOrNothing(seed: UInt64) {
        var random = SplitMix(state: seed)
        var array = [UInt64](repeating: 0, count: PrefixShortcuts.entries)
        var blocks: [AddressBlock: UInt32] = [:]
        var shortcuts = PrefixShortcuts(blocks) { array[$0] = $1 }
        var (answered, asked) = (0, 0)
        for step in 1...300 {
            let address = Self.randomAddress(&random)
            let lengths = [0, 1, 3, 8, 14, 15, 16, 17, 18, 24, 32] + (address.version == .v6 ? [64, 128] : [])
            guard let block = AddressBlock(address: address, prefixLength: lengths.randomElement(using: &random) ?? 16) else { continue }
            let before = blocks
            if blocks[block] == nil || Bool.random(using: &random) {
                shortcuts.willSet(block) { array[$0] = $1 }
                check(array, before, &random, "\(step): before the trie has \(block)", &answered, &asked)
                blocks[block] = UInt32(step)
                shortcuts.didSet(block, UInt32(step)) { array[$0] = $1 }
            } else {
                blocks[block] = nil
                shortcuts.didRemove(block) { array[$0] = $1 }
            }
            check(array, blocks, &random, "\(step): \(block)", &answered, &asked)
        }
        // Made anew from what the trie holds it is the same.
        var fresh = [UInt64](repeating: 7, count: PrefixShortcuts.entries)
        _ = PrefixShortcuts(blocks) { fresh[$0] = $1 }
        #expect(fresh == array)
        print("shortcuts answered \(answered) questions and left \(asked) to the trie")
        #expect(answered > 3_000 && asked > 3_000)
    }

    private func check(
        _ array: [UInt64], _ blocks: [AddressBlock: UInt32], _ random: inout SplitMix, _ context: String, _ answered: inout Int,
        _ asked: inout Int
    ) {
        let probes = (0..<20).map { _ in Self.randomAddress(&random) }
        for (address, wanted) in zip(probes, Self.words(blocks, probes)) {
            let word = array[Self.index(address)]
            if word == 0 {
                asked += 1
                // Never asked for nothing.
                let isDivided = blocks.keys.contains { $0.prefixLength > 16 && AddressBlock(address: $0.address, prefixLength: 16)?.contains(address) == true }
                #expect(isDivided || context.contains("before"), "\(context): \(address)")
                continue
            }
            answered += 1
            #expect(UInt32(truncatingIfNeeded: word) == wanted && UInt32(word >> 32) == ~wanted, "\(context): \(address)")
        }
    }
}
