import PolicyModel

/// Number of an address set. Internal: given to another expression only when no remembered content mentions it.
typealias SetNumber = Int32

/// Which endpoints a selector speaks of.
enum EndpointScope: Hashable, Sendable {
    case everywhere
    case namespace(String)
    case namespaces(Selector)
    case withoutNamespace

    /// `namespace` is that of the policy; nil for a global one.
    init(namespaceSelector: NamespaceSelector?, namespace: String?) {
        switch namespaceSelector {
        case .global: self = .withoutNamespace
        case .matching(let selector): self = .namespaces(selector)
        case nil: self = namespace.map(EndpointScope.namespace) ?? .everywhere
        }
    }
}

/// What an address set holds, in canonical form: equal expressions are one set.
enum SetExpression: Hashable, Sendable {
    case endpoints(EndpointScope, Selector)
    /// Sorted, of one IP version, none inside another.
    case nets([AddressBlock])

    /// nil when a side of a rule names no endpoints.
    init?(side: EntityRule, namespace: String?) {
        guard side.selector != nil || side.namespaceSelector != nil else { return nil }
        self = .endpoints(
            EndpointScope(namespaceSelector: side.namespaceSelector, namespace: namespace), side.selector ?? .all)
    }

    /// nil when no block is of this version.
    init?(nets: [AddressBlock], version: IPVersion) {
        var kept: [AddressBlock] = []
        for block in nets.filter({ $0.version == version }).sorted() {
            if let last = kept.last, last.contains(block) { continue }
            kept.append(block)
        }
        guard !kept.isEmpty else { return nil }
        self = .nets(kept)
    }
}

/// The address sets that policies mention.
struct AddressSetTable: Sendable {
    struct Record: Sendable {
        var expression: SetExpression
        var scope: CompiledScope
        var selector: CompiledSelector
        /// Stacks in force that ask for peers in this set.
        var uses: Int = 0
    }

    enum CompiledScope: Sendable {
        case everywhere
        case namespace(Int32)
        case namespaces(CompiledSelector)
        case withoutNamespace
    }

    private(set) var records: [Record?] = []
    private var numbers: [SetExpression: SetNumber] = [:]
    private var free: [SetNumber] = []
    /// Sets whose use began or ended since the last `takeChanges`, with whether they were in use before.
    private var touched: [SetNumber: Bool] = [:]
    /// Sets of endpoints in use, by a label that their members must have.
    private var inUseByLabel: [LabelPair: Set<SetNumber>] = [:]
    private var inUseWithoutLabel: Set<SetNumber> = []

    var count: Int { numbers.count }

    mutating func intern(_ expression: SetExpression, texts: inout LabelTexts) -> SetNumber {
        if let known = numbers[expression] { return known }
        let record = Self.compile(expression, texts: &texts)
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

    private static func compile(_ expression: SetExpression, texts: inout LabelTexts) -> Record {
        guard case .endpoints(let scope, let selector) = expression else {
            return Record(expression: expression, scope: .everywhere, selector: .never)
        }
        let compiledScope: CompiledScope =
            switch scope {
            case .everywhere: .everywhere
            case .namespace(let name): .namespace(texts.intern(name))
            case .namespaces(let selector): .namespaces(CompiledSelector(selector, texts: &texts))
            case .withoutNamespace: .withoutNamespace
            }
        return Record(
            expression: expression, scope: compiledScope, selector: CompiledSelector(selector, texts: &texts))
    }

    subscript(_ number: SetNumber) -> Record? { records[Int(number)] }

    mutating func beginUse(_ number: SetNumber) { change(number, by: 1) }

    mutating func endUse(_ number: SetNumber) { change(number, by: -1) }

    private mutating func change(_ number: SetNumber, by amount: Int) {
        guard var record = records[Int(number)] else { return }
        let before = record.uses > 0
        record.uses += amount
        records[Int(number)] = record
        let after = record.uses > 0
        guard before != after else { return }
        if touched[number] == nil { touched[number] = before }
        guard case .endpoints = record.expression else { return }
        index(number, record, inUse: after)
    }

    private mutating func index(_ number: SetNumber, _ record: Record, inUse: Bool) {
        switch (record.selector.requiredLabel, inUse) {
        case (let label?, true): inUseByLabel[label, default: []].insert(number)
        case (let label?, false):
            inUseByLabel[label]?.remove(number)
            if inUseByLabel[label]?.isEmpty == true { inUseByLabel[label] = nil }
        case (nil, true): inUseWithoutLabel.insert(number)
        case (nil, false): inUseWithoutLabel.remove(number)
        }
    }

    /// The sets of endpoints in use that something with these labels may be in, in no order.
    func candidates(_ labels: LabelSet) -> [SetNumber] {
        var result = Array(inUseWithoutLabel)
        for label in labels.pairs { if let found = inUseByLabel[label] { result.append(contentsOf: found) } }
        return result
    }

    /// The sets whose use began or ended since the last call, sorted.
    mutating func takeChanges() -> (begun: [SetNumber], ended: [SetNumber]) {
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
    mutating func rebuild(texts: inout LabelTexts) {
        inUseByLabel = [:]
        inUseWithoutLabel = []
        for (expression, number) in numbers {
            let uses = records[Int(number)]?.uses ?? 0
            var record = Self.compile(expression, texts: &texts)
            record.uses = uses
            records[Int(number)] = record
            if uses > 0, case .endpoints = expression { index(number, record, inUse: true) }
        }
    }
}
