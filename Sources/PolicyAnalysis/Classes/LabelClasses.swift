import PolicyModel

/// Pods that are not there yet: for every class of labels that some selector tells apart, one that stands for all of it.
///
/// Selectors look at labels of pods, of namespaces and of service accounts. For each key that a selector mentions there are
/// finitely many values that it tells apart: none, each that is mentioned, and any other. A class is a combination of these in
/// a namespace that is there, or in one that is not. Where that is more than `AnalysisLimits.labelClasses`, combinations of up
/// to two keys stand for all, and `isComplete` is false.
struct LabelClasses {
    /// In the order of their number of labels.
    private(set) var endpoints: [WorkloadEndpoint] = []
    /// The namespaces among these that are in no world.
    private(set) var namespaces: [Namespace] = []
    private(set) var isComplete = true

    init(_ worlds: [PolicyWorld]) {
        var values = LabelValues()
        for world in worlds { values.add(world) }
        let (podLabels, allPods) = Self.combinations(values.ofPods, limit: AnalysisLimits.labelClassesOfPods)
        let (namespaceLabels, allNamespaces) = Self.combinations(values.ofNamespaces, limit: AnalysisLimits.labelClassesOfNamespaces)
        isComplete = allPods && allNamespaces
        var known: [String: Set<String>] = [:]
        for world in worlds {
            for name in world.namespaces.keys { known[name, default: []].formUnion(values.accounts(in: name, world)) }
        }
        for name in values.namespaceNames.sorted() where known[name] == nil {
            namespaces.append(Namespace(name: name, labels: [Namespace.nameLabel: name]))
            known[name] = values.accounts
        }
        for labels in namespaceLabels {
            let name = Self.title(labels)
            guard known[name] == nil else { continue }
            namespaces.append(Namespace(name: name, labels: labels))
            known[name] = values.accounts
        }
        for namespace in known.keys.sorted() {
            for account in (known[namespace] ?? []).sorted() {
                for labels in podLabels {
                    guard endpoints.count < AnalysisLimits.labelClasses else {
                        isComplete = false
                        return
                    }
                    let suffix = account == "default" ? "" : "@\(account)"
                    endpoints.append(WorkloadEndpoint(
                        key: EndpointKey(namespace: namespace, name: Self.title(labels) + suffix), labels: labels,
                        serviceAccount: account))
                }
            }
        }
        endpoints.sort { ($0.labels.count, $0.key) < ($1.labels.count, $1.key) }
    }

    /// `{app=web,tier=front}`.
    private static func title(_ labels: [String: String]) -> String {
        "{" + labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",") + "}"
    }

    /// Every combination of a value, or none, for each key; up to two keys each where that is more than the limit.
    private static func combinations(
        _ values: [String: Set<String>], limit: Int
    ) -> (labels: [[String: String]], areAll: Bool) {
        var count = 1
        for choices in values.values {
            count = min(count * (choices.count + 1), limit + 1)
        }
        let keys = values.keys.sorted()
        var all: [[String: String]] = [[:]]
        if count <= limit {
            for key in keys {
                all += all.flatMap { labels in (values[key] ?? []).sorted().map { labels.merging([key: $0]) { $1 } } }
            }
            return (all, true)
        }
        let singles = keys.flatMap { key in (values[key] ?? []).sorted().map { (key: key, value: $0) } }
        all += singles.prefix(limit - 1).map { [$0.key: $0.value] }
        for (index, first) in singles.enumerated() {
            for second in singles[(index + 1)...] where second.key != first.key {
                guard all.count < limit else { return (all, false) }
                all.append([first.key: first.value, second.key: second.value])
            }
        }
        return (all, false)
    }
}
