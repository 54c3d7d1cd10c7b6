/// Which exact identities addresses have, which identities blocks have, and which of both meet at some address: what stacks
/// need rows for. And what of this changed since the last time somebody asked.
///
/// A block that takes very many addresses along costs nothing for each of their identities: what meets a block's identity is
/// handed over whole where no other block has that identity.
struct CombinationUses: Sendable {
    /// Counts addresses.
    private(set) var exact = UseCounts<IdentityID>()
    /// Counts blocks of the table.
    private(set) var prefixes = UseCounts<IdentityID>()
    private var beneath: [IdentityID: Beneath] = [:]
    /// Whether combinations that changed were there before, by prefix and exact part.
    private var touched: [IdentityID: [Int32: Bool]] = [:]
    /// What was there, without `touched`, where it changed as a whole.
    private var before: [IdentityID: [Int32: Int32]] = [:]

    /// What meets the identity of a block, other than `none`.
    private struct Beneath {
        /// Blocks with this identity, also those that the table does not name.
        var nodes: Int32
        /// How many of them have addresses of an exact identity.
        var exact: [Int32: Int32]
    }

    struct Changes {
        var exact: (begun: [IdentityID], ended: [IdentityID])
        var prefixes: (begun: [IdentityID], ended: [IdentityID])
        /// Combinations of both parts whose prefix was there before and is now. With a prefix that begins or ends all of its
        /// combinations do.
        var combined: (begun: [Identity], ended: [Identity])
    }

    // MARK: What is there

    /// The exact identities that meet a prefix identity.
    func exactIdentities(beneath prefix: IdentityID) -> some Collection<IdentityID> {
        (beneath[prefix]?.exact ?? [:]).keys.lazy.map { IdentityID(rawValue: $0) }
    }

    func meets(_ exact: IdentityID, _ prefix: IdentityID) -> Bool { beneath[prefix]?.exact[exact.rawValue] != nil }

    /// Every combination of two parts. O(all).
    var combinations: Set<Identity> {
        var result: Set<Identity> = []
        for (prefix, beneath) in beneath {
            for exact in beneath.exact.keys { result.insert(Identity(exact: IdentityID(rawValue: exact), prefix: prefix)) }
        }
        return result
    }

    // MARK: Addresses and blocks

    mutating func beginAddress(_ identity: IdentityID) { exact.begin(identity) }

    mutating func endAddress(_ identity: IdentityID) { exact.end(identity) }

    mutating func beginListing(_ identity: IdentityID) { prefixes.begin(identity) }

    mutating func endListing(_ identity: IdentityID) { prefixes.end(identity) }

    /// A block has its first addresses of an exact identity.
    mutating func begin(_ exact: Int32, beneath prefix: IdentityID) {
        guard prefix != .none else { return }
        let count = beneath[prefix]?.exact[exact] ?? 0
        if count == 0 { note(exact, prefix, wasThere: false) }
        beneath[prefix]?.exact[exact] = count + 1
    }

    /// A block has lost its last addresses of an exact identity.
    mutating func end(_ exact: Int32, beneath prefix: IdentityID) {
        guard prefix != .none, let count = beneath[prefix]?.exact[exact] else { return }
        if count == 1 { note(exact, prefix, wasThere: true) }
        beneath[prefix]?.exact[exact] = count == 1 ? nil : count - 1
    }

    private mutating func note(_ exact: Int32, _ prefix: IdentityID, wasThere: Bool) {
        guard before[prefix] == nil, touched[prefix]?[exact] == nil else { return }
        touched[prefix, default: [:]][exact] = wasThere
    }

    private mutating func noteWhole(_ prefix: IdentityID) {
        if before[prefix] == nil { before[prefix] = beneath[prefix]?.exact ?? [:] }
    }

    /// A block comes to have an identity, with addresses of these exact identities. O(1) where no other block has it, but for
    /// one pass over a flat table.
    mutating func begin(_ identity: IdentityID, with counts: [Int32: Int32]) {
        guard identity != .none else { return }
        guard beneath[identity] != nil else {
            noteWhole(identity)
            beneath[identity] = Beneath(nodes: 1, exact: counts.mapValues { _ in 1 })
            return
        }
        beneath[identity]?.nodes += 1
        for exact in counts.keys { begin(exact, beneath: identity) }
    }

    /// A block ceases to have an identity. O(1) where no other block has it.
    mutating func end(_ identity: IdentityID, with counts: [Int32: Int32]) {
        guard identity != .none, let nodes = beneath[identity]?.nodes else { return }
        guard nodes > 1 else {
            noteWhole(identity)
            beneath[identity] = nil
            return
        }
        beneath[identity]?.nodes -= 1
        for exact in counts.keys { end(exact, beneath: identity) }
    }

    /// A block without addresses gets some. O(1) as above where no other block has its identity.
    mutating func fill(_ identity: IdentityID, with counts: [Int32: Int32]) {
        guard identity != .none, let nodes = beneath[identity]?.nodes else { return }
        guard nodes > 1 else {
            noteWhole(identity)
            beneath[identity]?.exact = counts.mapValues { _ in 1 }
            return
        }
        for exact in counts.keys { begin(exact, beneath: identity) }
    }

    /// All addresses of a block are gone elsewhere. O(1) where no other block has its identity.
    mutating func empty(_ identity: IdentityID, of counts: [Int32: Int32]) {
        guard identity != .none, let nodes = beneath[identity]?.nodes else { return }
        guard nodes > 1 else {
            noteWhole(identity)
            beneath[identity]?.exact = [:]
            return
        }
        for exact in counts.keys { end(exact, beneath: identity) }
    }

    // MARK: What changed

    mutating func takeChanges() -> Changes {
        var changes = Changes(exact: exact.takeChanges(), prefixes: prefixes.takeChanges(), combined: ([], []))
        defer {
            touched = [:]
            before = [:]
        }
        if touched.isEmpty, before.isEmpty { return changes }
        let moved = Set(changes.prefixes.begun).union(changes.prefixes.ended)
        for prefix in Set(touched.keys).union(before.keys) where prefixes.isUsed(prefix) && !moved.contains(prefix) {
            let single = touched[prefix] ?? [:]
            var candidates = Set(single.keys)
            if let whole = before[prefix] {
                candidates.formUnion(whole.keys)
                if let now = beneath[prefix]?.exact { candidates.formUnion(now.keys) }
            }
            for exact in candidates {
                let was = single[exact] ?? (before[prefix]?[exact] != nil)
                let identity = Identity(exact: IdentityID(rawValue: exact), prefix: prefix)
                switch (was, meets(identity.exact, prefix)) {
                case (false, true): changes.combined.begun.append(identity)
                case (true, false): changes.combined.ended.append(identity)
                default: break
                }
            }
        }
        return changes
    }
}
