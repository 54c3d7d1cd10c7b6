import PolicyModel
import PolicyTesting
import Testing

@testable import BPFDataplane

/// The arrays in front of the trie of prefixes, against a search by definition.
@Suite struct PrefixShortcutTests {
    private final class Arrays: PrefixShortcutMemory {
        var first = [UInt64](repeating: 7, count: PrefixShortcuts.entries)
        var second = [UInt64](repeating: 7, count: PrefixShortcuts.chunks * PrefixShortcuts.chunkEntries)

        func setFirst(_ index: Int, _ word: UInt64) { first[index] = word }
        func setSecond(_ index: Int, _ word: UInt64) { second[index] = word }

        private func firstWord(_ address: IPAddress) -> UInt64 {
            first[Int(address.bytes[0]) << 8 + Int(address.bytes[1]) + (address.version == .v6 ? 65_536 : 0)]
        }

        func isDivided(_ address: IPAddress) -> Bool { PrefixShortcuts.chunk(of: firstWord(address)) != nil }

        /// As the kernel's program reads them.
        func word(_ address: IPAddress) -> UInt64 {
            let word = firstWord(address)
            guard let chunk = PrefixShortcuts.chunk(of: word) else { return word }
            return second[chunk * 256 + Int(address.bytes[2])]
        }

        var taken: [Int: Int] {
            Dictionary(uniqueKeysWithValues: first.indices.compactMap { index in
                PrefixShortcuts.chunk(of: first[index]).map { (index, $0) }
            })
        }
    }

    private static func number(_ address: IPAddress, _ blocks: [AddressBlock: UInt32]) -> UInt32 {
        blocks.filter { $0.key.contains(address) }.max { $0.key.prefixLength < $1.key.prefixLength }?.value ?? 0
    }

    /// Few enough that blocks meet.
    private static func randomAddress(_ random: inout SplitMix) -> IPAddress {
        let high = UInt32.random(in: 0..<8, using: &random) << 29 | UInt32.random(in: 0..<4, using: &random) << 16
        let low = UInt32.random(in: 0..<4, using: &random) << 13 | UInt32.random(in: 0..<8, using: &random) << 6
        return Bool.random(using: &random)
            ? IPAddress(v4: high | low) : IPAddress(v6High: UInt64(high | low) << 32, low: UInt64.random(in: 0..<2, using: &random))
    }

    private struct Answers {
        var first = 0
        var second = 0
        var none = 0
        var wrong: [String] = []

        mutating func ask(
            _ arrays: Arrays, _ blocks: [AddressBlock: UInt32], next: AddressBlock? = nil, _ random: inout SplitMix, _ context: String
        ) {
            for _ in 0..<20 {
                let address = PrefixShortcutTests.randomAddress(&random)
                let word = arrays.word(address)
                if word == 0 {
                    none += 1
                    // The trie is never asked where nothing longer divides the addresses.
                    let divides = { (block: AddressBlock) in
                        block.prefixLength > 24 && AddressBlock(address: block.address, prefixLength: 24)?.contains(address) == true
                    }
                    if !blocks.keys.contains(where: divides), next.map(divides) != true { wrong.append("\(context): \(address) asks") }
                    continue
                }
                if arrays.isDivided(address) { second += 1 } else { first += 1 }
                let number = UInt32(truncatingIfNeeded: word)
                if number != PrefixShortcutTests.number(address, blocks) || UInt32(word >> 32) != ~number {
                    wrong.append("\(context): \(address) is \(number)")
                }
            }
        }
    }

    @Test(arguments: UInt64(1)...6) func eachEntrySaysWhatTheTrieWouldOrNothing(seed: UInt64) {
        var random = SplitMix(state: seed)
        let arrays = Arrays()
        var blocks: [AddressBlock: UInt32] = [:]
        var shortcuts = PrefixShortcuts(blocks, store: arrays)
        var answers = Answers()
        for step in 1...500 {
            let address = Self.randomAddress(&random)
            let lengths = [0, 1, 3, 8, 14, 15, 16, 17, 18, 19, 21, 23, 24, 25, 26, 32] + (address.version == .v6 ? [64, 128] : [])
            guard let block = AddressBlock(address: address, prefixLength: lengths.randomElement(using: &random) ?? 16) else { continue }
            let context = "step \(step), \(block)"
            if blocks[block] == nil || Bool.random(using: &random) {
                shortcuts.willSet(block, store: arrays)
                answers.ask(arrays, blocks, next: block, &random, "before " + context)
                // The trie has no room for some.
                if blocks[block] == nil, Bool.random(using: &random), Bool.random(using: &random) {
                    shortcuts.didRemove(block, store: arrays)
                } else {
                    blocks[block] = UInt32(step)
                    shortcuts.didSet(block, UInt32(step), store: arrays)
                }
            } else {
                blocks[block] = nil
                shortcuts.didRemove(block, store: arrays)
            }
            answers.ask(arrays, blocks, &random, context)
            if step % 100 == 0 {
                // Another process takes over: what it writes says the same, and no chunk changes hands.
                let before = arrays.taken
                shortcuts = PrefixShortcuts(blocks, taken: before, store: arrays)
                answers.ask(arrays, blocks, &random, "adopted, " + context)
                #expect(arrays.taken == before)
            }
        }
        // Sorted: the order of a dictionary is another one in each process.
        while let block = blocks.keys.sorted(by: { $0.description < $1.description }).randomElement(using: &random) {
            blocks[block] = nil
            shortcuts.didRemove(block, store: arrays)
            answers.ask(arrays, blocks, &random, "without \(block)")
        }
        #expect(arrays.first.allSatisfy { UInt32(truncatingIfNeeded: $0) == 0 && $0 != 0 })
        #expect(answers.wrong.prefix(3) == [])
        print("first array \(answers.first), second \(answers.second), trie \(answers.none)")
        #expect(answers.first > 1_000 && answers.second > 1_000 && answers.none > 1_000)
    }

    @Test func theTrieIsAskedWhereNoRoomIsLeft() throws {
        let arrays = Arrays()
        var shortcuts = PrefixShortcuts([:], store: arrays)
        for number in 0...UInt32(PrefixShortcuts.chunks) {
            let block = try #require(AddressBlock(address: IPAddress(v4: number << 16 | 0x1000), prefixLength: 20))
            shortcuts.willSet(block, store: arrays)
            shortcuts.didSet(block, number + 1, store: arrays)
        }
        let last = UInt32(PrefixShortcuts.chunks)
        #expect(UInt32(truncatingIfNeeded: arrays.word(IPAddress(v4: (last - 1) << 16 | 0x1001))) == last)
        #expect(arrays.word(IPAddress(v4: last << 16 | 0x1001)) == 0)
        #expect(arrays.word(IPAddress(v4: last << 16 | 0x2001)) == 0)
    }
}
