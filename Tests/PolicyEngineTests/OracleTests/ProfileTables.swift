import PolicyModel

/// What happens when no tier decides, what Log does, and how a denial looks.
/// Calico documentation: "Profile", "Rule" (actions), "Workload endpoint: profiles", "Label inheritance"; Felix: `InheritIndex`.
enum ProfileTables {
    static let cases: [OracleCase] = profiles + labels + logs + denials

    private static let packet = Lab.tcp("10.0.0.1", "10.0.0.2", 80)

    /// `Lab.rich` with some profiles, which `shop/db` names.
    private static func world(_ names: [String]?, _ profiles: Profile...) -> PolicyWorld {
        Lab.changing { world in
            for profile in profiles { world.profiles[profile.name] = profile }
            world.endpoints[Lab.key("shop/db")]?.profiles = names
        }
    }

    private static func end(_ sentence: String, _ world: PolicyWorld, _ expected: Decision) -> OracleCase {
        end(sentence, world, packet, expected)
    }

    private static func end(
        _ sentence: String, _ world: PolicyWorld, _ packet: PacketTuple, _ expected: Decision
    ) -> OracleCase {
        .towards("shop/db", sentence, [], world: world, packet, expected)
    }

    private static let profiles: [OracleCase] = {
        let open = Profile(name: "open", ingress: [Lab.rule(.allow)], egress: [Lab.rule(.deny)])
        let closed = Profile(name: "closed", ingress: [Lab.rule(.deny)])
        let udp = Profile(name: "udp", ingress: [Lab.rule(.deny, .udp), Lab.rule(.allow, .udp)])
        let passing = Profile(name: "passing", ingress: [Lab.rule(.pass, .tcp), Lab.rule(.deny)])
        let web = Profile(name: "web", ingress: [Lab.rule(.allow, from: Lab.entity("app == 'web'"))])
        let empty = Profile(name: "empty")
        let fromBank = Lab.tcp("10.0.1.1", "10.0.0.2", 80)
        let deny = Lab.networkPolicy("shop/p", selector: "app == 'db'", ingress: [Lab.rule(.deny)])
        let pass = Lab.networkPolicy("shop/p", selector: "app == 'db'", ingress: [Lab.rule(.pass)])
        return [
            end("without a list: the profile of the namespace allows", world(nil), Lab.profile(.allow, "kns.shop", 0)),
            end("an endpoint with a list has exactly these profiles: allowed", world(["open"], open), Lab.profile(.allow, "open", 0)),
            end("an endpoint with a list has exactly these profiles: denied", world(["closed"], closed), Lab.profile(.deny, "closed", 0)),
            end("the rules of the direction are asked", world(["open"], open), Lab.profile(.allow, "open", 0)),
            .from("shop/db", "the rules of the direction are asked: egress", [], world: world(["open"], open), Lab.tcp("10.0.0.2", "10.0.0.1", 80), Lab.profile(.deny, "open", 0)),
            end("profiles are asked in the order of the list", world(["closed", "open"], open, closed), Lab.profile(.deny, "closed", 0)),
            end("profiles are asked in the order of the list: the other way", world(["open", "closed"], open, closed), Lab.profile(.allow, "open", 0)),
            end("a profile in which no rule matches leaves the packet to the next", world(["udp", "open"], udp, open), Lab.profile(.allow, "open", 0)),
            end("rules of a profile are tried in their order", world(["udp"], udp), Lab.packet(.udp, "10.0.0.1", "10.0.0.2", 9), Lab.profile(.deny, "udp", 0)),
            end("Pass in a profile: the next one is asked", world(["passing", "open"], passing, open), Lab.profile(.allow, "open", 0)),
            end("Pass in the last profile: denied", world(["passing"], passing), Lab.noProfile),
            end("no rule of any profile matches: denied", world(["udp", "empty"], udp, empty), Lab.noProfile),
            end("a list without profiles: denied", world([]), Lab.noProfile),
            end("a profile that does not exist denies", world(["missing", "open"], open), Lab.noProfile),
            end("a missing profile after the one that decides does not matter", world(["open", "missing"], open), Lab.profile(.allow, "open", 0)),
            end("a namespace's profile by its name", world(["kns.bank"]), Lab.profile(.allow, "kns.bank", 0)),
            end("the profile of a namespace that does not exist denies", world(["kns.ghost", "open"], open), Lab.noProfile),
            end("the profile of a service account has no rules: the next one is asked", world(["ksa.shop.clerk", "open"], open), Lab.profile(.allow, "open", 0)),
            end("the profile of a service account that does not exist denies", world(["ksa.shop.nobody", "open"], open), Lab.noProfile),
            end("selectors in a profile mean every namespace", world(["web"], web), fromBank, Lab.profile(.allow, "web", 0)),
            end("selectors in a profile: no match", world(["web"], web), Lab.tcp("10.0.1.2", "10.0.0.2", 80), Lab.noProfile),
            .towards("shop/db", "policies take precedence over profiles", [deny], world: world(["open"], open), packet, Decision(.deny, .rule(tier: "default", policy: deny.reference, index: 0))),
            .towards("shop/db", "Pass in the last tier jumps to the first profile", [pass], world: world(["closed", "open"], closed, open), packet, Lab.profile(.deny, "closed", 0)),
            .towards("shop/db", "Pass without profiles: denied", [pass], world: world([]), packet, Lab.noProfile),
        ]
    }()

    private static let labels: [OracleCase] = {
        let open = Profile(name: "open", labels: ["color": "green", "app": "profiled", "size": "s"], ingress: [Lab.rule(.allow)])
        let second = Profile(name: "second", labels: ["color": "brown", "shape": "round"])
        let labelled = world(["open", "second"], open, second)
        let deny = { (selector: String) in Lab.globalPolicy("g", selector: selector, ingress: [Lab.rule(.deny)]) }
        let denied = { (selector: String) in Decision(.deny, .rule(tier: "default", policy: deny(selector).reference, index: 0)) }
        let case_ = { (sentence: String, selector: String, selected: Bool) in
            OracleCase.towards(
                "shop/db", sentence, [deny(selector)], world: labelled, packet,
                selected ? denied(selector) : Lab.profile(.allow, "open", 0))
        }
        let zone = Lab.globalPolicy("g", namespaces: "zone == 'red'", ingress: [Lab.rule(.deny)])
        let notZone = Lab.globalPolicy("g", namespaces: "zone != 'red'", ingress: [Lab.rule(.deny)])
        let everyNamespace = Lab.globalPolicy("g", namespaces: "all()", ingress: [Lab.rule(.deny)])
        let liar = Lab.changing { world in
            world.endpoints[Lab.key("shop/db")]?.labels = ["app": "db", "pcns.zone": "blue", "pcsa.rank": "high"]
        }
        let account = Lab.changing { world in
            world.endpoints[Lab.key("shop/db")]?.labels["projectcalico.org/serviceaccount"] = "clerk"
        }
        return [
            case_("an endpoint inherits the labels that its profile applies", "color == 'green'", true),
            case_("an endpoint inherits from every profile", "shape == 'round'", true),
            case_("of two profiles with one label the first counts", "color == 'brown'", false),
            case_("an endpoint's own label wins over the inherited one", "app == 'db'", true),
            case_("an endpoint's own label wins: the inherited one is not seen", "app == 'profiled'", false),
            case_("an endpoint with a list of profiles inherits nothing from its namespace", "has(pcns.zone)", false),
            case_("it still has its namespace's name", "projectcalico.org/namespace == 'shop'", true),
            case_("it still has its service account's name", "projectcalico.org/serviceaccount == 'robot'", true),
            case_("it inherits nothing from its service account", "has(pcsa.projectcalico.org/name)", false),
            .towards("shop/db", "namespaceSelector reads inherited labels: with a list of profiles there are none", [zone], world: labelled, packet, Lab.profile(.allow, "open", 0)),
            .towards("shop/db", "so they are unequal", [notZone], world: labelled, packet, Decision(.deny, .rule(tier: "default", policy: notZone.reference, index: 0))),
            .towards("shop/db", "all() as namespaceSelector still matches", [everyNamespace], world: labelled, packet, Decision(.deny, .rule(tier: "default", policy: everyNamespace.reference, index: 0))),
            .towards("shop/db", "a list that names the namespace's profile brings its labels", [zone], world: world(["kns.shop"]), packet, Decision(.deny, .rule(tier: "default", policy: zone.reference, index: 0))),
            .towards("shop/db", "a list may name the profile of another namespace", [zone], world: world(["kns.bank"]), packet, Lab.profile(.allow, "kns.bank", 0)),
            .towards("shop/db", "own labels pcns.KEY do not deceive a namespaceSelector", [zone], world: liar, packet, Decision(.deny, .rule(tier: "default", policy: zone.reference, index: 0))),
            .towards("shop/db", "own labels pcsa.KEY are not seen", [deny("has(pcsa.rank)")], world: liar, packet, Lab.profile(.allow, "kns.shop", 0)),
            .towards("shop/db", "an own label projectcalico.org/serviceaccount loses against the account", [deny("projectcalico.org/serviceaccount == 'clerk'")], world: account, packet, Lab.profile(.allow, "kns.shop", 0)),
        ]
    }()

    private static func logged(_ policy: Policy, _ index: Int, tier: String = "default") -> RuleReference {
        RuleReference(tier: tier, policy: policy.reference, index: index)
    }

    private static let logs: [OracleCase] = {
        let log = Lab.rule(.log)
        let allow = Lab.rule(.allow)
        let shop = { (name: String, tier: String, order: Double, rules: [PolicyRule]) in
            Lab.networkPolicy("shop/\(name)", tier: tier, order: order, selector: "app == 'db'", ingress: rules)
        }
        let first = Tier(name: "first", order: 1)
        let simple = shop("p", "default", 1, [log, allow])
        let twice = shop("p", "default", 1, [log, Lab.rule(.log, .udp), log, allow, log])
        let only = shop("only", "default", 1, [log])
        let next = shop("q", "default", 2, [Lab.rule(.deny)])
        let passing = shop("f.p", "first", 1, [log, Lab.rule(.pass)])
        let last = shop("z", "default", 9, [log])
        let both = [first, Lab.defaultTier]
        let profiled = world(["chatty"], Profile(name: "chatty", ingress: [log, Lab.rule(.log, .udp), allow]))
        let silent = world(["chatty"], Profile(name: "chatty", ingress: [log]))
        let pass = shop("p", "default", 1, [log, Lab.rule(.pass)])
        let chatty = RuleReference(tier: "", policy: PolicyReference(kind: "Profile", namespace: "", name: "chatty"), index: 0)
        return [
            .towards("shop/db", "after a Log processing goes on with the next rule", [simple], packet, Decision(.allow, .rule(tier: "default", policy: simple.reference, index: 1), logged: [logged(simple, 0)])),
            .towards("shop/db", "every Log before the deciding rule is met, none that does not match, none after it", [twice], packet, Decision(.allow, .rule(tier: "default", policy: twice.reference, index: 3), logged: [logged(twice, 0), logged(twice, 2)])),
            .towards("shop/db", "a policy that only logs leaves the packet to the next", [only, next], packet, Decision(.deny, .rule(tier: "default", policy: next.reference, index: 0), logged: [logged(only, 0)])),
            .towards("shop/db", "a policy that only logs still makes the tier act", [only], packet, Decision(.deny, .endOfTier(tier: "default", triggers: [only.reference]), logged: [logged(only, 0)])),
            .towards("shop/db", "Logs of several tiers in their order", [passing, simple], tiers: both, packet, Decision(.allow, .rule(tier: "default", policy: simple.reference, index: 1), logged: [logged(passing, 0, tier: "first"), logged(simple, 0)])),
            .towards("shop/db", "policies after the deciding one are not met", [simple, last], packet, Decision(.allow, .rule(tier: "default", policy: simple.reference, index: 1), logged: [logged(simple, 0)])),
            end("Log in a profile", profiled, Decision(.allow, .profile(name: "chatty", index: 2), logged: [chatty])),
            end("a profile that only logs does not decide", silent, Decision(.deny, .noProfile, logged: [chatty])),
            .towards("shop/db", "Logs of tiers come before those of profiles", [pass], world: profiled, packet, Decision(.allow, .profile(name: "chatty", index: 2), logged: [logged(pass, 0), chatty])),
        ]
    }()

    private static let denials: [OracleCase] = {
        let rejecting = Tier(name: "default", order: Tier.defaultOrder, denyAction: .reject)
        let policy = { (action: DenyAction?, rules: [PolicyRule]) in
            var policy = Lab.networkPolicy("shop/p", selector: "app == 'db'", ingress: rules)
            policy.denyAction = action
            return policy
        }
        let deny = [Lab.rule(.deny)]
        let plain = policy(nil, deny)
        let drop = policy(.drop, deny)
        let reject = policy(.reject, deny)
        let rejectEnd = policy(.reject, [])
        let plainEnd = policy(nil, [])
        let allow = policy(.reject, [Lab.rule(.allow)])
        let reason = Reason.rule(tier: "default", policy: plain.reference, index: 0)
        let end = Reason.endOfTier(tier: "default", triggers: [plain.reference])
        let closed = world(["closed"], Profile(name: "closed", ingress: deny))
        return [
            .towards("shop/db", "a denial is silent", [plain], packet, Decision(.deny, reason)),
            .towards("shop/db", "a policy that rejects tells the sender", [reject], packet, Decision(.deny, reason, rejects: true)),
            .towards("shop/db", "a tier that rejects tells the sender", [plain], tiers: [rejecting], packet, Decision(.deny, reason, rejects: true)),
            .towards("shop/db", "a policy's word wins over its tier's", [drop], tiers: [rejecting], packet, Decision(.deny, reason)),
            .towards("shop/db", "the end of a tier denies as the tier says, not as a policy does", [rejectEnd], packet, Decision(.deny, end)),
            .towards("shop/db", "the end of a tier that rejects", [plainEnd], tiers: [rejecting], packet, Decision(.deny, end, rejects: true)),
            .towards("shop/db", "what is allowed is not rejected", [allow], tiers: [rejecting], packet, Decision(.allow, reason)),
            .towards("shop/db", "a profile's denial is silent", [], tiers: [rejecting], world: closed, packet, Lab.profile(.deny, "closed", 0)),
        ]
    }()
}
