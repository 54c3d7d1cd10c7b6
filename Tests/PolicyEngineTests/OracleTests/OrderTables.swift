import PolicyModel

/// Which policy and tier is asked first, and what happens when none answers.
/// Calico documentation: "Policy tiers", "Network policy: order", "Profile"; Felix: policy resolution.
enum OrderTables {
    static let cases: [OracleCase] = orders + ties + tiers + ends

    private static let allow = Lab.rule(.allow)
    private static let deny = Lab.rule(.deny)
    private static let pass = Lab.rule(.pass)
    private static let packet = Lab.tcp("10.0.0.1", "10.0.0.2", 5432)

    private static func shop(_ name: String, _ rules: [PolicyRule], order: Double? = nil, tier: String = "default") -> Policy {
        Lab.networkPolicy("shop/\(name)", tier: tier, order: order, ingress: rules)
    }

    private static let orders: [OracleCase] = {
        let early = shop("z", [allow], order: 1)
        let late = shop("a", [deny], order: 2)
        let without = shop("a", [deny])
        let negative = shop("z", [deny], order: -1)
        let half = shop("b", [deny], order: 1.5)
        let huge = shop("b", [deny], order: 1e300)
        let two = shop("two", [Lab.rule(.deny, .udp), allow, deny], order: 1)
        let global = Lab.globalPolicy("g", order: 5, ingress: [deny])
        let nothing = shop("n", [Lab.rule(.deny, .udp)], order: 0)
        return [
            .towards("shop/db", "lower order is applied first", [late, early], packet, Lab.by(early, 0)),
            .towards("shop/db", "a policy without order is applied after all with one", [without, early], packet, Lab.by(early, 0)),
            .towards("shop/db", "also after the largest order", [without, huge], packet, Lab.by(huge, 0)),
            .towards("shop/db", "an order may be negative", [early, negative], packet, Lab.by(negative, 0)),
            .towards("shop/db", "an order may be a fraction", [late, half], packet, Lab.by(half, 0)),
            .towards("shop/db", "rules of a policy are tried in their order", [two], packet, Lab.by(two, 1)),
            .towards("shop/db", "global and namespaced policies share one order", [late, global], packet, Lab.by(late, 0)),
            .towards("shop/db", "a policy in which no rule matches leaves the packet to the next", [nothing, late], packet, Lab.by(late, 0)),
        ]
    }()

    private static let ties: [OracleCase] = {
        let a = shop("a", [deny], order: 1)
        let b = shop("b", [allow], order: 1)
        let unorderedA = shop("a", [allow])
        let unorderedB = shop("b", [deny])
        let plain = shop("p", [allow], order: 1)
        let dashed = shop("p-1", [deny], order: 1)
        let dotted = shop("p.1", [deny], order: 1)
        let digit = shop("p1", [deny], order: 1)
        let namedLikeGlobal = shop("p", [deny], order: 1)
        let global = Lab.globalPolicy("p", order: 1, ingress: [allow])
        let upper = shop("p0", [deny], order: 1)
        return [
            .towards("shop/db", "equal orders: by name", [b, a], packet, Lab.by(a, 0)),
            .towards("shop/db", "without orders: by name", [unorderedB, unorderedA], packet, Lab.by(unorderedA, 0)),
            .towards("shop/db", "the text name/namespace/kind is compared: p-1/ comes before p/", [plain, dashed], packet, Lab.by(dashed, 0)),
            .towards("shop/db", "the text name/namespace/kind is compared: p.1/ comes before p/", [plain, dotted], packet, Lab.by(dotted, 0)),
            .towards("shop/db", "the text name/namespace/kind is compared: p/ comes before p1/", [digit, plain], packet, Lab.by(plain, 0)),
            .towards("shop/db", "the text name/namespace/kind is compared: p/ comes before p0/", [upper, plain], packet, Lab.by(plain, 0)),
            .towards("shop/db", "p//GlobalNetworkPolicy comes before p/shop/NetworkPolicy", [namedLikeGlobal, global], packet, Lab.by(global, 0)),
        ]
    }()

    private static let tiers: [OracleCase] = {
        let first = Tier(name: "zeta", order: 1)
        let second = Tier(name: "alpha", order: 2)
        let unordered = Tier(name: "aaa", order: nil)
        let twin = Tier(name: "beta", order: 1)
        let inFirst = shop("z.p", [deny], tier: "zeta")
        let inSecond = shop("a.p", [allow], tier: "alpha")
        let inUnordered = shop("u.p", [deny], tier: "aaa")
        let inTwin = shop("b.p", [allow], tier: "beta")
        let inDefault = shop("p", [deny])
        let allowFirst = shop("z.allow", [allow], tier: "zeta")
        let passFirst = shop("z.pass", [pass, deny], order: 1, tier: "zeta")
        let denyAfterPass = shop("z.zz", [deny], order: 7, tier: "zeta")
        let passDefault = shop("pass", [pass])
        let elsewhere = Lab.networkPolicy("bank/z.p", tier: "zeta", ingress: [deny])
        let egressOnly = Lab.networkPolicy("shop/z.e", tier: "zeta", types: [.egress], egress: [deny])
        let missing = shop("m.p", [deny], order: 0, tier: "missing")
        let three = [first, second, Lab.defaultTier]
        return [
            .towards("shop/db", "tiers by order", [inFirst, inSecond], tiers: three, packet, Lab.by(inFirst, 0)),
            .towards("shop/db", "a tier without order comes last", [inUnordered, inDefault], tiers: [unordered, Lab.defaultTier], packet, Lab.by(inDefault, 0)),
            .towards("shop/db", "tiers of one order by name", [inFirst, inTwin], tiers: [first, twin], packet, Lab.by(inTwin, 0)),
            .towards("shop/db", "Allow in a tier is final: later tiers are not asked", [allowFirst, inDefault], tiers: three, packet, Lab.by(allowFirst, 0)),
            .towards("shop/db", "Pass goes on in the next tier that applies", [passFirst, inDefault], tiers: three, packet, Lab.by(inDefault, 0)),
            .towards("shop/db", "Pass skips the rest of its policy and of its tier", [passFirst, denyAfterPass, inSecond], tiers: three, packet, Lab.by(inSecond, 0)),
            .towards("shop/db", "Pass in the last tier leads to the profile", [passDefault], packet, Lab.profile("shop")),
            .towards("shop/db", "the order of a policy says nothing across tiers", [inSecond, denyAfterPass], tiers: three, packet, Lab.by(denyAfterPass, 0)),
            .towards("shop/db", "a tier whose policies select other endpoints is skipped", [elsewhere, inSecond], tiers: three, packet, Lab.by(inSecond, 0)),
            .towards("shop/db", "a tier whose policies speak of the other direction only is skipped", [egressOnly, inSecond], tiers: three, packet, Lab.by(inSecond, 0)),
            .towards("shop/db", "a policy of a tier that does not exist does not act", [missing], packet, Lab.profile("shop")),
        ]
    }()

    private static let ends: [OracleCase] = {
        let udp = shop("udp", [Lab.rule(.allow, .udp)])
        let empty = shop("empty", [])
        let other = shop("a", [Lab.rule(.allow, .icmp)], order: 3)
        let elsewhere = Lab.networkPolicy("bank/p", ingress: [])
        let passing = Tier(name: "default", order: Tier.defaultOrder, defaultAction: .pass)
        let first = Tier(name: "first", order: 1)
        let passFirst = Tier(name: "first", order: 1, defaultAction: .pass)
        let inFirst = shop("f.p", [Lab.rule(.deny, .udp)], tier: "first")
        let inDefault = shop("p", [allow])
        let both = Lab.networkPolicy("shop/both", types: [.ingress, .egress])
        let noRules = Lab.networkPolicy("shop/e", types: [.egress], ingress: [deny])
        let lost = Lab.tcp("10.0.0.1", "10.0.9.1", 80)
        let global = Lab.globalPolicy("g", ingress: [pass])
        let globalAllow = Lab.globalPolicy("ga", ingress: [allow])
        return [
            .towards("shop/db", "no policy selects the endpoint: the namespace's profile allows", [], packet, Lab.profile("shop")),
            .towards("shop/db", "no rule of the tier matches: its default action, Deny", [udp], packet, Lab.endOfTier(udp)),
            .towards("shop/db", "a policy without rules denies all of its direction", [empty], packet, Lab.endOfTier(empty)),
            .towards("shop/db", "the end of a tier names every policy that selects, in order", [udp, empty, other, elsewhere], packet, Lab.endOfTier(other, empty, udp)),
            .towards("shop/db", "default action Pass goes on to the next tier", [inFirst, inDefault], tiers: [passFirst, Lab.defaultTier], packet, Lab.by(inDefault, 0)),
            .towards("shop/db", "default action Pass in the last tier leads to the profile", [udp], tiers: [passing], packet, Lab.profile("shop")),
            .towards("shop/db", "default action Deny of an early tier is final", [inFirst, inDefault], tiers: [first, Lab.defaultTier], packet, Lab.endOfTier(inFirst, tier: "first")),
            .from("shop/web", "types Ingress and Egress without rules deny both: egress", [both], packet, Lab.endOfTier(both)),
            .towards("shop/db", "types Ingress and Egress without rules deny both: ingress", [both], packet, Lab.endOfTier(both)),
            .from("shop/web", "types Ingress alone leaves egress alone", [udp], packet, Lab.profile("shop")),
            .towards("shop/db", "ingress rules of a policy of type Egress are not asked", [noRules], packet, Lab.profile("shop")),
            .towards("ghost/lost", "no policy and no profile: denied", [], lost, Lab.noProfile),
            .towards("ghost/lost", "Pass without a profile to pass to: denied", [global], lost, Lab.noProfile),
            .towards("ghost/lost", "a policy allows also where the profile is missing", [globalAllow], lost, Lab.by(globalAllow, 0)),
            .towards("shop/nobody", "an endpoint that is not there is denied", [globalAllow], packet, Lab.noProfile),
        ]
    }()
}
