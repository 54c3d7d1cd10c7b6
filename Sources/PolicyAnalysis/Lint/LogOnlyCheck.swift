import PolicyModel

/// Policies that only log, where the end of their tier denies what they log.
enum LogOnlyCheck {
    static func findings(_ order: PolicyPlaces, _ index: Int, _ direction: Direction) -> [LintFinding] {
        let entry = order.entries[index]
        let rules = entry.policy.rules(direction)
        let tier = order.tiers[entry.tier]
        guard !rules.isEmpty, rules.allSatisfy({ $0.action == .log }), tier.defaultAction == .deny else { return [] }
        return [
            LintFinding(
                .logOnly, LintObject(entry.policy.reference), "spec.\(direction.word)",
                "all its rules are Log, which decides nothing: what no other policy of tier \(tier.name) decides is denied at the end of "
                    + "the tier, because this policy applies; add a rule that allows or passes, or put it into a tier with "
                    + "defaultAction Pass")
        ]
    }
}
