import PolicyModel

/// Kubernetes NetworkPolicies, as the rules that they stand for.
/// Kubernetes documentation: "Network Policies", and the reference of `NetworkPolicySpec`.
enum KubernetesTables {
    static let cases: [OracleCase] = isolation + peers + ports + places

    /// `NAMESPACE/NAME` as its user wrote it.
    private static func policy(
        _ name: String, selector: String = "app == 'db'", types: Set<Direction> = [.ingress], ingress: [PolicyRule] = [],
        egress: [PolicyRule] = []
    ) -> Policy {
        let key = Lab.key(name)
        return Lab.networkPolicy(
            "\(key.namespace)/knp.default.\(key.name)", order: 1000, selector: selector, types: types, ingress: ingress,
            egress: egress)
    }

    private static func reference(_ name: String) -> PolicyReference {
        PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "knp.default.\(name)")
    }

    private static func allowed(_ name: String, _ index: Int) -> Decision {
        Decision(.allow, .rule(tier: "default", policy: reference(name), index: index))
    }

    private static func isolated(_ names: String...) -> Decision {
        Decision(.deny, .endOfTier(tier: "default", triggers: names.map(reference)))
    }

    private static let packet = Lab.tcp("10.0.0.1", "10.0.0.2", 80)
    private static let fromBank = Lab.tcp("10.0.1.1", "10.0.0.2", 80)

    private static let isolation: [OracleCase] = {
        let denyAll = policy("shop/deny", selector: "all()")
        let allowAll = policy("shop/open", selector: "all()", ingress: [Lab.rule(.allow)])
        let denyEgress = policy("shop/out", selector: "all()", types: [.egress])
        let web = policy("shop/web", ingress: [Lab.rule(.allow, from: Lab.entity("app == 'web'"))])
        let bank = policy("shop/bank", ingress: [Lab.rule(.allow, from: Lab.entity(namespaces: "zone == 'blue'"))])
        let other = policy("bank/deny", selector: "all()")
        return [
            .towards("shop/db", "by default a pod is not isolated: all inbound connections are allowed", [], packet, Lab.profile("shop")),
            .towards("shop/db", "a pod is isolated for ingress by a policy that selects it and has Ingress in policyTypes", [denyAll], packet, isolated("deny")),
            .from("shop/db", "and not for egress", [denyAll], Lab.tcp("10.0.0.2", "10.0.0.1", 80), Lab.profile("shop")),
            .from("shop/db", "a pod is isolated for egress by a policy with Egress in policyTypes", [denyEgress], Lab.tcp("10.0.0.2", "10.0.0.1", 80), isolated("out")),
            .towards("shop/db", "an empty podSelector selects all pods of the namespace", [allowAll], packet, allowed("open", 0)),
            .towards("shop/db", "and none of another namespace", [other], packet, Lab.profile("shop")),
            .towards("shop/db", "policies are additive: the first allows", [bank, web], packet, allowed("web", 0)),
            .towards("shop/db", "policies are additive: the second allows", [bank, web], fromBank, allowed("bank", 0)),
            .towards("shop/db", "the order of evaluation does not affect the result: a denial by default does not win", [denyAll, web], packet, allowed("web", 0)),
            .towards("shop/db", "what no policy allows is denied, because of all of them", [denyAll, web, bank], Lab.tcp("192.0.2.1", "10.0.0.2", 80), isolated("bank", "deny", "web")),
        ]
    }()

    private static let peers: [OracleCase] = {
        // `from: [{namespaceSelector, podSelector}]`: one element, both must hold.
        let one = policy("shop/one", ingress: [Lab.rule(.allow, from: Lab.entity("app == 'web'", namespaces: "zone == 'blue'"))])
        // `from: [{namespaceSelector}, {podSelector}]`: two elements of one written rule, the second of two written ones.
        var byNamespace = Lab.rule(.allow, from: Lab.entity(namespaces: "zone == 'blue'"))
        byNamespace.writtenIndex = 1
        var byPod = Lab.rule(.allow, from: Lab.entity("app == 'web'"))
        byPod.writtenIndex = 1
        var udp = Lab.rule(.allow, .udp)
        udp.writtenIndex = 0
        let two = policy("shop/two", ingress: [udp, byNamespace, byPod])
        let block = policy("shop/block", ingress: [Lab.rule(.allow, from: Lab.entity(nets: ["172.17.0.0/16"], notNets: ["172.17.1.0/24"]))])
        let from = { (source: String) in Lab.tcp(source, "10.0.0.2", 80) }
        return [
            .towards("shop/db", "namespaceSelector and podSelector in one element: both hold", [one], fromBank, allowed("one", 0)),
            .towards("shop/db", "namespaceSelector and podSelector in one element: the pod does not", [one], from("10.0.1.2"), isolated("one")),
            .towards("shop/db", "namespaceSelector and podSelector in one element: the namespace does not", [one], packet, isolated("one")),
            .towards("shop/db", "in two elements: any pod of the namespace", [two], from("10.0.1.2"), allowed("two", 1)),
            .towards("shop/db", "in two elements: the pod of the own namespace, and the rule as it was written", [two], packet, allowed("two", 1)),
            .towards("shop/db", "podSelector alone does not mean other namespaces", [policy("shop/pod", ingress: [Lab.rule(.allow, from: Lab.entity("app == 'web'"))])], fromBank, isolated("pod")),
            .towards("shop/db", "the rules before it keep their index", [two], Lab.packet(.udp, "192.0.2.1", "10.0.0.2", 53), allowed("two", 0)),
            .towards("shop/db", "ipBlock: within", [block], from("172.17.0.255"), allowed("block", 0)),
            .towards("shop/db", "ipBlock: in the exception", [block], from("172.17.1.0"), isolated("block")),
            .towards("shop/db", "ipBlock: the last address of the exception", [block], from("172.17.1.255"), isolated("block")),
            .towards("shop/db", "ipBlock: above the exception", [block], from("172.17.2.0"), allowed("block", 0)),
            .towards("shop/db", "ipBlock: outside", [block], from("172.18.0.0"), isolated("block")),
            .towards("shop/db", "ipBlock of IPv4 says nothing of IPv6", [block], Lab.tcp("2001:db8::1", "2001:db8::2", 80), isolated("block")),
        ]
    }()

    private static let ports: [OracleCase] = {
        let range = policy("shop/range", selector: "app == 'web'", types: [.egress], egress: [Lab.rule(.allow, .tcp, to: Lab.entity(nets: ["10.0.0.0/24"], ports: [32000...32768]))])
        let named = policy("shop/named", ingress: [Lab.rule(.allow, .tcp, to: Lab.entity(named: ["sql"]))])
        let to = { (port: UInt16) in Lab.tcp("10.0.0.1", "10.0.0.2", port) }
        return [
            .from("shop/web", "endPort: the first port of the range", [range], to(32000), allowed("range", 0)),
            .from("shop/web", "endPort: the last port of the range", [range], to(32768), allowed("range", 0)),
            .from("shop/web", "endPort: above the range", [range], to(32769), isolated("range")),
            .from("shop/web", "endPort: the protocol defaults to TCP", [range], Lab.packet(.udp, "10.0.0.1", "10.0.0.2", 32000), isolated("range")),
            .towards("shop/db", "a port by name is the pod's", [named], world: Lab.rich, to(5432), allowed("named", 0)),
            .towards("shop/db", "a port by name: another number", [named], world: Lab.rich, to(5433), isolated("named")),
        ]
    }()

    private static let places: [OracleCase] = {
        let allow = policy("shop/m", ingress: [Lab.rule(.allow)])
        let before = Lab.networkPolicy("shop/z", order: 999, selector: "app == 'db'", ingress: [Lab.rule(.deny)])
        let after = Lab.networkPolicy("shop/a", order: 1001, selector: "app == 'db'", ingress: [Lab.rule(.deny)])
        let tiedBefore = Lab.networkPolicy("shop/l", order: 1000, selector: "app == 'db'", ingress: [Lab.rule(.deny)])
        let tiedAfter = Lab.networkPolicy("shop/n", order: 1000, selector: "app == 'db'", ingress: [Lab.rule(.deny)])
        let namesake = Lab.networkPolicy("shop/m", order: 1000, selector: "app == 'db'", ingress: [Lab.rule(.deny)])
        let second = policy("shop/z", ingress: [Lab.rule(.allow)])
        return [
            .towards("shop/db", "its order is 1000: a lower one comes first", [allow, before], packet, Decision(.deny, .rule(tier: "default", policy: before.reference, index: 0))),
            .towards("shop/db", "its order is 1000: a higher one comes after", [allow, after], packet, allowed("m", 0)),
            .towards("shop/db", "ties by the bare name: l comes before m", [allow, tiedBefore], packet, Decision(.deny, .rule(tier: "default", policy: tiedBefore.reference, index: 0))),
            .towards("shop/db", "ties by the bare name: m comes before n", [allow, tiedAfter], packet, allowed("m", 0)),
            .towards("shop/db", "ties of one bare name: the kind KubernetesNetworkPolicy comes before NetworkPolicy", [allow, namesake], packet, allowed("m", 0)),
            .towards("shop/db", "two of them by bare name", [second, allow], packet, allowed("m", 0)),
        ]
    }()
}
