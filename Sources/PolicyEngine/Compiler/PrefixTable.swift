import PolicyModel

/// The blocks of address sets that are shorter than an address, and what the longest match of an address belongs to.
struct PrefixTable {
    /// The sets that mention a block, without those that mention a covering one.
    private var mentions: [AddressBlock: [SetNumber]] = [:]
    private(set) var identities: [AddressBlock: IdentityID] = [:]
    /// Longest first.
    private var lengths: [IPVersion: [Int]] = [:]
    private(set) var isOutdated = false

    mutating func mention(_ block: AddressBlock, by set: SetNumber) {
        var sets = mentions[block] ?? []
        sets.insert(set, at: sets.firstIndex(notBelow: set))
        mentions[block] = sets
        isOutdated = true
    }

    mutating func endMention(_ block: AddressBlock, by set: SetNumber) {
        guard var sets = mentions[block] else { return }
        sets.removeAll { $0 == set }
        mentions[block] = sets.isEmpty ? nil : sets
        isOutdated = true
    }

    /// Gives every block the number of its own sets and those of every block that covers it. O(blocks log blocks).
    mutating func rebuild(intern: ([SetNumber]) -> IdentityID) {
        isOutdated = false
        identities = [:]
        var covering: [(block: AddressBlock, sets: [SetNumber])] = []
        var lengthsSeen: [IPVersion: Set<Int>] = [:]
        for (block, own) in mentions.sorted(by: { $0.key < $1.key }) {
            while let last = covering.last, !last.block.contains(block) { covering.removeLast() }
            let sets = covering.last.map { Set($0.sets).union(own).sorted() } ?? own
            covering.append((block, sets))
            identities[block] = intern(sets)
            lengthsSeen[block.version, default: []].insert(block.prefixLength)
        }
        lengths = lengthsSeen.mapValues { $0.sorted(by: >) }
    }

    /// O(distinct prefix lengths).
    func longestMatch(_ address: IPAddress) -> IdentityID {
        for length in lengths[address.version] ?? [] {
            guard let block = AddressBlock(address: address, prefixLength: length) else { continue }
            if let identity = identities[block] { return identity }
        }
        return .none
    }
}
