import PolicyModel

/// Which sets each address belongs to, and which combinations of both parts any address can have.
struct IdentityTable {
    private(set) var combinations = InternTable<[SetNumber], IdentityID>()
    private(set) var prefixes = PrefixTable()
    private(set) var exact: [IPAddress: Identity] = [:]
    /// Sets that mention an address as a block of its own.
    private var hosts: [IPAddress: [SetNumber]] = [:]
    private var uses: [IPVersion: UseCounts<Identity>] = [.v4: UseCounts(), .v6: UseCounts()]

    /// The sets of a number, sorted; `none` has none.
    func sets(_ identity: IdentityID) -> [SetNumber] { combinations.contents[identity] ?? [] }

    func identities(_ version: IPVersion) -> [Identity] { uses[version].map { Array($0.counts.keys) } ?? [] }

    func count(_ version: IPVersion) -> Int { uses[version]?.counts.count ?? 0 }

    mutating func intern(_ sets: [SetNumber], work: inout CompileWork) -> IdentityID {
        if sets.isEmpty { return .none }
        let (number, isNew) = combinations.intern(sets)
        if isNew { work.identitiesInterned += 1 }
        return number
    }

    func hostSets(_ address: IPAddress) -> [SetNumber] { hosts[address] ?? [] }

    /// Takes the blocks of a set in, or out; returns the addresses that are blocks of their own.
    mutating func change(_ blocks: [AddressBlock], of set: SetNumber, begins: Bool) -> [IPAddress] {
        var touched: [IPAddress] = []
        for block in blocks {
            if block.prefixLength == block.version.width {
                touched.append(block.address)
                var sets = hosts[block.address] ?? []
                if begins {
                    sets.insert(set, at: sets.firstIndex(notBelow: set))
                } else {
                    sets.removeAll { $0 == set }
                }
                hosts[block.address] = sets.isEmpty ? nil : sets
            } else if begins {
                prefixes.mention(block, by: set)
            } else {
                prefixes.endMention(block, by: set)
            }
        }
        return touched
    }

    /// Makes the prefixes anew where a mention changed, and gives every known address its longest match.
    mutating func updatePrefixes(_ tables: inout VerdictTables, work: inout CompileWork) {
        guard prefixes.isOutdated else { return }
        work.prefixTablesBuilt += 1
        for (block, identity) in prefixes.identities { end(Identity(exact: .none, prefix: identity), block.version) }
        var table = prefixes
        table.rebuild { intern($0, work: &work) }
        prefixes = table
        for (block, identity) in prefixes.identities { begin(Identity(exact: .none, prefix: identity), block.version) }
        tables.prefixes = prefixes.identities
        for (address, identity) in exact {
            let prefix = prefixes.longestMatch(address)
            guard prefix != identity.prefix else { continue }
            set(address, to: Identity(exact: identity.exact, prefix: prefix))
        }
    }

    /// Gives an address its exact part; `none` takes it out of the table.
    mutating func set(_ address: IPAddress, exact part: IdentityID, _ tables: inout VerdictTables) {
        guard part != exact[address]?.exact ?? .none else { return }
        if part == .none {
            set(address, to: nil)
            tables.exact[address] = nil
        } else {
            set(address, to: Identity(exact: part, prefix: prefixes.longestMatch(address)))
            tables.exact[address] = part
        }
    }

    private mutating func set(_ address: IPAddress, to identity: Identity?) {
        if let old = exact[address] { end(old, address.version) }
        exact[address] = identity
        if let identity { begin(identity, address.version) }
    }

    private mutating func begin(_ identity: Identity, _ version: IPVersion) { uses[version]?.begin(identity) }

    private mutating func end(_ identity: Identity, _ version: IPVersion) { uses[version]?.end(identity) }

    /// The combinations that some address has since the last call, and those that none has any more.
    mutating func takeChanges(_ version: IPVersion) -> (begun: [Identity], ended: [Identity]) {
        uses[version]?.takeChanges() ?? ([], [])
    }

    /// Numbers that some address has.
    var used: Set<IdentityID> {
        var result: Set<IdentityID> = []
        for counts in uses.values {
            for identity in counts.counts.keys {
                result.insert(identity.exact)
                result.insert(identity.prefix)
            }
        }
        return result
    }

    mutating func forget(except kept: Set<IdentityID>) -> Int { combinations.forget { kept.contains($0) } }
}
