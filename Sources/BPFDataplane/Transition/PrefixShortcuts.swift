import CBPF
import PolicyModel

/// What the two arrays in front of the trie of prefixes say: of an address's first 16 bits, and where prefixes of 17 to 24
/// bits divide those, of its first 24. An entry is the identity that all such addresses have from prefixes, or leads to the
/// second array, or is nothing: a prefix longer than that divides them, and the trie must be asked.
///
/// Entries are single words, and either one of them or the trie speaks for an address. So a packet sees a prefix as it was
/// before a step or after it, as with the trie alone: what makes entries ask the trie, or the second array, comes before the trie's
/// change and gives the same answer (`willSet`); all else comes after it.
struct PrefixShortcuts {
    static let entries = 2 << firstBits
    /// Parts of the second array, of `chunkEntries` each. One belongs to its entry for as long as this value lives, so that no
    /// packet meets another's.
    static let chunks = Int(BULKHEAD_PREFIX_CHUNKS)
    static let chunkEntries = 256
    private static let firstBits = 16
    private static let secondBits = 24
    private static let noCover: Int8 = -1

    /// An entry with blocks longer than 16 bits.
    private struct Division {
        /// 17 to 24 bits.
        var blocks: [AddressBlock: UInt32] = [:]
        /// Longer ones, by entry of the chunk.
        var longest: [Int: Set<AddressBlock>] = [:]
        /// The length of the longest of `blocks` that covers an entry of the chunk.
        var coverLength = [Int8](repeating: PrefixShortcuts.noCover, count: PrefixShortcuts.chunkEntries)

        var isEmpty: Bool { blocks.isEmpty && longest.isEmpty }
    }

    private var divisions: [Int: Division] = [:]
    /// By entry; also of entries that are not divided any more.
    private var chunk: [Int: Int] = [:]
    private var nextChunk = 0
    private var short: [AddressBlock: UInt32] = [:]
    /// The length of the longest of `short` that covers an entry.
    private var coverLength = [Int8](repeating: PrefixShortcuts.noCover, count: PrefixShortcuts.entries)

    init() {}

    /// Every entry's word, for blocks that are in the trie. `taken`: chunks that entries have from a value before.
    init(_ blocks: [AddressBlock: UInt32], taken: [Int: Int] = [:], store: some PrefixShortcutMemory) {
        chunk = taken
        nextChunk = (taken.values.max() ?? -1) + 1
        for (block, number) in blocks where block.prefixLength <= Self.firstBits {
            short[block] = number
            for entry in Self.entries(of: block) { coverLength[entry] = max(coverLength[entry], Int8(block.prefixLength)) }
        }
        for (block, number) in blocks where block.prefixLength > Self.firstBits {
            Self.insert(block, number, into: &divisions[Self.entry(of: block.address), default: Division()])
        }
        for entry in 0..<Self.entries where divisions[entry] == nil { store.setFirst(entry, word(entry)) }
        for (entry, division) in divisions { publish(entry, division, store) }
    }

    /// The chunk that an entry of the first array leads to.
    static func chunk(of word: UInt64) -> Int? { word != 0 && word >> 32 == 0 ? Int(word) - 1 : nil }

    /// Before the trie gets a block.
    mutating func willSet(_ block: AddressBlock, store: some PrefixShortcutMemory) {
        guard block.prefixLength > Self.firstBits else { return }
        let entry = Self.entry(of: block.address)
        if divisions[entry] == nil {
            divisions[entry] = Division()
            if let division = divisions[entry] { publish(entry, division, store) }
        }
        guard block.prefixLength > Self.secondBits else { return }
        divisions[entry]?.longest[Self.secondEntry(of: block.address), default: []].insert(block)
        if let own = chunk[entry] { store.setSecond(own * Self.chunkEntries + Self.secondEntry(of: block.address), 0) }
    }

    /// When the trie has a block with this identity. O(2^(16 - length)) of the first array, with the chunks of those.
    mutating func didSet(_ block: AddressBlock, _ number: UInt32, store: some PrefixShortcutMemory) {
        if block.prefixLength <= Self.firstBits {
            short[block] = number
            let length = Int8(block.prefixLength)
            for entry in Self.entries(of: block) where coverLength[entry] <= length {
                coverLength[entry] = length
                refresh(entry, store)
            }
        } else if block.prefixLength <= Self.secondBits {
            let entry = Self.entry(of: block.address)
            Self.insert(block, number, into: &divisions[entry, default: Division()])
            refresh(entry, Self.secondEntries(of: block), store)
        }
    }

    /// When the trie has a block no more. As `didSet`.
    mutating func didRemove(_ block: AddressBlock, store: some PrefixShortcutMemory) {
        let entry = Self.entry(of: block.address)
        if block.prefixLength <= Self.firstBits {
            guard short.removeValue(forKey: block) != nil else { return }
            let next = cover(of: block, among: short, from: 0)
            for entry in Self.entries(of: block) where coverLength[entry] == Int8(block.prefixLength) {
                coverLength[entry] = next
                refresh(entry, store)
            }
            return
        }
        guard var division = divisions[entry] else { return }
        let inside = Self.secondEntries(of: block)
        if block.prefixLength > Self.secondBits {
            division.longest[inside.lowerBound]?.remove(block)
            if division.longest[inside.lowerBound]?.isEmpty == true { division.longest[inside.lowerBound] = nil }
        } else if division.blocks.removeValue(forKey: block) != nil {
            let next = cover(of: block, among: division.blocks, from: Self.firstBits + 1)
            for index in inside where division.coverLength[index] == Int8(block.prefixLength) { division.coverLength[index] = next }
        }
        divisions[entry] = division.isEmpty ? nil : division
        if division.isEmpty { store.setFirst(entry, word(entry)) } else { refresh(entry, inside, store) }
    }

    private static func insert(_ block: AddressBlock, _ number: UInt32, into division: inout Division) {
        if block.prefixLength > secondBits {
            division.longest[secondEntry(of: block.address), default: []].insert(block)
            return
        }
        division.blocks[block] = number
        for index in secondEntries(of: block) {
            division.coverLength[index] = max(division.coverLength[index], Int8(block.prefixLength))
        }
    }

    /// Fills an entry's chunk and then leads to it; where there is none left, to the trie.
    private mutating func publish(_ entry: Int, _ division: Division, _ store: some PrefixShortcutMemory) {
        if chunk[entry] == nil, nextChunk < Self.chunks {
            chunk[entry] = nextChunk
            nextChunk += 1
        }
        guard let own = chunk[entry] else {
            store.setFirst(entry, 0)
            return
        }
        for index in 0..<Self.chunkEntries { store.setSecond(own * Self.chunkEntries + index, word(entry, index, division)) }
        store.setFirst(entry, UInt64(own + 1))
    }

    /// The words of an entry that depend on blocks that cover it.
    private func refresh(_ entry: Int, _ store: some PrefixShortcutMemory) {
        if divisions[entry] == nil { store.setFirst(entry, word(entry)) } else { refresh(entry, 0..<Self.chunkEntries, store) }
    }

    private func refresh(_ entry: Int, _ indices: Range<Int>, _ store: some PrefixShortcutMemory) {
        guard let own = chunk[entry], let division = divisions[entry] else { return }
        for index in indices { store.setSecond(own * Self.chunkEntries + index, word(entry, index, division)) }
    }

    private func word(_ entry: Int) -> UInt64 {
        guard coverLength[entry] != Self.noCover else { return Self.word(0) }
        return Self.word(number(of: Self.address(of: entry), Int(coverLength[entry]), in: short))
    }

    private func word(_ entry: Int, _ index: Int, _ division: Division) -> UInt64 {
        if division.longest[index] != nil { return 0 }
        guard division.coverLength[index] != Self.noCover else { return word(entry) }
        return Self.word(number(of: Self.address(of: entry, index), Int(division.coverLength[index]), in: division.blocks))
    }

    private func number(of address: IPAddress, _ length: Int, in blocks: [AddressBlock: UInt32]) -> UInt32 {
        AddressBlock(address: address, prefixLength: length).flatMap { blocks[$0] } ?? 0
    }

    /// The length of the longest of `blocks` that covers all of a block and is shorter. Blocks that cover a part of it and are
    /// shorter cover all of it.
    private func cover(of block: AddressBlock, among blocks: [AddressBlock: UInt32], from least: Int) -> Int8 {
        for length in stride(from: block.prefixLength - 1, through: least, by: -1) {
            if let shorter = AddressBlock(address: block.address, prefixLength: length), blocks[shorter] != nil { return Int8(length) }
        }
        return Self.noCover
    }

    /// As in the trie.
    private static func word(_ number: UInt32) -> UInt64 { bulkhead_word(number, ~number) }

    private static func first32(_ address: IPAddress) -> UInt32 {
        address.version == .v4 ? UInt32(truncatingIfNeeded: address.low) : UInt32(address.high >> 32)
    }

    private static func entry(of address: IPAddress) -> Int {
        Int(first32(address) >> 16) + (address.version == .v6 ? 1 << firstBits : 0)
    }

    private static func secondEntry(of address: IPAddress) -> Int { Int(first32(address) >> 8 & 0xff) }

    private static func address(of entry: Int, _ index: Int = 0) -> IPAddress {
        let first = UInt32(entry & 0xffff) << 16 | UInt32(index) << 8
        return entry < 1 << firstBits ? IPAddress(v4: first) : IPAddress(v6High: UInt64(first) << 32, low: 0)
    }

    private static func entries(of block: AddressBlock) -> Range<Int> {
        let first = entry(of: block.address)
        return first..<first + 1 << (firstBits - block.prefixLength)
    }

    private static func secondEntries(of block: AddressBlock) -> Range<Int> {
        let first = secondEntry(of: block.address)
        return first..<first + 1 << max(0, secondBits - block.prefixLength)
    }
}
