import PolicyModel

/// In which order tiers and policies are asked. Texts are compared by their UTF-8 bytes, as Calico does.
enum OracleOrder {
    /// By order, those without one last; then by name.
    static func sorted(_ tiers: [Tier]) -> [Tier] {
        tiers.sorted { isBefore($0.order, $0.name, $1.order, $1.name) }
    }

    /// By order, those without one last; then by the text `name/namespace/kind`.
    static func sorted(_ policies: [Policy]) -> [Policy] {
        policies.sorted { isBefore($0.order, tieBreaker($0.reference), $1.order, tieBreaker($1.reference)) }
    }

    private static func tieBreaker(_ reference: PolicyReference) -> String {
        "\(reference.name)/\(reference.namespace)/\(reference.kind)"
    }

    private static func isBefore(
        _ leftOrder: Double?, _ leftText: String, _ rightOrder: Double?, _ rightText: String
    ) -> Bool {
        switch (leftOrder, rightOrder) {
        case (let left?, let right?) where left != right: left < right
        case (.some, .none): true
        case (.none, .some): false
        default: leftText.utf8.lexicographicallyPrecedes(rightText.utf8)
        }
    }
}
