import PolicyModel

/// The blocks that are shorter than an address, by what holds what. Node 0 stands above all of them.
struct PrefixTree: Sendable {
    struct Node: Sendable {
        /// nil for node 0 and for free nodes.
        var block: AddressBlock?
        /// The longest block that holds this one.
        var parent: Int32 = 0
        /// Sorted by address.
        var children: [Int32] = []
        var contributors = Claimants()
        /// Of the sets of its contributors and of every block that holds it.
        var identity = IdentityID.none
        /// Whether its own contributors are in any set in use.
        var isListed = false
        /// Addresses whose longest block this is.
        var slotCount: Int32 = 0
        /// Those in any set, by exact identity.
        var counts: [Int32: Int32] = [:]
        var isAlive = true

        /// -1 for node 0.
        var length: Int { block?.prefixLength ?? -1 }
    }

    /// What `settle` did.
    struct Change {
        /// Also what was removed again.
        var created: [Int32] = []
        /// With the block that has their addresses now.
        var removed: [(number: Int32, heir: Int32)] = []
        /// Removed blocks that were in the table.
        var unlisted: [(AddressBlock, IdentityID)] = []
    }

    var nodes = [Node()]
    private var numbers: [AddressBlock: Int32] = [:]
    private var freeNodes: [Int32] = []
    /// How many blocks there are of each length.
    private var lengthCounts = [Int](repeating: 0, count: 129)
    /// Those that there are, longest first.
    private var lengths: [Int] = []
    private var queue: [(block: AddressBlock, contributor: Int32, begins: Bool)] = []
    /// Nodes whose sets may have changed.
    private var unsure: Set<Int32> = []

    var isUnsettled: Bool { !queue.isEmpty }

    mutating func mention(_ block: AddressBlock, _ contributor: Int32) { queue.append((block, contributor, true)) }

    mutating func endMention(_ block: AddressBlock, _ contributor: Int32) { queue.append((block, contributor, false)) }

    /// A contributor of the block is in other sets now.
    mutating func touch(_ block: AddressBlock) {
        if let node = numbers[block] { unsure.insert(node) }
    }

    /// Shorter blocks first.
    mutating func takeUnsure() -> [Int32] {
        guard !unsure.isEmpty else { return [] }
        defer { unsure = [] }
        return unsure.filter { nodes[Int($0)].isAlive }.sorted { (nodes[Int($0)].length, $0) < (nodes[Int($1)].length, $1) }
    }

    /// O(distinct prefix lengths).
    func longestMatch(_ address: IPAddress) -> Int32 { longestMatch(address, below: .max) }

    private func longestMatch(_ address: IPAddress, below limit: Int) -> Int32 {
        for length in lengths where length < limit {
            guard let block = AddressBlock(address: address, prefixLength: length) else { continue }
            if let node = numbers[block] { return node }
        }
        return 0
    }

    /// Does what was asked for since the last time. Removed nodes stay until `free`.
    mutating func settle() -> Change {
        var change = Change()
        // In the order of addresses the children of a node are mostly appended.
        let ordered = queue.enumerated().sorted { ($0.element.block, $0.offset) < ($1.element.block, $1.offset) }
        queue = []
        var emptied: [Int32] = []
        for (_, (block, contributor, begins)) in ordered {
            let node: Int32
            if let known = numbers[block] {
                node = known
            } else if begins {
                node = create(block)
                change.created.append(node)
            } else {
                continue
            }
            if begins {
                nodes[Int(node)].contributors.insert(contributor)
            } else {
                nodes[Int(node)].contributors.remove(contributor)
                if nodes[Int(node)].contributors.isEmpty { emptied.append(node) }
            }
            unsure.insert(node)
        }
        for node in emptied where nodes[Int(node)].isAlive && nodes[Int(node)].contributors.isEmpty {
            remove(node, &change)
        }
        if !change.removed.isEmpty {
            for index in change.removed.indices {
                while !nodes[Int(change.removed[index].heir)].isAlive {
                    change.removed[index].heir = nodes[Int(change.removed[index].heir)].parent
                }
            }
        }
        return change
    }

    mutating func free(_ removed: [Int32]) {
        for node in removed {
            nodes[Int(node)] = Node(isAlive: false)
            freeNodes.append(node)
        }
    }

    private mutating func create(_ block: AddressBlock) -> Int32 {
        let parent = longestMatch(block.address, below: block.prefixLength)
        // Until its own sets are known it adds none.
        var node = Node(block: block, parent: parent, identity: nodes[Int(parent)].identity)
        let first = childIndex(parent, notBelow: block.address)
        let end = childIndex(parent, after: first, inside: block)
        node.children = Array(nodes[Int(parent)].children[first..<end])
        let number: Int32
        if let free = freeNodes.popLast() {
            number = free
            nodes[Int(free)] = node
        } else {
            number = Int32(nodes.count)
            nodes.append(node)
        }
        for child in node.children { nodes[Int(child)].parent = number }
        nodes[Int(parent)].children.replaceSubrange(first..<end, with: CollectionOfOne(number))
        numbers[block] = number
        lengthCounts[block.prefixLength] += 1
        if lengthCounts[block.prefixLength] == 1 { updateLengths() }
        return number
    }

    private mutating func remove(_ number: Int32, _ change: inout Change) {
        let node = nodes[Int(number)]
        guard let block = node.block else { return }
        let place = childIndex(node.parent, notBelow: block.address)
        nodes[Int(node.parent)].children.replaceSubrange(place..<(place + 1), with: node.children)
        for child in node.children {
            nodes[Int(child)].parent = node.parent
            unsure.insert(child)
        }
        nodes[Int(number)].isAlive = false
        numbers[block] = nil
        lengthCounts[block.prefixLength] -= 1
        if lengthCounts[block.prefixLength] == 0 { updateLengths() }
        change.removed.append((number, node.parent))
        if node.isListed { change.unlisted.append((block, node.identity)) }
    }

    private mutating func updateLengths() {
        lengths = lengthCounts.indices.reversed().filter { lengthCounts[$0] > 0 }
    }

    /// The first child whose address is not below `address`.
    private func childIndex(_ parent: Int32, notBelow address: IPAddress) -> Int {
        let children = nodes[Int(parent)].children
        var low = 0
        var high = children.count
        while low < high {
            let middle = (low + high) / 2
            if let block = nodes[Int(children[middle])].block, block.address < address {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// The first child from `first` on that is not inside the block.
    private func childIndex(_ parent: Int32, after first: Int, inside block: AddressBlock) -> Int {
        let children = nodes[Int(parent)].children
        var end = first
        while end < children.count, let inner = nodes[Int(children[end])].block, block.contains(inner) { end += 1 }
        return end
    }

    /// Descriptions of what is wrong; empty when nothing is.
    func checkInvariants() -> [String] {
        var wrong: [String] = []
        if isUnsettled || !unsure.isEmpty { wrong.append("prefixes: something is left over") }
        for (block, number) in numbers {
            let node = nodes[Int(number)]
            if node.block != block || !node.isAlive { wrong.append("prefixes: a block is known by another number") }
            if node.contributors.isEmpty { wrong.append("prefixes: a block without a contributor") }
            let parent = numbers.filter { $0.key != block && $0.key.contains(block) }
                .max { $0.key.prefixLength < $1.key.prefixLength }?.value ?? 0
            if node.parent != parent { wrong.append("prefixes: a block has the wrong parent") }
            if !nodes[Int(parent)].children.contains(number) { wrong.append("prefixes: a block is not its parent's child") }
        }
        let childCount = nodes.filter(\.isAlive).reduce(0) { $0 + $1.children.count }
        if childCount != numbers.count { wrong.append("prefixes: a block is a child twice, or of nobody") }
        return wrong
    }
}
