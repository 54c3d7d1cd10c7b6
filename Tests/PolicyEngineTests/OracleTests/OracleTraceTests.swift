import PolicyEngine
import PolicyModel
import Testing

/// What the trace tells of the way to a decision.
@Suite struct OracleTraceTests {
    @Test func namesTheFirstConditionThatFailed() {
        let examples: [(PolicyRule, RuleMismatch, String)] = [
            (Lab.rule(.allow, .udp, from: Lab.entity("app == 'x'")), .transport, "protocol"),
            (Lab.rule(.allow, from: Lab.entity(nets: ["::/0"])), .netsOfOtherVersion(.source), "source.nets"),
            (Lab.rule(.allow, from: Lab.entity(nets: ["10.9.0.0/16"])), .nets(.source), "source.nets"),
            (Lab.rule(.allow, from: Lab.entity("app == 'x'")), .selector(.source), "source.selector"),
            (
                Lab.rule(.allow, from: Lab.entity(namespaces: "zone == 'blue'")), .namespaceSelector(.source),
                "source.namespaceSelector"
            ),
            (Lab.rule(.allow, .tcp, from: Lab.entity(ports: [1...2])), .ports(.source), "source.ports"),
            (Lab.rule(.allow, to: Lab.entity("app == 'web'")), .selector(.destination), "destination.selector"),
            (Lab.rule(.allow, .tcp, to: Lab.entity(ports: [81...82])), .ports(.destination), "destination.ports"),
        ]
        let policy = Lab.networkPolicy("shop/p", selector: "app == 'db'", ingress: examples.map(\.0))
        let trace = trace([policy], Lab.tcp("10.0.0.1", "10.0.0.2", 80))
        let rules = trace.tiers.flatMap(\.policies).flatMap(\.rules)
        #expect(rules.map(\.mismatch) == examples.map(\.1))
        #expect(rules.compactMap(\.mismatch?.path) == examples.map(\.2))
        #expect(trace.tiers.map(\.outcome) == [.endOfTier(.deny)])
    }

    @Test func tellsUnknownAddressesAndForeignNamespacesApart() {
        let policy = Lab.networkPolicy("shop/p", ingress: [Lab.rule(.allow, from: Lab.entity("all()"))])
        let unknown = trace([policy], Lab.tcp("10.0.0.99", "10.0.0.2", 80))
        let foreign = trace([policy], Lab.tcp("10.0.1.1", "10.0.0.2", 80))
        #expect(unknown.tiers[0].policies[0].rules[0].mismatch == .noPeer(.source, .selector))
        #expect(foreign.tiers[0].policies[0].rules[0].mismatch == .impliedNamespace(.source, .selector))
    }

    @Test func saysWhyPoliciesDoNotApply() {
        let policies = [
            Lab.networkPolicy("shop/a", types: [.egress]),
            Lab.networkPolicy("bank/b"),
            Lab.globalPolicy("c", namespaces: "zone == 'blue'"),
            Lab.networkPolicy("shop/d", selector: "app == 'web'"),
            Lab.networkPolicy("shop/e", ingress: [Lab.rule(.allow)]),
            Lab.networkPolicy("shop/f", ingress: [Lab.rule(.deny)]),
            Lab.networkPolicy("shop/g", tier: "missing"),
        ]
        let trace = trace(policies, Lab.tcp("10.0.0.1", "10.0.0.2", 80))
        #expect(
            trace.tiers[0].policies.map(\.applicability)
                == [.otherDirection, .otherNamespace, .namespaceSelector, .selector, .applies, .applies])
        #expect(trace.tiers[0].policies.map(\.rules.count) == [0, 0, 0, 0, 1, 0])
        #expect(trace.tiers[0].outcome == .decided)
        #expect(trace.strays == [policies[6].reference])
    }

    @Test func followsPassThroughTheTiers() {
        let passing = Lab.networkPolicy("shop/f.p", tier: "first", ingress: [Lab.rule(.pass)])
        let open = Lab.networkPolicy("shop/o.p", tier: "open", ingress: [])
        let trace = trace(
            [passing, open], Lab.tcp("10.0.0.1", "10.0.0.2", 80),
            tiers: [
                Tier(name: "first", order: 1), Tier(name: "nobody", order: 2),
                Tier(name: "open", order: 3, defaultAction: .pass),
            ])
        #expect(
            trace.tiers.map(\.outcome)
                == [.passed(policy: passing.reference, index: 0), .noPolicyApplies, .endOfTier(.pass)])
        #expect(trace.decision == Lab.profile("shop"))
    }

    private func trace(
        _ policies: [Policy], _ packet: PacketTuple, tiers: [Tier] = [Lab.defaultTier]
    ) -> OracleTrace {
        var world = Lab.world
        for policy in policies { world.policies[policy.reference] = policy }
        for tier in tiers { world.tiers[tier.name] = tier }
        return PolicyOracle(world: world).trace(endpoint: Lab.key("shop/db"), direction: .ingress, packet: packet)
    }
}
