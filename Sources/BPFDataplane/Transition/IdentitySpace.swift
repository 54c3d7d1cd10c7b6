import PolicyEngine

/// The addresses, or the prefixes, as the kernel has them, and what the identities there mean.
///
/// Several numbers may mean one identity for a while: a change gives a fresh number to what moves, and settling
/// unites them. What a number means never changes.
struct IdentitySpace<Key: Hashable & Sendable>: Sendable {
    private(set) var words: [Key: KernelNumber] = [:]
    fileprivate(set) var meanings: [KernelNumber: IdentityID] = [:]
    /// How many keys hold a number.
    private(set) var holders: [KernelNumber: Int] = [:]
    /// The number that settling leaves for an identity.
    fileprivate(set) var canonical: [IdentityID: KernelNumber] = [:]
    /// Keys that hold another number than the canonical one, or that no table names any more.
    var unsettled: Set<Key> = []

    func meaning(of number: KernelNumber) -> IdentityID {
        number == 0 ? .none : meanings[number] ?? .none
    }

    /// The canonical number of an identity; nil when it needs a fresh one.
    func number(of identity: IdentityID) -> KernelNumber? {
        identity == .none ? 0 : canonical[identity]
    }

    mutating func name(_ number: KernelNumber, _ identity: IdentityID) {
        meanings[number] = identity
        if let present = canonical[identity], holders[present, default: 0] > 0 { return }
        canonical[identity] = number
    }

    mutating func set(_ key: Key, _ number: KernelNumber) {
        let before = words.updateValue(number, forKey: key)
        if before == number { return }
        holders[number, default: 0] += 1
        if let before { release(before) }
    }

    mutating func remove(_ key: Key) {
        if let before = words.removeValue(forKey: key) { release(before) }
    }

    private mutating func release(_ number: KernelNumber) {
        if let count = holders[number] { holders[number] = count == 1 ? nil : count - 1 }
    }

    func isHeld(_ number: KernelNumber) -> Bool { number == 0 || holders[number] != nil }

    /// The numbers that nothing holds are forgotten. Only after a grace period.
    mutating func forgetUnheld() {
        for (number, identity) in meanings where holders[number] == nil {
            meanings[number] = nil
            if canonical[identity] == number { canonical[identity] = nil }
        }
    }

    /// Every held number by what it means; `none` also has 0.
    func numbersByMeaning() -> [IdentityID: [KernelNumber]] {
        var numbers: [IdentityID: [KernelNumber]] = [.none: [0]]
        for (number, identity) in meanings where holders[number] != nil {
            numbers[identity, default: []].append(number)
        }
        return numbers
    }
}

extension IdentitySpace {
    /// Names every number anew by identities below 0, which no compiler gives.
    mutating func renameAll() {
        meanings = [:]
        canonical = [:]
        unsettled = []
        for number in Set(words.values) where number != 0 {
            let foreign = IdentityID(rawValue: -Int32(truncatingIfNeeded: number))
            meanings[number] = foreign
            canonical[foreign] = number
        }
    }
}
