import PolicyModel

/// The prefix lengths in use, so that a longest match over a dictionary tries only those.
struct PrefixLengths: Hashable, Sendable {
    private var version4 = [Int](repeating: 0, count: 33)
    private var version6 = [Int](repeating: 0, count: 129)

    init() {}

    init(of blocks: some Sequence<AddressBlock>) {
        for block in blocks { add(block) }
    }

    mutating func add(_ block: AddressBlock) { count(block, by: 1) }

    /// A block comes, goes or stays.
    mutating func follow(_ block: AddressBlock, before: Bool, after: Bool) {
        if before != after { count(block, by: after ? 1 : -1) }
    }

    mutating func remove(_ block: AddressBlock) { count(block, by: -1) }

    private mutating func count(_ block: AddressBlock, by amount: Int) {
        switch block.version {
        case .v4: version4[block.prefixLength] += amount
        case .v6: version6[block.prefixLength] += amount
        }
    }

    /// The value of the longest block of `blocks` that covers `address` and is shorter than `limit`, by default any.
    /// O(lengths in use).
    func longestMatch<Value>(
        in blocks: [AddressBlock: Value], covering address: IPAddress, shorterThan limit: Int = .max
    ) -> Value? {
        longestMatch(covering: address, shorterThan: limit) { blocks[$0] }
    }

    /// As the other, with `look` for the blocks' values.
    func longestMatch<Value>(
        covering address: IPAddress, shorterThan limit: Int = .max, look: (AddressBlock) -> Value?
    ) -> Value? {
        let counts = address.version == .v4 ? version4 : version6
        var length = min(address.version.width, limit - 1)
        while length >= 0 {
            if counts[length] > 0, let block = AddressBlock(address: address, prefixLength: length),
                let value = look(block)
            {
                return value
            }
            length -= 1
        }
        return nil
    }
}
