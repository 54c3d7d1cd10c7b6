import PolicyModel

/// What staged policies would have made of a packet.
/// Calico documentation: "Staged network policy", "Staged Kubernetes network policy"; the staged action is that of
/// `spec.stagedAction`.
enum StagedTables {
    static let cases: [OracleCase] = actions + reasons + places

    private static let packet = Lab.tcp("10.0.0.1", "10.0.0.2", 80)
    private static let allow = [Lab.rule(.allow)]
    private static let deny = [Lab.rule(.deny)]

    private static func shop(_ name: String, _ rules: [PolicyRule], order: Double? = 1, tier: String = "default") -> Policy {
        Lab.networkPolicy("shop/\(name)", tier: tier, order: order, selector: "app == 'db'", ingress: rules)
    }

    private static func stage(_ action: StagedPolicy.Action, _ policy: Policy) -> StagedPolicy {
        StagedPolicy(reference: reference(policy.reference.name), action: action, policy: policy)
    }

    private static func reference(_ name: String) -> PolicyReference {
        PolicyReference(kind: "StagedNetworkPolicy", namespace: "shop", name: name)
    }

    private static func enforced(_ name: String) -> PolicyReference {
        PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: name)
    }

    private static func case_(
        _ sentence: String, _ policies: [Policy], _ staged: [StagedPolicy], tiers: [Tier] = [Lab.defaultTier],
        world: PolicyWorld = Lab.world, _ expected: Decision
    ) -> OracleCase {
        let world = Lab.changing(world) { world in for policy in staged { world.staged[policy.reference] = policy } }
        return .towards("shop/db", sentence, policies, tiers: tiers, world: world, packet, expected)
    }

    private static func rule(_ reference: PolicyReference, _ index: Int, tier: String = "default") -> Reason {
        .rule(tier: tier, policy: reference, index: index)
    }

    private static func end(_ references: PolicyReference...) -> Reason { .endOfTier(tier: "default", triggers: references) }

    private static let profile = Reason.profile(name: "kns.shop", index: 0)

    private static let actions: [OracleCase] = {
        let old = shop("p", allow)
        let other = shop("q", deny, order: 2)
        let byOld = rule(enforced("p"), 0)
        return [
            case_("no staged policy: nothing is pending", [old], [], Decision(.allow, byOld)),
            case_("Set of a new policy that denies", [], [stage(.set, shop("n", deny))], Decision(.allow, profile, pending: .init(.deny, rule(reference("n"), 0)))),
            case_("a staged policy changes no verdict", [old], [stage(.set, shop("a", deny, order: 0))], Decision(.allow, byOld, pending: .init(.deny, rule(reference("a"), 0)))),
            case_("Set replaces the enforced policy of that name: its rules are gone", [old], [stage(.set, shop("p", deny))], Decision(.allow, byOld, pending: .init(.deny, rule(reference("p"), 0)))),
            case_("Set replaces with rules that do not match", [old], [stage(.set, shop("p", [Lab.rule(.allow, .udp)]))], Decision(.allow, byOld, pending: .init(.deny, end(reference("p"))))),
            case_("Set leaves policies of other names in place", [old, other], [stage(.set, shop("p", [Lab.rule(.allow, .udp)]))], Decision(.allow, byOld, pending: .init(.deny, rule(enforced("q"), 0)))),
            case_("Delete: the enforced policy is not there", [old], [stage(.delete, shop("p", []))], Decision(.allow, byOld, pending: .init(.allow, profile))),
            case_("Delete: the next policy decides", [old, other], [stage(.delete, shop("p", []))], Decision(.allow, byOld, pending: .init(.deny, rule(enforced("q"), 0)))),
            case_("Delete of the only policy that selects: the tier does not act", [shop("p", [])], [stage(.delete, shop("p", []))], Decision(.deny, end(enforced("p")), pending: .init(.allow, profile))),
            case_("Delete of a policy that is not there changes nothing", [old], [stage(.delete, shop("x", []))], Decision(.allow, byOld)),
            case_("rules of a staged Delete are not asked", [old], [stage(.delete, shop("p", deny))], Decision(.allow, byOld, pending: .init(.allow, profile))),
            case_("Learn is staged like Set", [old], [stage(.learn, shop("p", deny))], Decision(.allow, byOld, pending: .init(.deny, rule(reference("p"), 0)))),
            case_("Ignore is skipped", [old], [stage(.ignore, shop("p", deny))], Decision(.allow, byOld)),
            case_("Ignore is skipped beside others", [old], [stage(.ignore, shop("p", deny)), stage(.set, shop("b", deny, order: 2))], Decision(.allow, byOld)),
        ]
    }()

    private static let reasons: [OracleCase] = {
        let old = shop("p", deny)
        let byOld = rule(enforced("p"), 0)
        let late = shop("z", allow, order: 9)
        let logging = shop("p", [Lab.rule(.log), Lab.rule(.deny)])
        let logged = RuleReference(tier: "default", policy: enforced("p"), index: 0)
        var rejecting = shop("p", deny)
        rejecting.denyAction = .reject
        let notApplied = Lab.networkPolicy("shop/n", selector: "app == 'web'", ingress: deny)
        let closed = Lab.changing { world in
            world.profiles["closed"] = Profile(name: "closed", ingress: deny)
            world.endpoints[Lab.key("shop/db")]?.profiles = ["closed"]
        }
        return [
            case_("a verdict of equal worth for another reason is pending", [old], [stage(.set, shop("p", deny))], Decision(.deny, byOld, pending: .init(.deny, rule(reference("p"), 0)))),
            case_("the same verdict for the same reason: nothing is pending", [old], [stage(.set, late)], Decision(.deny, byOld)),
            case_("a staged policy that does not select changes nothing", [old], [stage(.set, notApplied)], Decision(.deny, byOld)),
            case_("the end of a tier names staged policies among its triggers, in order", [shop("a", [], order: 1), shop("c", [], order: 3)], [stage(.set, shop("b", [], order: 2))], Decision(.deny, end(enforced("a"), enforced("c")), pending: .init(.deny, end(enforced("a"), reference("b"), enforced("c"))))),
            case_("what is logged is what the enforced world logs", [logging], [stage(.set, shop("p", [Lab.rule(.log), Lab.rule(.log), Lab.rule(.allow)]))], Decision(.deny, rule(enforced("p"), 1), pending: .init(.allow, rule(reference("p"), 2)), logged: [logged])),
            case_("a staged rejection rejects nothing", [old], [stage(.set, rejecting)], Decision(.deny, byOld, pending: .init(.deny, rule(reference("p"), 0)))),
            case_("an enforced rejection stays", [rejecting], [stage(.delete, shop("p", []))], Decision(.deny, byOld, pending: .init(.allow, profile), rejects: true)),
            case_("a profile may be the pending reason", [old], [stage(.delete, shop("p", []))], world: closed, Decision(.deny, byOld, pending: .init(.deny, .profile(name: "closed", index: 0)))),
        ]
    }()

    private static let places: [OracleCase] = {
        let first = Tier(name: "first", order: 1)
        let both = [first, Lab.defaultTier]
        let old = shop("m", deny)
        let byOld = rule(enforced("m"), 0)
        let passing = shop("f.p", [Lab.rule(.pass)], tier: "first")
        let global = Lab.globalPolicy("g", order: 1, selector: "app == 'db'", ingress: allow)
        let stagedGlobal = StagedPolicy(
            reference: PolicyReference(kind: "StagedGlobalNetworkPolicy", namespace: "", name: "g"), action: .set,
            policy: Lab.globalPolicy("g", order: 1, selector: "app == 'db'", ingress: deny))
        var kubernetes = shop("knp.default.b", allow, order: 1000)
        let stagedKubernetes = StagedPolicy(
            reference: PolicyReference(kind: "StagedKubernetesNetworkPolicy", namespace: "shop", name: "b"), action: .set,
            policy: kubernetes)
        kubernetes.ingress = deny
        return [
            case_("a staged policy takes its place by its own order", [old], [stage(.set, shop("z", allow, order: 0))], Decision(.deny, byOld, pending: .init(.allow, rule(reference("z"), 0)))),
            case_("an edit of the order alone", [old, shop("n", allow, order: 2)], [stage(.set, shop("n", allow, order: 0))], Decision(.deny, byOld, pending: .init(.allow, rule(reference("n"), 0)))),
            case_("ties are broken by the name that would be enforced: before", [old], [stage(.set, shop("a", allow))], Decision(.deny, byOld, pending: .init(.allow, rule(reference("a"), 0)))),
            case_("ties are broken by the name that would be enforced: after", [old], [stage(.set, shop("z", allow))], Decision(.deny, byOld)),
            case_("an edit may move a policy to another tier", [shop("f.m", deny)], [stage(.set, shop("f.m", allow, tier: "first"))], tiers: both, Decision(.deny, rule(enforced("f.m"), 0), pending: .init(.allow, rule(reference("f.m"), 0, tier: "first")))),
            case_("a staged policy makes its tier act", [old], [stage(.set, shop("f.p", [], tier: "first"))], tiers: both, Decision(.deny, byOld, pending: .init(.deny, .endOfTier(tier: "first", triggers: [reference("f.p")])))),
            case_("a staged policy may pass as the enforced one does", [passing, old], [stage(.set, shop("f.p", [Lab.rule(.pass)], tier: "first"))], tiers: both, Decision(.deny, byOld)),
            case_("a staged policy whose tier does not exist does not act", [old], [stage(.set, shop("g.p", allow, order: 0, tier: "gone"))], Decision(.deny, byOld)),
            case_("an edit into a tier that does not exist takes the policy away", [old], [stage(.set, shop("m", allow, tier: "gone"))], Decision(.deny, byOld, pending: .init(.allow, profile))),
            case_("a StagedGlobalNetworkPolicy stands for a GlobalNetworkPolicy", [global], [stagedGlobal], Decision(.allow, rule(PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "g"), 0), pending: .init(.deny, rule(PolicyReference(kind: "StagedGlobalNetworkPolicy", namespace: "", name: "g"), 0)))),
            case_("a StagedKubernetesNetworkPolicy stands for a Kubernetes NetworkPolicy", [kubernetes], [stagedKubernetes], Decision(.deny, rule(enforced("knp.default.b"), 0), pending: .init(.allow, rule(PolicyReference(kind: "StagedKubernetesNetworkPolicy", namespace: "shop", name: "b"), 0)))),
            case_("staged and enforced policies of other names stand side by side", [old], [stage(.set, shop("b", allow, order: 0)), stage(.delete, shop("m", []))], Decision(.deny, byOld, pending: .init(.allow, rule(reference("b"), 0)))),
        ]
    }()
}
