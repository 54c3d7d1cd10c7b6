import PolicyModel

/// The address sets that policies mention.
struct AddressSetTable: Sendable {
    struct Record: Sendable {
        var expression: SetExpression
        /// Of `members` and `namedPort`; else matches everything.
        var selector: CompiledSelector
        /// Stacks in force that ask for peers in this set.
        var uses = 0
        /// Where it is found, or was when it was last in use.
        var anchor = Anchor.nothing
    }

    /// Something that a contributor must have to be in a set.
    enum Anchor: Hashable, Sendable {
        case label(LabelPair)
        case service(NamespacedName)
        case nothing
    }

    private(set) var records: [Record?] = []
    private var numbers: [SetExpression: SetNumber] = [:]
    private var free: [SetNumber] = []
    /// Sets whose use began or ended since the last `takeChanges`, with whether they were in use before.
    private var touched: [SetNumber: Bool] = [:]
    private var inUse: [Anchor: Set<SetNumber>] = [:]

    var count: Int { numbers.count }

    mutating func intern(_ expression: SetExpression, texts: inout LabelTexts) -> SetNumber {
        if let known = numbers[expression] { return known }
        let record = Record(expression: expression, selector: Self.compile(expression, texts: &texts))
        let number: SetNumber
        if let reused = free.popLast() {
            number = reused
            records[Int(number)] = record
        } else {
            number = SetNumber(records.count)
            records.append(record)
        }
        numbers[expression] = number
        return number
    }

    private static func compile(_ expression: SetExpression, texts: inout LabelTexts) -> CompiledSelector {
        switch expression {
        case .members(let selector), .namedPort(let selector, _, _): CompiledSelector(selector, texts: &texts)
        case .service, .servicePort, .nets: .all
        }
    }

    subscript(_ number: SetNumber) -> Record? { records[Int(number)] }

    mutating func beginUse(_ number: SetNumber, anchor: (Record) -> Anchor) {
        guard var record = records[Int(number)] else { return }
        record.uses += 1
        if record.uses == 1 {
            if touched[number] == nil { touched[number] = false }
            let found = anchor(record)
            record.anchor = found
            inUse[found, default: []].insert(number)
        }
        records[Int(number)] = record
    }

    mutating func endUse(_ number: SetNumber) {
        guard var record = records[Int(number)] else { return }
        record.uses -= 1
        if record.uses == 0 {
            if touched[number] == nil { touched[number] = true }
            inUse[record.anchor]?.remove(number)
            if inUse[record.anchor]?.isEmpty == true { inUse[record.anchor] = nil }
        }
        records[Int(number)] = record
    }

    /// The sets in use that are found at one of these anchors, in no order.
    func candidates(_ anchors: some Sequence<Anchor>) -> [SetNumber] {
        var result: [SetNumber] = []
        for anchor in anchors { if let found = inUse[anchor] { result.append(contentsOf: found) } }
        return result
    }

    /// The sets whose use began or ended since the last call, sorted.
    mutating func takeChanges() -> (begun: [SetNumber], ended: [SetNumber]) {
        guard !touched.isEmpty else { return ([], []) }
        defer { touched = [:] }
        var begun: [SetNumber] = []
        var ended: [SetNumber] = []
        for (number, before) in touched {
            let now = (records[Int(number)]?.uses ?? 0) > 0
            if now && !before { begun.append(number) }
            if before && !now { ended.append(number) }
        }
        return (begun.sorted(), ended.sorted())
    }

    /// Drops every set that is not in `kept` and tells which.
    mutating func forget(except kept: Set<SetNumber>) -> [SetNumber] {
        var dropped: [SetNumber] = []
        for (expression, number) in numbers where !kept.contains(number) {
            dropped.append(number)
            records[Int(number)] = nil
            numbers[expression] = nil
        }
        free.append(contentsOf: dropped)
        return dropped
    }

    /// Compiles every expression anew over another table of texts.
    mutating func rebuild(texts: inout LabelTexts, anchor: (Record) -> Anchor) {
        inUse = [:]
        for (expression, number) in numbers {
            guard var record = records[Int(number)] else { continue }
            record.selector = Self.compile(expression, texts: &texts)
            if record.uses > 0 {
                record.anchor = anchor(record)
                inUse[record.anchor, default: []].insert(number)
            }
            records[Int(number)] = record
        }
    }

    /// Where the contributors of a set are best looked for.
    static func anchor(of record: Record, in index: [Anchor: Set<Int32>]) -> Anchor {
        switch record.expression {
        case .members, .namedPort: CompiledSelector.anchor(of: record.selector, in: index)
        case .service(let service), .servicePort(let service, _): .service(service)
        case .nets: .nothing
        }
    }

    /// Descriptions of what is wrong; empty when nothing is.
    func checkInvariants() -> [String] {
        var wrong: [String] = []
        if !touched.isEmpty { wrong.append("sets: changes of use are left over") }
        for (expression, number) in numbers where records[Int(number)]?.expression != expression {
            wrong.append("sets: \(number) is known by another expression")
        }
        if records.count(where: { $0 != nil }) != numbers.count { wrong.append("sets: records and numbers do not mirror") }
        for (index, record) in records.enumerated() {
            guard let record else { continue }
            let number = SetNumber(index)
            if record.uses < 0 { wrong.append("sets: \(number) is used \(record.uses) times") }
            if record.uses > 0, inUse[record.anchor]?.contains(number) != true {
                wrong.append("sets: \(number) is not found at its anchor")
            }
        }
        if inUse.values.reduce(0, { $0 + $1.count }) != records.count(where: { ($0?.uses ?? 0) > 0 }) {
            wrong.append("sets: something is found at an anchor that is not in use")
        }
        return wrong
    }
}

extension CompiledSelector {
    /// The required label that the fewest in the index have.
    static func anchor(
        of selector: CompiledSelector, in index: [AddressSetTable.Anchor: Set<Int32>]
    ) -> AddressSetTable.Anchor {
        selector.requiredLabels.map(AddressSetTable.Anchor.label)
            .min { (index[$0]?.count ?? 0) < (index[$1]?.count ?? 0) } ?? .nothing
    }
}
