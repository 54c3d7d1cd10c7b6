/// Contributors that speak of an address or a block, with repetition: mostly one.
struct Claimants: Sendable {
    private var first: Int32 = -1
    private var others: [Int32] = []

    var isEmpty: Bool { first < 0 }

    /// nil when there is none or more than one.
    var single: Int32? { first >= 0 && others.isEmpty ? first : nil }

    func forEach(_ body: (Int32) -> Void) {
        guard first >= 0 else { return }
        body(first)
        for other in others { body(other) }
    }

    func contains(where test: (Int32) -> Bool) -> Bool {
        first >= 0 && (test(first) || others.contains(where: test))
    }

    mutating func insert(_ contributor: Int32) {
        if first < 0 { first = contributor } else { others.append(contributor) }
    }

    /// Without effect when it is not there.
    mutating func remove(_ contributor: Int32) {
        if let index = others.lastIndex(of: contributor) {
            others.remove(at: index)
        } else if first == contributor {
            first = others.popLast() ?? -1
        }
    }

    /// The sets of all of them, sorted.
    func sets(_ contributors: [Contributor]) -> [SetNumber] {
        if let single { return contributors[Int(single)].sets }
        var result: Set<SetNumber> = []
        forEach { result.formUnion(contributors[Int($0)].sets) }
        return result.sorted()
    }
}
