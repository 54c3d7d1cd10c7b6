import PolicyAnalysis
import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

/// No rule that packets reach is said to be out of reach, over the whole language.
@Suite("Lint over generated policies") struct LintGeneratedTests {
    @Test func noRuleThatAPacketReachesIsCalledUnreachable() {
        var policies = 0
        var rules = 0
        var reachedRules = 0
        var flagged = 0
        var unexamined = 0
        let generator = CaseGenerator(
            seed: 20_261_201, packetsPerWorld: 400, options: WorldGenerator.Options(policies: 40...60, endpoints: 20...60))
        for example in generator.cases(30 * TestScale.factor) {
            let lint = Lint(world: example.world).findings()
            var dead: [String: LintFinding] = [:]
            for finding in lint where finding.code == .unreachableRule || finding.code == .contradiction {
                dead["\(finding.object) \(finding.path)"] = finding
            }
            flagged += dead.count
            unexamined += lint.filter { $0.code == .notExamined }.count
            policies += example.world.policies.count
            let oracle = PolicyOracle(world: example.world)
            var reached: Set<RuleReference> = []
            for probe in example.probes {
                let trace = oracle.trace(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                for tier in trace.tiers {
                    for policy in tier.policies {
                        for rule in policy.rules where rule.matched {
                            let member = probe.direction == .ingress ? "ingress" : "egress"
                            let object = LintObject(policy.reference)
                            reached.insert(RuleReference(tier: member, policy: policy.reference, index: rule.index))
                            for path in ["spec.\(member)[\(rule.index)]", "spec.selector", "spec.podSelector", "spec.subject"] {
                                if let finding = dead["\(object) \(path)"] {
                                    Issue.record("seed \(example.seed), \(probe): \(finding)")
                                }
                            }
                        }
                    }
                }
            }
            reachedRules += reached.count
            rules += example.world.policies.values.reduce(0) { $0 + $1.ingress.count + $1.egress.count }
        }
        print("\(policies) policies, \(rules) rules, \(reachedRules) reached by packets, \(flagged) unreachable, \(unexamined) not examined")
        // 10,000 policies at a scale of 9.
        #expect(policies >= 1_112 * TestScale.factor)
        #expect(reachedRules > 300 * TestScale.factor)
        #expect(flagged > 30 * TestScale.factor)
        #expect(unexamined * 1000 < rules)
    }
}
