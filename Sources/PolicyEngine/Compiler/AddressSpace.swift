import PolicyModel

/// The addresses and blocks of one IP version that anybody speaks of, and the identities that they have.
///
/// Addresses are rows of flat arrays. Each knows the node of the longest block that holds it, and each node counts the exact
/// identities of its addresses: so a block's identity may change without a look at the addresses in it, and a
/// new block costs one pass over an array and no write an address.
struct AddressSpace: Sendable {
    let version: IPVersion
    private var slots: [IPAddress: Int32] = [:]
    private var freeSlots: [Int32] = []
    private var highs: [UInt64] = []
    private var lows: [UInt64] = []
    private var claimants: [Claimants] = []
    private var exact: [Int32] = []
    /// Of the longest block that holds the address; -1 for a free slot.
    private var nodes: [Int32] = []
    private var isTouched: [Bool] = []
    private(set) var touched: [Int32] = []

    var prefixes = PrefixTree()

    init(_ version: IPVersion) { self.version = version }

    var addressCount: Int { slots.count }

    // MARK: Addresses

    mutating func claim(_ address: IPAddress, _ contributor: Int32) {
        let slot = slots[address] ?? makeSlot(address)
        claimants[Int(slot)].insert(contributor)
        touch(slot)
    }

    mutating func unclaim(_ address: IPAddress, _ contributor: Int32) {
        guard let slot = slots[address] else { return }
        claimants[Int(slot)].remove(contributor)
        touch(slot)
    }

    mutating func touch(_ address: IPAddress) {
        if let slot = slots[address] { touch(slot) }
    }

    private mutating func touch(_ slot: Int32) {
        guard !isTouched[Int(slot)] else { return }
        isTouched[Int(slot)] = true
        touched.append(slot)
    }

    private mutating func makeSlot(_ address: IPAddress) -> Int32 {
        let node = prefixes.longestMatch(address)
        prefixes.nodes[Int(node)].slotCount += 1
        if let slot = freeSlots.popLast() {
            slots[address] = slot
            highs[Int(slot)] = address.high
            lows[Int(slot)] = address.low
            nodes[Int(slot)] = node
            return slot
        }
        let slot = Int32(lows.count)
        slots[address] = slot
        highs.append(address.high)
        lows.append(address.low)
        claimants.append(Claimants())
        exact.append(0)
        nodes.append(node)
        isTouched.append(false)
        return slot
    }

    private func address(_ slot: Int32) -> IPAddress {
        switch version {
        case .v4: IPAddress(v4: UInt32(truncatingIfNeeded: lows[Int(slot)]))
        case .v6: IPAddress(v6High: highs[Int(slot)], low: lows[Int(slot)])
        }
    }

    /// Whether a contributor that has the address, or a block around it, passes the test. Blocks must be settled.
    func contains(_ address: IPAddress, where test: (Int32) -> Bool) -> Bool {
        if let slot = slots[address], claimants[Int(slot)].contains(where: test) { return true }
        var node = prefixes.longestMatch(address)
        while node != 0 {
            if prefixes.nodes[Int(node)].contributors.contains(where: test) { return true }
            node = prefixes.nodes[Int(node)].parent
        }
        return false
    }

    /// Calls `body` with the contributors of every touched address.
    func forEachTouched(_ body: (Claimants) -> Void) {
        for slot in touched { body(claimants[Int(slot)]) }
    }

    // MARK: Blocks

    /// Brings the blocks up to date with what was mentioned, and tells every address its longest one.
    mutating func settleBlocks(
        _ prefixTable: inout [AddressBlock: IdentityID], _ changed: inout Set<AddressBlock>,
        _ uses: inout CombinationUses, work: inout CompileWork
    ) {
        guard prefixes.isUnsettled else { return }
        var change = prefixes.settle()
        for (block, identity) in change.unlisted {
            uses.endListing(identity)
            prefixTable[block] = nil
            changed.insert(block)
        }
        for node in change.created { uses.begin(prefixes.nodes[Int(node)].identity, with: [:]) }
        change.created.removeAll { !prefixes.nodes[Int($0)].isAlive }
        if change.created.count + change.removed.count <= Self.fewBlocks {
            for node in change.removed { move(from: node.number, to: node.heir, within: nil, &uses, work: &work) }
            let ascending = change.created.sorted {
                (prefixes.nodes[Int($0)].length, $0) < (prefixes.nodes[Int($1)].length, $1)
            }
            for node in ascending {
                move(
                    from: prefixes.nodes[Int(node)].parent, to: node, within: prefixes.nodes[Int(node)].block, &uses,
                    work: &work)
            }
        } else {
            matchAnew(change, &uses, work: &work)
        }
        for node in change.removed { uses.end(prefixes.nodes[Int(node.number)].identity, with: [:]) }
        prefixes.free(change.removed.map(\.number))
    }

    /// Up to so many new blocks, a pass over all addresses for each is the shorter way.
    private static let fewBlocks = 8

    private mutating func move(
        from old: Int32, to new: Int32, within block: AddressBlock?, _ uses: inout CombinationUses,
        work: inout CompileWork
    ) {
        guard prefixes.nodes[Int(old)].slotCount > 0 else { return }
        work.addressesScanned += lows.count
        let (maskHigh, maskLow) = block.map(Self.masks) ?? (0, 0)
        let wantedHigh = block?.address.high ?? 0
        let wantedLow = block?.address.low ?? 0
        // By exact identity; identities are dense numbers.
        var tally: [Int32] = []
        var moved: [Int32] = []
        var total: Int32 = 0
        // Of its own for the loop: else every write asks whether somebody shares the array.
        var nodes: [Int32] = []
        swap(&nodes, &self.nodes)
        for slot in nodes.indices where nodes[slot] == old {
            // What a mask does not ask for is not fetched: with very many addresses that is what takes the time.
            if maskHigh != 0, highs[slot] & maskHigh != wantedHigh { continue }
            if maskLow != 0, lows[slot] & maskLow != wantedLow { continue }
            nodes[slot] = new
            total += 1
            let identity = exact[slot]
            guard identity != 0 else { continue }
            if Int(identity) >= tally.count {
                tally.append(contentsOf: repeatElement(0, count: Int(identity) + 1 - tally.count))
            }
            if tally[Int(identity)] == 0 { moved.append(identity) }
            tally[Int(identity)] += 1
        }
        swap(&nodes, &self.nodes)
        prefixes.nodes[Int(old)].slotCount -= total
        prefixes.nodes[Int(new)].slotCount += total
        if prefixes.nodes[Int(old)].slotCount == 0, prefixes.nodes[Int(new)].counts.isEmpty {
            return hand(from: old, to: new, &uses)
        }
        // Of their own for the loop, as above.
        var (before, after): ([Int32: Int32], [Int32: Int32]) = ([:], [:])
        swap(&before, &prefixes.nodes[Int(old)].counts)
        swap(&after, &prefixes.nodes[Int(new)].counts)
        after.reserveCapacity(after.count + moved.count)
        let identities = (old: prefixes.nodes[Int(old)].identity, new: prefixes.nodes[Int(new)].identity)
        for identity in moved {
            let count = tally[Int(identity)]
            // First what begins: what both count does not end in between.
            if after.updateValue((after[identity] ?? 0) + count, forKey: identity) == nil {
                uses.begin(identity, beneath: identities.new)
            }
            let left = (before[identity] ?? 0) - count
            before[identity] = left == 0 ? nil : left
            if left == 0 { uses.end(identity, beneath: identities.old) }
        }
        swap(&before, &prefixes.nodes[Int(old)].counts)
        swap(&after, &prefixes.nodes[Int(new)].counts)
    }

    /// All addresses of a block go to one that has none.
    private mutating func hand(from old: Int32, to new: Int32, _ uses: inout CombinationUses) {
        var counts: [Int32: Int32] = [:]
        swap(&counts, &prefixes.nodes[Int(old)].counts)
        let identities = (old: prefixes.nodes[Int(old)].identity, new: prefixes.nodes[Int(new)].identity)
        if identities.old != identities.new {
            uses.empty(identities.old, of: counts)
            uses.fill(identities.new, with: counts)
        }
        prefixes.nodes[Int(new)].counts = counts
    }

    private static func masks(_ block: AddressBlock) -> (high: UInt64, low: UInt64) {
        let length = block.prefixLength
        switch block.version {
        case .v4: return (0, length == 0 ? 0 : UInt64(UInt32.max << UInt32(32 - length)))
        case .v6:
            let high: UInt64 = length == 0 ? 0 : UInt64.max << UInt64(max(0, 64 - length))
            let low: UInt64 = length <= 64 ? 0 : UInt64.max << UInt64(128 - length)
            return (high, low)
        }
    }

    /// Looks up every address whose block lost a part or is gone.
    private mutating func matchAnew(
        _ change: PrefixTree.Change, _ uses: inout CombinationUses, work: inout CompileWork
    ) {
        guard !slots.isEmpty else { return }
        var affected = [Bool](repeating: false, count: prefixes.nodes.count)
        for node in change.removed { affected[Int(node.number)] = true }
        for node in change.created { affected[Int(prefixes.nodes[Int(node)].parent)] = true }
        work.addressesScanned += nodes.count
        for slot in nodes.indices where nodes[slot] >= 0 && affected[Int(nodes[slot])] {
            let old = nodes[slot]
            let new = prefixes.longestMatch(address(Int32(slot)))
            guard new != old else { continue }
            nodes[slot] = new
            prefixes.nodes[Int(old)].slotCount -= 1
            prefixes.nodes[Int(new)].slotCount += 1
            if exact[slot] != 0 {
                count(new, exact[slot], 1, &uses)
                count(old, exact[slot], -1, &uses)
            }
        }
    }

    private mutating func count(_ node: Int32, _ identity: Int32, _ amount: Int32, _ uses: inout CombinationUses) {
        let before = prefixes.nodes[Int(node)].counts[identity] ?? 0
        let after = before + amount
        prefixes.nodes[Int(node)].counts[identity] = after == 0 ? nil : after
        guard (before == 0) != (after == 0) else { return }
        let prefix = prefixes.nodes[Int(node)].identity
        if before == 0 { uses.begin(identity, beneath: prefix) } else { uses.end(identity, beneath: prefix) }
    }

    // MARK: Identities

    /// Gives every block whose sets may have changed, and those inside it, their identities. Blocks must be settled.
    mutating func updateBlocks(
        _ contributors: [Contributor], _ identities: inout IdentityTable, _ prefixTable: inout [AddressBlock: IdentityID],
        _ changed: inout Set<AddressBlock>, _ uses: inout CombinationUses, work: inout CompileWork
    ) {
        for node in prefixes.takeUnsure() {
            update(node, contributors, &identities, &prefixTable, &changed, &uses, &work)
        }
    }

    private mutating func update(
        _ node: Int32, _ contributors: [Contributor], _ identities: inout IdentityTable,
        _ prefixTable: inout [AddressBlock: IdentityID], _ changed: inout Set<AddressBlock>,
        _ uses: inout CombinationUses, _ work: inout CompileWork
    ) {
        let record = prefixes.nodes[Int(node)]
        guard node != 0, let block = record.block else { return }
        work.blocksVisited += 1
        let own = record.contributors.sets(contributors)
        let above = prefixes.nodes[Int(record.parent)].identity
        var new = above
        if !own.isEmpty {
            let sets = above == .none ? own : Set(identities.sets(above)).union(own).sorted()
            new = identities.intern(sets, work: &work)
        }
        if record.isListed || !own.isEmpty, record.isListed != !own.isEmpty || new != record.identity {
            changed.insert(block)
            if record.isListed { uses.endListing(record.identity) }
            if !own.isEmpty { uses.beginListing(new) }
            prefixTable[block] = own.isEmpty ? nil : new
            prefixes.nodes[Int(node)].isListed = !own.isEmpty
        }
        guard new != record.identity else { return }
        prefixes.nodes[Int(node)].identity = new
        uses.end(record.identity, with: record.counts)
        uses.begin(new, with: record.counts)
        for child in record.children { update(child, contributors, &identities, &prefixTable, &changed, &uses, &work) }
    }

    /// Gives every touched address its identity; `none` takes it out of the table.
    mutating func updateAddresses(
        _ contributors: inout [Contributor], _ identities: inout IdentityTable, _ table: inout [IPAddress: IdentityID],
        _ changed: inout [IPAddress], _ uses: inout CombinationUses, work: inout CompileWork
    ) {
        for slot in touched {
            isTouched[Int(slot)] = false
            work.addressesVisited += 1
            let part: IdentityID
            if let single = claimants[Int(slot)].single {
                part = identities.intern(of: &contributors[Int(single)], work: &work)
            } else {
                part = identities.intern(claimants[Int(slot)].sets(contributors), work: &work)
            }
            let old = exact[Int(slot)]
            if part.rawValue != old {
                let node = nodes[Int(slot)]
                if part != .none {
                    uses.beginAddress(part)
                    count(node, part.rawValue, 1, &uses)
                }
                if old != 0 {
                    uses.endAddress(IdentityID(rawValue: old))
                    count(node, old, -1, &uses)
                }
                exact[Int(slot)] = part.rawValue
                let address = address(slot)
                table[address] = part == .none ? nil : part
                changed.append(address)
            }
            if claimants[Int(slot)].isEmpty {
                prefixes.nodes[Int(nodes[Int(slot)])].slotCount -= 1
                slots[address(slot)] = nil
                nodes[Int(slot)] = -1
                freeSlots.append(slot)
            }
        }
        touched.removeAll(keepingCapacity: touched.count < 4_096)
    }

    /// Descriptions of what is wrong; empty when nothing is. Adds what it has to `combinations`.
    func checkInvariants(_ combinations: inout Set<Identity>) -> [String] {
        var wrong = prefixes.checkInvariants()
        if !touched.isEmpty { wrong.append("addresses: touched ones are left over") }
        if nodes.count(where: { $0 >= 0 }) != slots.count { wrong.append("addresses: slots and addresses do not mirror") }
        var counts: [Int32: [Int32: Int32]] = [:]
        var slotCounts: [Int32: Int32] = [:]
        for (address, slot) in slots {
            if self.address(slot) != address { wrong.append("addresses: a slot holds another address") }
            if claimants[Int(slot)].isEmpty { wrong.append("addresses: one without a contributor") }
            let node = prefixes.longestMatch(address)
            if nodes[Int(slot)] != node { wrong.append("addresses: one has another block than its longest") }
            slotCounts[node, default: 0] += 1
            if exact[Int(slot)] != 0 { counts[node, default: [:]][exact[Int(slot)], default: 0] += 1 }
        }
        for (index, node) in prefixes.nodes.enumerated() where node.isAlive {
            if node.counts != counts[Int32(index)] ?? [:] { wrong.append("addresses: a block counts other identities") }
            if node.slotCount != slotCounts[Int32(index)] ?? 0 { wrong.append("addresses: a block counts other addresses") }
            for exact in node.counts.keys where node.identity != .none {
                combinations.insert(Identity(exact: IdentityID(rawValue: exact), prefix: node.identity))
            }
        }
        return wrong
    }
}
