import PolicyModel

/// The combinations of sets that addresses and blocks belong to.
struct IdentityTable: Sendable {
    private(set) var combinations = InternTable<[SetNumber], IdentityID>()

    /// The sets of a number, sorted; `none` has none.
    func sets(_ identity: IdentityID) -> [SetNumber] { combinations.contents[identity] ?? [] }

    mutating func intern(_ sets: [SetNumber], work: inout CompileWork) -> IdentityID {
        if sets.isEmpty { return .none }
        let (number, isNew) = combinations.intern(sets)
        if isNew { work.identitiesInterned += 1 }
        return number
    }

    mutating func intern(of contributor: inout Contributor, work: inout CompileWork) -> IdentityID {
        if let known = contributor.identity { return known }
        let number = intern(contributor.sets, work: &work)
        contributor.identity = number
        return number
    }

    mutating func forget(except kept: Set<IdentityID>) -> Int { combinations.forget { kept.contains($0) } }
}
