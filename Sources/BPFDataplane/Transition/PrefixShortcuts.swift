import CBPF
import PolicyModel

/// What the array in front of the trie of prefixes says: for each of the first 16 bits of an address, the identity that
/// all such addresses have from prefixes; nothing where a prefix longer than that divides them, and the trie must be asked.
///
/// An entry is one word, and either it or the trie speaks for an address. So a packet sees a prefix as it was before a
/// step or after it, as with the trie alone, when a longer prefix is announced before the trie gets it (`willSet`), and
/// all else is told after the trie has it.
struct PrefixShortcuts {
    private static let bits = 16
    static let entries = 2 << bits
    private static let noCover: Int8 = -1

    /// Blocks longer than 16 bits, by entry.
    private var longer: [Set<AddressBlock>?]
    private var short: [AddressBlock: UInt32] = [:]
    /// The length of the longest of `short` that covers an entry.
    private var coverLength: [Int8]

    init() {
        longer = Array(repeating: nil, count: Self.entries)
        coverLength = Array(repeating: Self.noCover, count: Self.entries)
    }

    /// Every entry's word, for blocks that are in the trie.
    init(_ blocks: [AddressBlock: UInt32], store: (Int, UInt64) -> Void) {
        self.init()
        for (block, number) in blocks {
            if block.prefixLength > Self.bits {
                insertLonger(block)
            } else {
                short[block] = number
                for entry in Self.entries(of: block) { coverLength[entry] = max(coverLength[entry], Int8(block.prefixLength)) }
            }
        }
        for entry in 0..<Self.entries { store(entry, longer[entry] == nil ? word(entry) : 0) }
    }

    /// Before the trie gets a block.
    mutating func willSet(_ block: AddressBlock, store: (Int, UInt64) -> Void) {
        guard block.prefixLength > Self.bits else { return }
        let entry = Self.entry(of: block.address)
        let isFirst = longer[entry] == nil
        insertLonger(block)
        if isFirst { store(entry, 0) }
    }

    /// When the trie has a block with this identity. O(2^(16 - length)).
    mutating func didSet(_ block: AddressBlock, _ number: UInt32, store: (Int, UInt64) -> Void) {
        guard block.prefixLength <= Self.bits else { return }
        short[block] = number
        let length = Int8(block.prefixLength)
        for entry in Self.entries(of: block) where coverLength[entry] <= length {
            coverLength[entry] = length
            if longer[entry] == nil { store(entry, Self.word(number)) }
        }
    }

    /// When the trie has a block no more. O(2^(16 - length)).
    mutating func didRemove(_ block: AddressBlock, store: (Int, UInt64) -> Void) {
        if block.prefixLength > Self.bits {
            let entry = Self.entry(of: block.address)
            longer[entry]?.remove(block)
            guard longer[entry]?.isEmpty == true else { return }
            longer[entry] = nil
            store(entry, word(entry))
            return
        }
        guard short.removeValue(forKey: block) != nil else { return }
        let length = Int8(block.prefixLength)
        // Blocks that cover a part of this one and are shorter cover all of it.
        let next = (0..<block.prefixLength).last { self.block(of: block.address, $0).map { short[$0] != nil } ?? false }
        for entry in Self.entries(of: block) where coverLength[entry] == length {
            coverLength[entry] = next.map { Int8($0) } ?? Self.noCover
            if longer[entry] == nil { store(entry, word(entry)) }
        }
    }

    private mutating func insertLonger(_ block: AddressBlock) {
        let entry = Self.entry(of: block.address)
        var blocks = longer[entry] ?? []
        // Moved out first, so that it is not copied.
        longer[entry] = nil
        blocks.insert(block)
        longer[entry] = blocks
    }

    private func word(_ entry: Int) -> UInt64 {
        let length = coverLength[entry]
        guard length != Self.noCover, let block = block(of: Self.address(of: entry), Int(length)), let number = short[block] else {
            return Self.word(0)
        }
        return Self.word(number)
    }

    private func block(of address: IPAddress, _ length: Int) -> AddressBlock? {
        AddressBlock(address: address, prefixLength: length)
    }

    /// As in the trie.
    private static func word(_ number: UInt32) -> UInt64 { bulkhead_word(number, ~number) }

    private static func entry(of address: IPAddress) -> Int {
        switch address.version {
        case .v4: Int(address.low >> 16 & 0xffff)
        case .v6: 1 << bits + Int(address.high >> 48)
        }
    }

    private static func address(of entry: Int) -> IPAddress {
        entry < 1 << bits ? IPAddress(v4: UInt32(entry) << 16) : IPAddress(v6High: UInt64(entry - 1 << bits) << 48, low: 0)
    }

    private static func entries(of block: AddressBlock) -> Range<Int> {
        let first = entry(of: block.address)
        return first..<first + 1 << (bits - block.prefixLength)
    }
}
