import PolicyModel

/// Labels from a small alphabet, and selectors that are neither always true nor always false.
enum LabelGenerator {
    private typealias Leaf = (key: String, values: [String])

    private static let ownKeys = ["app", "role", "env", "team"]
    private static let values = ["web", "web-1", "we", "db", "db-1", "b", "1", ""]
    private static let namespaceKeys = ["zone", "stage"]
    private static let namespaceValues = ["red", "blue", "re", "prod"]
    private static let accountKeys = ["rank", "team"]
    private static let accountValues = ["low", "high", "lo"]

    /// `claiming`: some say what only their namespace and their service account may say of them.
    static func endpointLabels(claiming: Bool, using random: inout SplitMix64) -> [String: String] {
        var labels: [String: String] = [:]
        for key in ownKeys where random.chance(65) { labels[key] = random.pick(values) }
        // Own labels lose against those that say where the workload runs.
        if random.chance(4) { labels["projectcalico.org/orchestrator"] = random.pick(["own", "podman", "k8s"]) }
        guard claiming else { return labels }
        if random.chance(6) { labels["projectcalico.org/namespace"] = random.pick(["shop", "shop-2", "bank"]) }
        if random.chance(5) { labels["pcns.zone"] = random.pick(namespaceValues) }
        if random.chance(5) { labels["pcsa.rank"] = random.pick(accountValues) }
        if random.chance(5) { labels["projectcalico.org/serviceaccount"] = random.pick(PeerGenerator.accountNames) }
        return labels
    }

    static func namespaceLabels(using random: inout SplitMix64) -> [String: String] {
        labels(namespaceKeys, namespaceValues, using: &random)
    }

    static func accountLabels(using random: inout SplitMix64) -> [String: String] {
        labels(accountKeys, accountValues, using: &random)
    }

    /// Some of an endpoint's own keys, and one that only profiles give.
    static func profileLabels(using random: inout SplitMix64) -> [String: String] {
        var labels = labels(["color"], ["green", "brown"], using: &random)
        if random.chance(50) { labels[random.pick(ownKeys)] = random.pick(values) }
        return labels
    }

    private static func labels(
        _ keys: [String], _ values: [String], using random: inout SplitMix64
    ) -> [String: String] {
        var labels: [String: String] = [:]
        for key in keys where random.chance(70) { labels[key] = random.pick(values) }
        return labels
    }

    /// For endpoints and network sets.
    static func selector(using random: inout SplitMix64) -> Selector {
        tree(depth: 2, using: &random) { random in
            if random.chance(12) {
                return (random.pick(["pcns.zone", "pcns.stage"]), namespaceValues)
            }
            if random.chance(8) { return ("projectcalico.org/namespace", ["shop", "shop-2", "bank"]) }
            if random.chance(5) { return ("projectcalico.org/orchestrator", ["k8s", "podman"]) }
            if random.chance(4) { return ("pcns.projectcalico.org/name", ["shop", "bank", "lab"]) }
            if random.chance(8) {
                return random.pick([
                    ("pcsa.rank", accountValues), ("projectcalico.org/serviceaccount", PeerGenerator.accountNames),
                ])
            }
            if random.chance(6) { return ("color", ["green", "brown"]) }
            return (random.pick(ownKeys + ["ghost"]), values)
        }
    }

    /// Of the peer of a global policy's rule: half of them compare with the endpoint that the policy applies to.
    static func peerSelector(using random: inout SplitMix64) -> Selector {
        guard random.chance(50) else { return selector(using: &random) }
        let comparison =
            random.chance(45)
            ? Selector.sameNamespace : .sameLabel(key: random.pick(ownKeys + ownKeys + ["pcns.zone", "color", "pcsa.rank", "ghost"]))
        switch random.number(0...6) {
        case 0: return .not(comparison)
        case 1: return .and([comparison, selector(using: &random)])
        case 2: return .or([selector(using: &random), comparison])
        case 3: return .and([.sameNamespace, .not(.sameLabel(key: random.pick(ownKeys)))])
        default: return comparison
        }
    }

    /// As Kubernetes writes selectors; its values are those that the API allows.
    static func labelSelector(ofNamespaces: Bool, using random: inout SplitMix64) -> JSONValue {
        let keys = ofNamespaces ? namespaceKeys : ownKeys
        let values = (ofNamespaces ? namespaceValues : Self.values).filter { !$0.isEmpty }.map { JSONValue.string($0) }
        switch random.number(0...4) {
        case 0, 1: return [:]
        case 2: return ["matchLabels": .object([random.pick(keys): random.pick(values)])]
        case 3:
            return [
                "matchExpressions": [
                    [
                        "key": .string(random.pick(keys)), "operator": .string(random.pick(["In", "NotIn"])),
                        "values": .array(random.sample(values, 3)),
                    ]
                ]
            ]
        default:
            return [
                "matchExpressions": [
                    ["key": .string(random.pick(keys)), "operator": .string(random.pick(["Exists", "DoesNotExist"]))]
                ]
            ]
        }
    }

    static func namespaceSelector(using random: inout SplitMix64) -> NamespaceSelector {
        if random.chance(10) { return .global }
        if random.chance(25) { return .matching(.all) }
        if random.chance(5) { return .matching(.or([.global, .equals(key: "zone", value: "red")])) }
        return .matching(
            tree(depth: 1, using: &random) { random in
                random.chance(30)
                    ? ("projectcalico.org/name", ["shop", "shop-2", "bank", "web"])
                    : (random.pick(namespaceKeys + ["ghost"]), namespaceValues)
            })
    }

    /// Over the labels of service accounts.
    static func accountSelector(using random: inout SplitMix64) -> Selector {
        tree(depth: 1, using: &random) { random in
            random.chance(25)
                ? ("projectcalico.org/name", PeerGenerator.accountNames) : (random.pick(accountKeys), accountValues)
        }
    }

    private static func tree(
        depth: Int, using random: inout SplitMix64, leaf: (inout SplitMix64) -> Leaf
    ) -> Selector {
        if depth > 0, random.chance(30) {
            let parts = (0..<random.number(2...3)).map { _ in tree(depth: depth - 1, using: &random, leaf: leaf) }
            switch random.number(0...2) {
            case 0: return .and(Array(parts.prefix(2)))
            case 1: return .or(parts)
            default: return .not(parts[0])
            }
        }
        let (key, values) = leaf(&random)
        let value = random.pick(values)
        switch random.number(0...9) {
        case 0: return .has(key: key)
        case 1, 2: return .equals(key: key, value: value)
        case 3: return .notEquals(key: key, value: value)
        case 4: return .contains(key: key, value: String(value.suffix(2)))
        case 5: return .startsWith(key: key, value: String(value.prefix(2)))
        case 6: return .endsWith(key: key, value: String(value.suffix(1)))
        case 7: return .isIn(key: key, values: Set(random.sample(values, 3)))
        case 8: return .isNotIn(key: key, values: Set(random.sample(values, 2)))
        default: return random.chance(50) ? .all : .not(.has(key: key))
        }
    }
}
