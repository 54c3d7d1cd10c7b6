import PolicyModel

extension Lint {
    /// What can be said of an object alone, whatever else there is: of any kind, valid or not.
    ///
    /// What depends on other objects (who is selected, which policies come before) is not looked at.
    public static func findings(alone object: JSONValue, kind: ResourceKind) -> [LintFinding] {
        let name = LintObject(object, kind: kind)
        var findings = Validator.warnings(object, kind: kind).map { LintFinding(.asWritten, name, $0.path, $0.message) }
        if let policy = try? Policy(object: object) {
            // Its rules alone: that a tier ends in Pass takes what its end does out of the question.
            let tier = Tier.builtIn.first { $0.name == policy.tier } ?? Tier(name: policy.tier, order: nil, defaultAction: .pass)
            let world = PolicyWorld(tiers: [tier.name: tier], policies: [policy.reference: policy])
            for direction in Direction.allCases {
                let places = PolicyPlaces(world, direction)
                var shadowed = ShadowedRules(order: places, direction: direction)
                for index in places.entries.indices {
                    findings += shadowed.findings(index) + LogOnlyCheck.findings(places, index, direction)
                }
            }
        }
        return Set(findings).filter { $0.code != .notExamined }.sorted()
    }
}
