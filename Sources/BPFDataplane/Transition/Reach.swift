/// Every combination that an address may have, by its prefix; also some that none has any more. Kept by what moves,
/// where `KernelPoints` looks at every address.
struct Reach: Sendable {
    private var exactNumbers: [KernelNumber: Set<KernelNumber>]
    private(set) var count: Int
    private let countOfPoints: Int

    init(of points: KernelPoints) {
        exactNumbers = [:]
        for combination in points.occupied { exactNumbers[combination.prefix, default: []].insert(combination.exact) }
        count = points.occupied.count
        countOfPoints = count
    }

    /// So much is in it that no address has that looking at every address is worth it.
    var isStale: Bool { count > 65_536 + 2 * countOfPoints }

    func contains(_ combination: Combination) -> Bool {
        exactNumbers[combination.prefix]?.contains(combination.exact) ?? false
    }

    func exactNumbers(under prefix: KernelNumber) -> Set<KernelNumber> { exactNumbers[prefix] ?? [] }

    /// Every address under a prefix number comes to have another. O(1) where nobody had that.
    mutating func insert(_ sweep: PrefixSweep) {
        let before = exactNumbers[sweep.after]?.count ?? 0
        if before == 0 {
            exactNumbers[sweep.after] = sweep.exact
        } else {
            exactNumbers[sweep.after]?.formUnion(sweep.exact)
        }
        count += (exactNumbers[sweep.after]?.count ?? 0) - before
    }

    /// The prefix numbers that addresses of an exact number may have. O(prefix numbers).
    func prefixNumbers(with exact: KernelNumber) -> [KernelNumber] {
        exactNumbers.filter { $0.value.contains(exact) }.map(\.key)
    }

    mutating func insert(_ combination: Combination) {
        // A look first: an insertion into a shared set copies it also when nothing is new.
        guard !contains(combination) else { return }
        exactNumbers[combination.prefix, default: []].insert(combination.exact)
        count += 1
    }

    /// No address has these any more.
    mutating func forget(exact: [KernelNumber], prefixes: [KernelNumber]) {
        for prefix in prefixes { count -= exactNumbers.removeValue(forKey: prefix)?.count ?? 0 }
        guard !exact.isEmpty else { return }
        let gone = Set(exact)
        for (prefix, numbers) in exactNumbers {
            // The smaller of both is walked: with very many prefixes each mostly has few.
            let found = numbers.intersection(gone)
            guard !found.isEmpty else { continue }
            exactNumbers[prefix]?.subtract(found)
            count -= found.count
        }
    }
}
