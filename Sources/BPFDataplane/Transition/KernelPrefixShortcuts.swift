import PolicyModel

/// The kernel's arrays in front of its trie of prefixes, and what is in them.
final class KernelPrefixShortcuts: PrefixShortcutMemory {
    private let first: MappedWords
    private let second: MappedWords
    private var shortcuts = PrefixShortcuts()

    init(first: consuming MappedWords, second: consuming MappedWords) {
        self.first = first
        self.second = second
    }

    func setFirst(_ index: Int, _ word: UInt64) { first.store(word, at: index) }

    func setSecond(_ index: Int, _ word: UInt64) { second.store(word, at: index) }

    /// Takes over what a process before us left, which may have ended between a prefix and its shortcut. For once, before any
    /// prefix changes.
    func adopt(_ blocks: [AddressBlock: UInt32]) {
        var taken: [Int: Int] = [:]
        for entry in 0..<PrefixShortcuts.entries { taken[entry] = PrefixShortcuts.chunk(of: first.load(entry)) }
        shortcuts = PrefixShortcuts(blocks, taken: taken, store: self)
    }

    func willSet(_ block: AddressBlock) { shortcuts.willSet(block, store: self) }

    func didSet(_ block: AddressBlock, _ number: UInt32) { shortcuts.didSet(block, number, store: self) }

    func didRemove(_ block: AddressBlock) { shortcuts.didRemove(block, store: self) }
}
