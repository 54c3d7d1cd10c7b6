import PolicyEngine
import PolicyModel

/// Policies in the order in which they are asked for one direction, and which of them can concern an endpoint of another.
struct PolicyPlaces {
    struct Entry {
        var policy: Policy
        /// Of `tiers`.
        var tier: Int
        /// The endpoints it applies to.
        var subject: Selector
        /// Labels, by number, that these have one of few values of, by number.
        fileprivate var requirements: [(key: Int, values: [Int])]
        /// nil: of every namespace.
        fileprivate var namespace: String?
    }

    let tiers: [Tier]
    private(set) var entries: [Entry] = []
    private var globalEntries: [Int] = []
    private var entriesByNamespace: [String: [Int]] = [:]

    init(_ world: PolicyWorld, _ direction: Direction) {
        let order = PolicyOracle.order(of: world)
        tiers = order.map(\.tier)
        var numbers: [String: Int] = [:]
        func number(_ text: String) -> Int {
            if let known = numbers[text] { return known }
            numbers[text] = numbers.count
            return numbers.count - 1
        }
        for (tier, content) in order.enumerated() {
            for policy in content.policies where policy.directions.contains(direction) {
                let subject = Self.subject(of: policy)
                let requirements = LabelFormula.requirements(subject).map { key, values in
                    (key: number(key), values: values.map(number))
                }
                if let namespace = policy.namespace {
                    entriesByNamespace[namespace, default: []].append(entries.count)
                } else {
                    globalEntries.append(entries.count)
                }
                entries.append(
                    Entry(policy: policy, tier: tier, subject: subject, requirements: requirements, namespace: policy.namespace))
            }
        }
    }

    /// What the labels of an endpoint meet that a policy applies to.
    static func subject(of policy: Policy) -> Selector {
        var parts = [LabelFormula.isEndpoint]
        if let namespace = policy.namespace {
            parts.append(LabelFormula.inNamespace(namespace))
        } else if let selector = policy.namespaceSelector {
            parts.append(LabelFormula.namespaces(selector))
        }
        if let selector = policy.serviceAccountSelector { parts.append(LabelFormula.serviceAccounts(selector)) }
        parts.append(LabelFormula.selector(policy.selector))
        return LabelFormula.conjunction(parts)
    }

    /// The policies before one of them that may apply to an endpoint that it applies to, in order.
    func before(_ index: Int) -> [Int] {
        let own = entries[index]
        let candidates: [Int]
        if let namespace = own.namespace {
            candidates = Self.merged(globalEntries, entriesByNamespace[namespace] ?? [], before: index)
        } else {
            candidates = Array(0..<index)
        }
        return candidates.filter { mayShareEndpoints($0, index) }
    }

    /// False only where no endpoint can have both policies, by what they ask of single labels.
    func mayShareEndpoints(_ first: Int, _ second: Int) -> Bool {
        let (left, right) = (entries[first], entries[second])
        if let one = left.namespace, let other = right.namespace, one != other { return false }
        return !left.requirements.contains { required in
            right.requirements.contains { $0.key == required.key && !$0.values.contains(where: required.values.contains) }
        }
    }

    /// Both lists are sorted.
    private static func merged(_ left: [Int], _ right: [Int], before end: Int) -> [Int] {
        var result: [Int] = []
        var (first, second) = (0, 0)
        while true {
            let candidates = (first < left.count ? left[first] : .max, second < right.count ? right[second] : .max)
            let next = min(candidates.0, candidates.1)
            if next >= end { return result }
            result.append(next)
            if candidates.0 < candidates.1 { first += 1 } else { second += 1 }
        }
    }
}
