import PolicyModel

/// The fields of a rule's side that speak of who has an address.
/// Calico documentation: "EntityRule", "Understanding notSelector", "Understanding scopes", "ServiceAccountMatch",
/// "ServiceMatch", "Network set", "Global network set"; Felix: `combineMatchesIfPossible`, `getEndpointSelector`.
enum PeerTables {
    static let cases: [OracleCase] = negated + sets + accounts + services

    private static func from(_ source: String) -> PacketTuple { Lab.tcp(source, "10.0.0.2", 80) }
    private static func to(_ destination: String, _ port: UInt16 = 80) -> PacketTuple { Lab.tcp("10.0.0.1", destination, port) }
    private static func allow(from entity: EntityRule) -> PolicyRule { Lab.rule(.allow, from: entity) }
    private static func allow(to entity: EntityRule) -> PolicyRule { Lab.rule(.allow, to: entity) }

    private static let shopWeb = from("10.0.0.1")
    private static let bankWeb = from("10.0.1.1")
    private static let vault = from("10.0.1.2")
    private static let lost = from("10.0.9.1")
    private static let nobody = from("192.0.2.77")
    private static let partner = from("198.51.100.9")
    private static let branch = from("198.51.101.9")
    private static let feed = from("203.0.113.9")

    private static let negated: [OracleCase] = {
        let notWeb = allow(from: Lab.entity(not: "app == 'web'"))
        let notAll = allow(from: Lab.entity(not: "all()"))
        let webNotProd = allow(from: Lab.entity("app == 'web'", not: "env == 'prod'"))
        let otherNotWeb = allow(from: Lab.entity(not: "app == 'web'", namespaces: "zone == 'blue'"))
        let anyNotProd = allow(from: Lab.entity("has(app)", not: "env == 'prod'", namespaces: "all()"))
        let twin = Lab.changing { world in
            let other = Lab.endpoint("shop/twin", ["app": "twin"], ["10.0.0.1"])
            world.endpoints[other.key] = other
        }
        let accountNot = allow(from: Lab.entity(not: "env == 'prod'", accounts: ["clerk"]))
        return [
            RuleCase.global("notSelector leaves out endpoints that match", notWeb, shopWeb, false),
            RuleCase.global("notSelector matches endpoints that do not match", notWeb, vault, true),
            RuleCase.global("notSelector matches traffic from anywhere else, also from unknown addresses", notWeb, nobody, true),
            RuleCase.global("notSelector leaves out network sets that match", allow(from: Lab.entity(not: "kind == 'feed'")), feed, false),
            RuleCase.global("notSelector matches network sets that do not match", notWeb, feed, true),
            RuleCase.global("notSelector all() leaves out everybody who is known", notAll, vault, false),
            RuleCase.global("notSelector all() matches unknown addresses", notAll, nobody, true),
            RuleCase.global("in a GlobalNetworkPolicy notSelector leaves out those of every namespace", notWeb, bankWeb, false),
            RuleCase.shop("in a NetworkPolicy notSelector leaves out those of its own namespace", notWeb, shopWeb, false),
            RuleCase.shop("in a NetworkPolicy notSelector matches nobody of other namespaces", notWeb, bankWeb, false),
            RuleCase.shop("in a NetworkPolicy notSelector matches no unknown address", notWeb, nobody, false),
            RuleCase.shop("beside a selector notSelector takes from those picked: left", webNotProd, Lab.tcp("10.0.0.3", "10.0.0.2", 80), true, world: Lab.changing { $0.endpoints[Lab.key("shop/third")] = Lab.endpoint("shop/third", ["app": "web"], ["10.0.0.3"]) }),
            RuleCase.shop("beside a selector notSelector takes from those picked: taken", webNotProd, shopWeb, false),
            RuleCase.shop("beside a selector notSelector matches no unknown address", webNotProd, nobody, false),
            RuleCase.shop("beside a namespaceSelector notSelector is limited to those namespaces: left", otherNotWeb, vault, true),
            RuleCase.shop("beside a namespaceSelector notSelector is limited to those namespaces: taken", otherNotWeb, bankWeb, false),
            RuleCase.shop("beside a namespaceSelector notSelector matches no unknown address", otherNotWeb, nobody, false),
            RuleCase.shop("beside a namespaceSelector notSelector matches nobody of other namespaces", otherNotWeb, shopWeb, false),
            RuleCase.shop("beside service accounts notSelector takes from those picked", accountNot, shopWeb, false),
            RuleCase.shop("beside service accounts notSelector matches no unknown address", accountNot, nobody, false),
            RuleCase.global("the packet match is negated: one of two claimants matches, left out", notWeb, shopWeb, false, world: twin),
            RuleCase.shop("beside a selector endpoints are filtered: one of two claimants is left", allow(from: Lab.entity("has(app)", not: "app == 'web'")), shopWeb, true, world: twin),
            RuleCase.global("beside a selector all that is left must hold of one claimant", anyNotProd, shopWeb, true, world: twin),
            RuleCase.global("a selector with ! matches known resources only", allow(from: Lab.entity("!has(env)")), nobody, false),
            RuleCase.fromGlobal("notSelector of the destination: unknown", allow(to: Lab.entity(not: "app == 'db'")), to("192.0.2.77"), true),
            RuleCase.fromGlobal("notSelector of the destination: left out", allow(to: Lab.entity(not: "app == 'db'")), to("10.0.0.2"), false),
        ]
    }()

    private static let sets: [OracleCase] = {
        let partners = allow(from: Lab.entity("kind == 'partner'"))
        let feeds = allow(from: Lab.entity("kind == 'feed'"))
        let overlap = Lab.changing { world in
            let set = Lab.set("shop/crowd", ["kind": "crowd"], ["10.0.0.0/30", "192.0.2.0/24"])
            world.networkSets[NamespacedName(namespace: "shop", name: "crowd")] = set
        }
        let renamed = Lab.changing { world in
            let set = Lab.set("shop/tagged", ["pcns.zone": "green"], ["192.0.2.0/24"])
            world.networkSets[NamespacedName(namespace: "shop", name: "tagged")] = set
        }
        return [
            RuleCase.shop("a selector matches the network sets of the policy's namespace", partners, partner, true),
            RuleCase.shop("and not those of another namespace", partners, branch, false),
            RuleCase.shop("nor global ones: selectors speak of the own namespace", feeds, feed, false),
            RuleCase.shop("global() lets a NetworkPolicy refer to global sets", allow(from: Lab.entity("kind == 'feed'", namespaces: "global()")), feed, true),
            RuleCase.shop("global() alone means every global set", allow(from: Lab.entity(namespaces: "global()")), feed, true),
            RuleCase.shop("global() leaves out the sets of namespaces", allow(from: Lab.entity(namespaces: "global()")), partner, false),
            RuleCase.shop("all() as namespaceSelector leaves out global sets", allow(from: Lab.entity(namespaces: "all()")), feed, false),
            RuleCase.shop("all() as namespaceSelector means the sets of every namespace", allow(from: Lab.entity(namespaces: "all()")), branch, true),
            RuleCase.shop("all() || global() means both", allow(from: Lab.entity("has(kind)", namespaces: "all() || global()")), feed, true),
            RuleCase.shop("a namespaceSelector picks sets by the labels of their namespace", allow(from: Lab.entity("kind == 'partner'", namespaces: "zone == 'blue'")), branch, true),
            RuleCase.shop("a namespaceSelector: another namespace's set", allow(from: Lab.entity("kind == 'partner'", namespaces: "zone == 'blue'")), partner, false),
            RuleCase.shop("a negative namespaceSelector also matches global sets", allow(from: Lab.entity(namespaces: "zone != 'blue'")), feed, true),
            RuleCase.global("in a GlobalNetworkPolicy a selector means global sets", feeds, feed, true),
            RuleCase.global("in a GlobalNetworkPolicy a selector means the sets of every namespace", partners, branch, true),
            RuleCase.global("IPv6 blocks of a set", feeds, Lab.tcp("2001:db8:f:1::1", "2001:db8::2", 80), true),
            RuleCase.global("an IPv6 address beside a set's blocks", feeds, Lab.tcp("2001:db8:e::1", "2001:db8::2", 80), false),
            RuleCase.global("the last address of a set's block", feeds, from("203.0.113.255"), true),
            RuleCase.global("one above a set's block", feeds, from("203.0.114.0"), false),
            RuleCase.global("a set's nets do not settle the IP version of a rule", feeds, from("203.0.113.1"), true),
            RuleCase.shop("an address in a set and of an endpoint: the set matches", allow(from: Lab.entity("kind == 'crowd'")), shopWeb, true, world: overlap),
            RuleCase.shop("an address in a set and of an endpoint: the endpoint matches", allow(from: Lab.entity("app == 'web'")), shopWeb, true, world: overlap),
            RuleCase.shop("both conditions must hold of the set or of the endpoint", allow(from: Lab.entity("kind == 'crowd' && app == 'web'")), shopWeb, false, world: overlap),
            RuleCase.shop("a set of a namespace inherits its labels", allow(from: Lab.entity("pcns.zone == 'red'")), partner, true),
            RuleCase.shop("a set's own label wins over the inherited one", allow(from: Lab.entity("pcns.zone == 'green'")), from("192.0.2.1"), true, world: renamed),
            RuleCase.shop("a set of a namespace has projectcalico.org/namespace", allow(from: Lab.entity("projectcalico.org/namespace == 'shop' && has(kind)")), partner, true),
            RuleCase.global("a global set has no projectcalico.org/namespace", allow(from: Lab.entity("has(kind) && !has(projectcalico.org/namespace)")), feed, true),
            RuleCase.global("a set has no orchestrator", allow(from: Lab.entity("has(projectcalico.org/orchestrator)")), feed, false),
            RuleCase.global("all() means sets too", allow(from: Lab.entity("all()")), feed, true),
            RuleCase.fromGlobal("a set as destination", allow(to: Lab.entity("kind == 'feed'")), to("203.0.113.4"), true),
            .towards("shop/db", "a policy's selector does not apply to sets: nothing changes for endpoints", [Lab.networkPolicy("shop/p", selector: "kind == 'partner'", ingress: [Lab.rule(.deny)])], world: Lab.rich, shopWeb, Lab.profile("shop")),
        ]
    }()

    private static let accounts: [OracleCase] = {
        let clerk = allow(from: Lab.entity(accounts: ["clerk"]))
        let ranked = { (selector: String, namespaces: String?) in
            allow(from: Lab.entity(namespaces: namespaces, accountSelector: selector))
        }
        let both = allow(from: Lab.entity(accounts: ["clerk", "robot"], accountSelector: "team == 'front'"))
        let fromDatabase = Lab.tcp("10.0.0.2", "10.0.0.2", 80)
        let gone = Lab.changing { $0.serviceAccounts = [:] }
        let policy = { (selector: String) in
            var policy = Lab.globalPolicy("g", ingress: [Lab.rule(.deny)])
            policy.serviceAccountSelector = Lab.selector(selector)
            return policy
        }
        let low = policy("rank == 'low'")
        let notLow = policy("rank != 'low'")
        let all = policy("all()")
        let named = policy("projectcalico.org/name == 'robot'")
        let toWeb = Lab.tcp("10.0.1.2", "10.0.0.1", 80)
        let toVault = Lab.tcp("10.0.0.1", "10.0.1.2", 80)
        return [
            RuleCase.shop("serviceAccounts.names matches endpoints that run as the account", clerk, shopWeb, true),
            RuleCase.shop("serviceAccounts.names: the policy's own namespace is implied", clerk, bankWeb, false),
            RuleCase.shop("serviceAccounts.names: another account", clerk, fromDatabase, false),
            RuleCase.shop("serviceAccounts.names: any of several", allow(from: Lab.entity(accounts: ["clerk", "robot"])), fromDatabase, true),
            RuleCase.shop("serviceAccounts.names with a namespaceSelector means those namespaces", allow(from: Lab.entity(namespaces: "zone == 'blue'", accounts: ["clerk"])), bankWeb, true),
            RuleCase.shop("serviceAccounts.names with a namespaceSelector: not the own one", allow(from: Lab.entity(namespaces: "zone == 'blue'", accounts: ["clerk"])), shopWeb, false),
            RuleCase.shop("serviceAccounts.names matches no unknown address", clerk, nobody, false),
            RuleCase.shop("serviceAccounts.names matches no network set", clerk, partner, false),
            RuleCase.shop("serviceAccounts.names matches nobody without an account", allow(from: Lab.entity(namespaces: "all()", accounts: ["clerk"])), vault, false),
            RuleCase.shop("serviceAccounts.names asks for the endpoint's word, not for the object", clerk, shopWeb, true, world: gone),
            RuleCase.global("in a GlobalNetworkPolicy names mean every namespace", clerk, bankWeb, true),
            RuleCase.shop("serviceAccounts.selector reads the account's labels", ranked("rank == 'low'", nil), shopWeb, true),
            RuleCase.shop("serviceAccounts.selector: other labels", ranked("rank == 'high'", nil), shopWeb, false),
            RuleCase.shop("serviceAccounts.selector: the policy's own namespace is implied", ranked("rank == 'high'", nil), bankWeb, false),
            RuleCase.shop("serviceAccounts.selector with a namespaceSelector", ranked("rank == 'high'", "all()"), bankWeb, true),
            RuleCase.shop("serviceAccounts.selector does not read the endpoint's labels", ranked("app == 'web'", nil), shopWeb, false),
            RuleCase.shop("serviceAccounts.selector by name", ranked("projectcalico.org/name == 'clerk'", nil), shopWeb, true),
            RuleCase.shop("an account that does not exist has no labels", ranked("has(rank)", nil), shopWeb, false, world: gone),
            RuleCase.shop("!= matches an account without the label", ranked("rank != 'low'", nil), fromDatabase, true),
            RuleCase.global("all() as serviceAccounts.selector matches also without an account, as in Calico", ranked("all()", nil), vault, true),
            RuleCase.shop("names and selector must both match: they do", both, shopWeb, true),
            RuleCase.shop("names and selector must both match: the selector does not", both, fromDatabase, false),
            RuleCase.shop("selector and serviceAccounts must match one endpoint", allow(from: Lab.entity("app == 'web'", accounts: ["robot"])), shopWeb, false),
            RuleCase.global("inherited labels of the account in a selector", allow(from: Lab.entity("pcsa.rank == 'high'")), bankWeb, true),
            RuleCase.global("projectcalico.org/serviceaccount in a selector", allow(from: Lab.entity("projectcalico.org/serviceaccount == 'clerk'")), bankWeb, true),
            .towards("shop/web", "a policy's serviceAccountSelector picks endpoints by their account's labels", [low], world: Lab.rich, toWeb, Decision(.deny, .rule(tier: "default", policy: low.reference, index: 0))),
            .towards("shop/db", "and leaves others alone", [low], world: Lab.rich, shopWeb, Lab.profile("shop")),
            .towards("shop/db", "its != picks an account without the label", [notLow], world: Lab.rich, shopWeb, Decision(.deny, .rule(tier: "default", policy: notLow.reference, index: 0))),
            .towards("bank/vault", "and who has no account", [notLow], world: Lab.rich, toVault, Decision(.deny, .rule(tier: "default", policy: notLow.reference, index: 0))),
            .towards("bank/vault", "all() picks also who has no account", [all], world: Lab.rich, toVault, Decision(.deny, .rule(tier: "default", policy: all.reference, index: 0))),
            .towards("shop/db", "projectcalico.org/name is the account's name", [named], world: Lab.rich, shopWeb, Decision(.deny, .rule(tier: "default", policy: named.reference, index: 0))),
        ]
    }()

    private static let services: [OracleCase] = {
        let db = Lab.rule(.allow, to: Lab.entity(service: "db"))
        let api = Lab.rule(.allow, to: Lab.entity(service: "bank/api"))
        let fromDb = allow(from: Lab.entity(service: "db"))
        let fromApi = allow(from: Lab.entity(service: "bank/api", ports: [1000...2000]))
        let udp = Lab.packet(.udp, "10.0.0.1", "10.0.1.1", 8081)
        return [
            RuleCase.fromShop("services of a destination: an endpoint of the service at its port", db, to("10.0.0.2", 5432), true),
            RuleCase.fromShop("services of a destination: another port", db, to("10.0.0.2", 80), false),
            RuleCase.fromShop("services of a destination: all slices, each with its own ports", db, to("198.51.100.7", 6432), true),
            RuleCase.fromShop("services of a destination: a port of another slice", db, to("198.51.100.7", 5432), false),
            RuleCase.fromShop("services of a destination: another protocol", api, Lab.packet(.udp, "10.0.0.1", "10.0.1.1", 8080), false),
            RuleCase.fromShop("services of a destination: each port with its protocol", api, udp, true),
            RuleCase.fromShop("a service without a namespace is of the policy's own", db, to("10.0.1.2", 5432), false),
            RuleCase.fromShop("a service of another namespace", Lab.rule(.allow, to: Lab.entity(service: "bank/db")), to("10.0.1.2", 5432), true),
            RuleCase.fromShop("a service that does not exist has no endpoints", Lab.rule(.allow, to: Lab.entity(service: "nothing")), to("10.0.0.2", 5432), false),
            RuleCase.fromGlobal("a GlobalNetworkPolicy names the namespace", api, to("10.0.1.2", 8080), true),
            RuleCase.fromShop("an address that is no endpoint of the service", db, to("192.0.2.1", 5432), false),
            RuleCase.shop("services of a source: the address alone", fromDb, from("198.51.100.7"), true),
            RuleCase.shop("services of a source: whatever the protocol", fromDb, Lab.packet(.udp, "198.51.100.7", "10.0.0.2", 9), true),
            RuleCase.shop("services of a source: another address", fromDb, from("198.51.100.8"), false),
            RuleCase.shop("services of a source with ports: both must hold", fromApi, Lab.tcp("10.0.1.1", "10.0.0.2", 80, from: 999), false),
        ]
    }()
}
