import PolicyEngine

/// The addresses, or the prefixes, as the kernel has them, and what the identities there mean.
///
/// Several numbers may mean one identity for a while: a change gives a fresh number to what moves, and settling
/// unites them. What a number means never changes.
struct IdentitySpace<Key: Hashable & Sendable>: Sendable {
    private(set) var words = LayeredDictionary<Key, KernelNumber>()
    private(set) var meanings: [KernelNumber: IdentityID] = [:]
    /// How many keys hold a number.
    private(set) var holders: [KernelNumber: Int] = [:]
    /// The number that settling leaves for an identity.
    private var canonical: [IdentityID: KernelNumber] = [:]
    /// Every number in `meanings` by what it means.
    private var numbers: [IdentityID: [KernelNumber]] = [:]
    /// Numbers that no key may hold.
    private var loose: Set<KernelNumber> = []
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
        numbers[identity, default: []].append(number)
        loose.insert(number)
        if let present = canonical[identity], holders[present, default: 0] > 0 { return }
        canonical[identity] = number
    }

    mutating func set(_ key: Key, _ number: KernelNumber) {
        let before = words.update(number, forKey: key)
        if before == number { return }
        holders[number, default: 0] += 1
        if let before { release(before) }
    }

    mutating func remove(_ key: Key) {
        if let before = words.update(nil, forKey: key) { release(before) }
    }

    private mutating func release(_ number: KernelNumber) {
        guard let count = holders[number] else { return }
        holders[number] = count == 1 ? nil : count - 1
        if count == 1 { loose.insert(number) }
    }

    func isHeld(_ number: KernelNumber) -> Bool { number == 0 || holders[number] != nil }

    /// The numbers that nothing holds are forgotten, and returned. Only after a grace period. O(numbers let go since).
    mutating func forgetUnheld() -> [KernelNumber] {
        let gone = loose.filter { holders[$0] == nil }
        loose = []
        for number in gone {
            guard let identity = meanings.removeValue(forKey: number) else { continue }
            numbers[identity]?.removeAll { $0 == number }
            if numbers[identity]?.isEmpty == true { numbers[identity] = nil }
            if canonical[identity] == number { canonical[identity] = nil }
        }
        return Array(gone)
    }

    /// The held numbers of an identity; `none` also has 0.
    func numbers(meaning identity: IdentityID) -> [KernelNumber] {
        (identity == .none ? [0] : []) + (numbers[identity] ?? []).filter { holders[$0] != nil }
    }

    /// What the words mean.
    var content: [Key: IdentityID] {
        var content = [Key: IdentityID](minimumCapacity: words.count)
        for (key, number) in words { content[key] = meaning(of: number) }
        return content
    }

    /// Works in what changed since the last time.
    mutating func flatten() { words.flatten() }
}

extension IdentitySpace {
    /// Names every number anew by identities below 0, which no compiler gives.
    mutating func renameAll() {
        meanings = [:]
        canonical = [:]
        numbers = [:]
        unsettled = []
        for number in Set(words.lazy.map(\.value)) where number != 0 {
            name(number, IdentityID(rawValue: -Int32(truncatingIfNeeded: number)))
        }
    }
}
