import PolicyModel

/// Sentences of policy.networking.k8s.io: v1alpha2 ClusterNetworkPolicy, v1alpha1 AdminNetworkPolicy and
/// BaselineAdminNetworkPolicy, and of the tiers of Calico 3.32.
enum ClusterPolicyTables {
    static let cases: [OracleCase] = tiers + order + subjects + peers + ports + closed + older

    private static func policy(
        _ name: String, _ kind: ResourceKind = Kinds.clusterNetworkPolicy, tier: String? = "Admin", priority: Int64? = 10,
        subject: JSONValue = ["namespaces": [:]], ingress: JSONValue = [], egress: JSONValue = []
    ) -> Policy {
        var spec: JSONValue = ["subject": subject, "ingress": ingress, "egress": egress]
        if kind.version == "v1alpha2" { spec["tier"] = tier.map { .string($0) } }
        spec["priority"] = priority.map { .integer($0) }
        do {
            return try Policy(
                object: [
                    "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind), "metadata": ["name": .string(name)],
                    "spec": spec,
                ])
        } catch { fatalError("policy in a table: \(name): \(error)") }
    }

    private static let everybody: JSONValue = [["namespaces": [:]]]

    /// A rule about everybody in the cluster.
    private static func all(_ action: String) -> JSONValue { [["action": .string(action), "from": everybody]] }

    private static func baseline(_ name: String, priority: Int64 = 10, _ ingress: JSONValue) -> Policy {
        policy(name, tier: "Baseline", priority: priority, ingress: ingress)
    }

    private static func kubernetes(_ name: String, allows: Bool) -> Policy {
        Lab.networkPolicy("shop/knp.default.\(name)", order: 1000, ingress: allows ? [Lab.rule(.allow)] : [])
    }

    private static func decided(_ verdict: Verdict, _ policy: Policy, _ index: Int = 0) -> Decision {
        Decision(verdict, .rule(tier: policy.tier, policy: policy.reference, index: index))
    }

    private static func at(
        _ sentence: String, _ policies: [Policy], world: PolicyWorld = Lab.world, _ expected: Decision
    ) -> OracleCase { at(sentence, policies, world: world, packet, expected) }

    private static func at(
        _ sentence: String, _ policies: [Policy], world: PolicyWorld = Lab.world, _ packet: PacketTuple,
        _ expected: Decision
    ) -> OracleCase {
        .towards("shop/db", sentence, policies, tiers: Tier.builtIn, world: world, packet, expected)
    }

    private static func sent(
        _ sentence: String, _ policies: [Policy], world: PolicyWorld = Lab.world, _ packet: PacketTuple, _ expected: Decision
    ) -> OracleCase {
        .from("shop/web", sentence, policies, tiers: Tier.builtIn, world: world, packet, expected)
    }

    private static let packet = Lab.tcp("10.0.0.1", "10.0.0.2", 80)
    private static let fromBank = Lab.tcp("10.0.1.1", "10.0.0.2", 80)
    private static let undecided = Lab.profile("shop")

    private static let tiers: [OracleCase] = {
        let accept = policy("accept", ingress: all("Accept"))
        let deny = policy("deny", ingress: all("Deny"))
        let pass = policy("pass", priority: 1, ingress: all("Pass"))
        let (open, closed) = (kubernetes("open", allows: true), kubernetes("closed", allows: false))
        let (last, lastAccept) = (baseline("last", all("Deny")), baseline("last", all("Accept")))
        let before = Lab.globalPolicy("before", tier: "early", ingress: [Lab.rule(.deny)])
        let early = OracleCase.towards(
            "shop/db", "the tier kube-admin has the order 1000: a lower one comes first", [accept, before],
            tiers: Tier.builtIn + [Tier(name: "early", order: 999)], packet, decided(.deny, before))
        let late = OracleCase.towards(
            "shop/db", "and a higher one after", [accept, before], tiers: Tier.builtIn + [Tier(name: "early", order: 1001)], packet,
            decided(.allow, accept))
        return [
            at("the Admin tier takes precedence over all other policies: Accept", [accept, closed], decided(.allow, accept)),
            at("the Admin tier takes precedence over all other policies: Deny", [deny, open], decided(.deny, deny)),
            at("if Admin has made a final decision, no further evaluation is done", [accept, last], decided(.allow, accept)),
            at("Pass skips all further rules of the tier and goes on with the next", [pass, deny, open], decided(.allow, open)),
            at("Pass, and the NetworkPolicy denies", [pass, accept, closed], Decision(.deny, .endOfTier(tier: "default", triggers: [closed.reference]))),
            at("Pass, no NetworkPolicy, and Baseline decides", [pass, accept, last], decided(.deny, last)),
            at("Pass and nothing else: all pods can communicate", [pass], undecided),
            at("NetworkPolicy always makes a final decision for selected pods: denied in spite of Baseline", [closed, lastAccept], Decision(.deny, .endOfTier(tier: "default", triggers: [closed.reference]))),
            at("NetworkPolicy overrides Baseline", [open, last], decided(.allow, open)),
            at("further evaluation happens for pods that no NetworkPolicy selects: Deny", [last], decided(.deny, last)),
            at("further evaluation happens for pods that no NetworkPolicy selects: Accept", [lastAccept], decided(.allow, lastAccept)),
            at("Pass in Baseline leaves the default: all pods can communicate", [baseline("last", all("Pass"))], undecided),
            at("without a rule that matches an Admin policy decides nothing", [policy("bank", ingress: [["action": "Accept", "from": [["namespaces": ["matchLabels": ["zone": "blue"]]]]]])], undecided),
            at("without a rule that matches a Baseline policy decides nothing", [baseline("bank", [["action": "Accept", "from": [["namespaces": ["matchLabels": ["zone": "blue"]]]]]])], undecided),
            early, late,
        ]
    }()

    private static let order: [OracleCase] = {
        let first = policy("z", priority: 0, ingress: all("Accept"))
        let second = policy("a", priority: 1, ingress: all("Deny"))
        let last = policy("a", priority: 1000, ingress: all("Deny"))
        let tied = policy("b", priority: 1, ingress: all("Accept"))
        let two: JSONValue = [
            ["action": "Pass", "from": [["pods": ["podSelector": ["matchLabels": ["app": "web"]]]]], "protocols": [["udp": ["destinationPort": ["number": 80]]]]],
            ["name": "two", "action": "Accept", "from": [["namespaces": ["matchLabels": ["zone": "blue"]]], ["namespaces": ["matchLabels": ["zone": "red"]]]]],
            ["action": "Deny", "from": everybody],
        ]
        let several = policy("several", ingress: two)
        let silent = policy("silent", egress: [["action": "Deny", "to": everybody]])
        let namesake = policy("b", Kinds.adminNetworkPolicy, priority: 1, ingress: [["action": "Deny", "from": everybody]])
        let global = Lab.globalPolicy("b", tier: "kube-admin", order: 1, ingress: [Lab.rule(.deny)])
        return [
            at("policies with lower priority values have higher precedence", [second, first], decided(.allow, first)),
            at("priority 1000 comes last", [first, last], decided(.allow, first)),
            at("1 before 1000", [last, tied], decided(.allow, tied)),
            at("of equal priorities the first by name", [tied, second], decided(.deny, second)),
            at("of equal names an AdminNetworkPolicy comes first", [tied, namesake], decided(.deny, namesake)),
            at("of equal names a GlobalNetworkPolicy comes first", [tied, global], decided(.deny, global)),
            at("rules in the order in which they are written: the first that matches", [several], decided(.allow, several, 1)),
            at("rules in the order in which they are written: another peer of it", [several], fromBank, decided(.allow, several, 1)),
            at("rules in the order in which they are written: the last", [several], Lab.tcp("10.0.9.1", "10.0.0.2", 80), decided(.deny, several, 2)),
            at("a policy without ingress rules does not affect ingress traffic", [silent], undecided),
            sent("a policy without egress rules does not affect egress traffic", [policy("silent", ingress: all("Deny"))], packet, undecided),
            sent("and its egress rules do", [silent], packet, decided(.deny, silent)),
        ]
    }()

    private static let subjects: [OracleCase] = {
        let red = policy("red", subject: ["namespaces": ["matchLabels": ["zone": "red"]]], ingress: all("Deny"))
        let blue = policy("blue", subject: ["namespaces": ["matchLabels": ["zone": "blue"]]], ingress: all("Deny"))
        let pods = policy("pods", subject: ["pods": ["namespaceSelector": ["matchLabels": ["zone": "red"]], "podSelector": ["matchLabels": ["app": "db"]]]], ingress: all("Deny"))
        let others = policy("pods", subject: ["pods": ["namespaceSelector": [:], "podSelector": ["matchLabels": ["app": "web"]]]], ingress: all("Deny"))
        let elsewhere = policy("pods", subject: ["pods": ["namespaceSelector": ["matchLabels": ["zone": "blue"]], "podSelector": [:]]], ingress: all("Deny"))
        let everyPod = policy("pods", subject: ["pods": ["podSelector": [:]]], ingress: all("Deny"))
        let podman = Lab.adding(Lab.endpoint("shop/db", ["app": "db"], ["10.0.0.2"], orchestrator: "podman"))
        return [
            at("namespaces select all their pods", [red], decided(.deny, red)),
            at("and none of others", [blue], undecided),
            at("pods select by namespace and pod: both hold", [pods], decided(.deny, pods)),
            at("pods select by namespace and pod: the pod does not", [others], undecided),
            at("pods select by namespace and pod: the namespace does not", [elsewhere], undecided),
            at("an absent namespaceSelector is all namespaces", [everyPod], decided(.deny, everyPod)),
            at("a subject is a pod: no workload of another orchestrator", [everyPod], world: podman, undecided),
        ]
    }()

    private static let peers: [OracleCase] = {
        let pods = policy("pods", ingress: [["action": "Deny", "from": [["pods": ["namespaceSelector": ["matchLabels": ["zone": "blue"]], "podSelector": ["matchLabels": ["app": "web"]]]]]]])
        let networks = policy("nets", egress: [["action": "Deny", "to": [["networks": ["10.0.0.0/24", "203.0.113.0/24", "2001:db8:f::/48"]]]]])
        let all4 = policy("four", egress: [["action": "Deny", "to": [["networks": ["0.0.0.0/0"]]]]])
        let podman = Lab.adding(Lab.endpoint("bank/web", ["app": "web"], ["10.0.1.1"], orchestrator: "podman"))
        return [
            at("pods of namespaces: both hold", [pods], fromBank, decided(.deny, pods)),
            at("pods of namespaces: the pod does not", [pods], Lab.tcp("10.0.1.2", "10.0.0.2", 80), undecided),
            at("pods of namespaces: the namespace does not", [pods], undecided),
            at("a peer is a pod: no workload of another orchestrator", [pods], world: podman, fromBank, undecided),
            at("namespaces mean pods: nobody outside the cluster", [policy("in", ingress: all("Deny"))], Lab.tcp("203.0.113.9", "10.0.0.2", 80), undecided),
            sent("networks: outside the cluster", [networks], Lab.tcp("10.0.0.1", "203.0.113.9", 80), decided(.deny, networks)),
            sent("networks: the second block's neighbour", [networks], Lab.tcp("10.0.0.1", "203.0.114.0", 80), undecided),
            sent("networks: traffic within the cluster is checked as well", [networks], packet, decided(.deny, networks)),
            sent("networks: IPv6", [networks], Lab.tcp("2001:db8::1", "2001:db8:f::9", 80), decided(.deny, networks)),
            sent("networks: 0.0.0.0/0 is IPv4", [all4], Lab.tcp("10.0.0.1", "192.0.2.1", 80), decided(.deny, all4)),
            sent("networks: 0.0.0.0/0 matches ICMP", [all4], Lab.packet(.icmp, "10.0.0.1", "192.0.2.1", 8 << 8), decided(.deny, all4)),
            sent("networks: 0.0.0.0/0 is not IPv6", [all4], Lab.tcp("2001:db8::1", "2001:db8::2", 80), undecided),
        ]
    }()

    private static let ports: [OracleCase] = {
        func rule(_ protocols: JSONValue) -> Policy {
            policy("ports", ingress: [["action": "Deny", "from": everybody, "protocols": protocols]])
        }
        let number = rule([["tcp": ["destinationPort": ["number": 80]]]])
        let range = rule([["sctp": ["destinationPort": ["range": ["start": 80, "end": 90]]]], ["udp": ["destinationPort": ["number": 53]]]])
        let named = rule([["destinationNamedPort": "data"]])
        let world = Lab.adding(
            Lab.endpoint(
                "shop/db", ["app": "db"], ["10.0.0.2"],
                ports: [NamedPort(name: "data", transport: .tcp, port: 5432), NamedPort(name: "data", transport: .udp, port: 99)]))
        let to = { (transport: TransportProtocol, port: UInt16) in Lab.packet(transport, "10.0.0.1", "10.0.0.2", port) }
        return [
            at("tcp: the port", [number], decided(.deny, number)),
            at("tcp: another port", [number], to(.tcp, 81), undecided),
            at("tcp: another protocol", [number], to(.udp, 80), undecided),
            at("protocols are not asked of others: ICMP", [number], to(.icmp, 80), undecided),
            at("unless protocols are absent", [policy("any", ingress: all("Deny"))], to(.icmp, 80), decided(.deny, policy("any", ingress: all("Deny")))),
            at("a range: its start", [range], to(.sctp, 80), decided(.deny, range)),
            at("a range: its end", [range], to(.sctp, 90), decided(.deny, range)),
            at("a range: above", [range], to(.sctp, 91), undecided),
            at("several protocols: any of them", [range], to(.udp, 53), decided(.deny, range)),
            at("several protocols: the port of one is not that of another", [range], to(.udp, 80), undecided),
            at("a named port of TCP", [named], world: world, to(.tcp, 5432), decided(.deny, named)),
            at("a named port of UDP", [named], world: world, to(.udp, 99), decided(.deny, named)),
            at("a named port: of the other protocol", [named], world: world, to(.udp, 5432), undecided),
            at("a named port: nobody has it", [named], to(.tcp, 5432), undecided),
        ]
    }()

    /// An element that has none of the members that are known is of a kind that only a later release knows.
    private static let closed: [OracleCase] = {
        func unknown(_ action: String, _ rule: JSONValue = ["from": [["later": [:]]]]) -> Policy {
            var rule = rule
            rule["action"] = .string(action)
            return policy("later", ingress: [rule])
        }
        let outside = Lab.tcp("203.0.113.9", "10.0.0.2", 80)
        let nodes = policy("nodes", egress: [["action": "Accept", "to": [["nodes": [:]]]], ["action": "Deny", "to": [["networks": ["0.0.0.0/0"]]]]])
        let port: JSONValue = ["from": everybody, "protocols": [["dccp": [:]]]]
        let inner: JSONValue = ["from": everybody, "protocols": [["tcp": ["destinationPort": ["later": 1]]]]]
        return [
            at("fail closed, Accept: the rule matches no traffic", [unknown("Accept")], undecided),
            at("fail closed, Deny: the rule is a Deny all", [unknown("Deny")], outside, decided(.deny, unknown("Deny"))),
            at("fail closed, Pass: the rule is a Deny all", [unknown("Pass")], outside, decided(.deny, unknown("Pass"))),
            at("beside a peer that is known, Accept", [unknown("Accept", ["from": [["namespaces": [:]], [:]]])], undecided),
            at("beside a peer that is known, Pass", [unknown("Pass", ["from": [["namespaces": [:]], [:]]])], outside, decided(.deny, unknown("Pass"))),
            at("a protocol that is not known, Accept", [unknown("Accept", port)], undecided),
            at("a protocol that is not known, Deny", [unknown("Deny", port)], outside, decided(.deny, unknown("Deny"))),
            at("a port that is not known, Accept", [unknown("Accept", inner)], undecided),
            at("a port that is not known, Pass", [unknown("Pass", inner)], outside, decided(.deny, unknown("Pass"))),
            sent("nodes are not known: an Accept of them matches nothing", [nodes], Lab.tcp("10.0.0.1", "192.0.2.1", 80), decided(.deny, nodes, 1)),
        ]
    }()

    private static let older: [OracleCase] = {
        func admin(_ rule: JSONValue, priority: Int64 = 5) -> Policy {
            policy("old", Kinds.adminNetworkPolicy, priority: priority, ingress: [rule])
        }
        func lastResort(_ action: String) -> Policy {
            policy("default", Kinds.baselineAdminNetworkPolicy, priority: nil, ingress: [["action": .string(action), "from": everybody]])
        }
        let allow = admin(["action": "Allow", "from": everybody])
        let deny = admin(["action": "Deny", "from": everybody])
        let pass = admin(["action": "Pass", "from": everybody])
        let number = admin(["action": "Deny", "from": everybody, "ports": [["portNumber": ["port": 80]]]])
        let range = admin(["action": "Deny", "from": everybody, "ports": [["portRange": ["protocol": "UDP", "start": 80, "end": 81]]]])
        let named = admin(["action": "Deny", "from": everybody, "ports": [["namedPort": "sql"]]])
        let failing = admin(["action": "Pass", "from": everybody, "ports": [["later": 1]]])
        let to = { (transport: TransportProtocol, port: UInt16) in Lab.packet(transport, "10.0.0.1", "10.0.0.2", port) }
        let (open, closed) = (kubernetes("open", allows: true), kubernetes("closed", allows: false))
        let newer = baseline("zz", priority: 999, all("Accept"))
        return [
            at("Allow: even if it would be denied by NetworkPolicy", [allow, closed], decided(.allow, allow)),
            at("Deny: even if it would be allowed by NetworkPolicy", [deny, open], decided(.deny, deny)),
            at("Pass: to NetworkPolicies that select the pod", [pass, open, lastResort("Deny")], decided(.allow, open)),
            at("Pass: to the BaselineAdminNetworkPolicy where none does", [pass, lastResort("Deny")], decided(.deny, lastResort("Deny"))),
            at("the BaselineAdminNetworkPolicy allows", [lastResort("Allow")], decided(.allow, lastResort("Allow"))),
            at("it comes after Baseline ClusterNetworkPolicies of lower priority values", [lastResort("Deny"), newer], decided(.allow, newer)),
            at("portNumber: TCP when no protocol is written", [number], decided(.deny, number)),
            at("portNumber: another protocol", [number], to(.udp, 80), undecided),
            at("portRange", [range], to(.udp, 81), decided(.deny, range)),
            at("portRange: above", [range], to(.udp, 82), undecided),
            at("namedPort", [named], world: Lab.rich, to(.tcp, 5432), decided(.deny, named)),
            at("a port that is not known fails closed", [failing], decided(.deny, failing)),
        ]
    }()
}
