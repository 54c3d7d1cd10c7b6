import PolicyModel

/// Which endpoints a policy applies to, and how selectors read labels.
/// Calico documentation: "Selectors", "NetworkPolicy: spec.selector", "GlobalNetworkPolicy: spec.namespaceSelector".
enum SelectionTables {
    static let cases: [OracleCase] = scope + operators + inherited

    private static let deny = [Lab.rule(.deny)]
    private static let toWeb = Lab.tcp("10.0.1.2", "10.0.0.1", 80)
    private static let toDatabase = Lab.tcp("10.0.0.1", "10.0.0.2", 80)
    private static let toBankWeb = Lab.tcp("10.0.0.1", "10.0.1.1", 80)

    private static let scope: [OracleCase] = {
        let shop = Lab.networkPolicy("shop/p", ingress: deny)
        let web = Lab.networkPolicy("shop/p", selector: "app == 'web'", ingress: deny)
        let global = Lab.globalPolicy("g", selector: "app == 'web'", ingress: deny)
        let blue = Lab.globalPolicy("g", namespaces: "zone == 'blue'", ingress: deny)
        let blueWeb = Lab.globalPolicy("g", selector: "app == 'web'", namespaces: "zone == 'blue'", ingress: deny)
        let named = Lab.globalPolicy("g", namespaces: "projectcalico.org/name == 'bank'", ingress: deny)
        let everyNamespace = Lab.globalPolicy("g", namespaces: "all()", ingress: deny)
        let noNamespace = Lab.globalPolicy("g", namespaces: "global()", ingress: deny)
        let notBlue = Lab.globalPolicy("g", namespaces: "zone != 'blue'", ingress: deny)
        let toVault = Lab.tcp("10.0.0.1", "10.0.1.2", 80)
        let toLost = Lab.tcp("10.0.0.1", "10.0.9.1", 80)
        return [
            .towards("shop/db", "a NetworkPolicy applies to its namespace", [shop], toDatabase, Lab.by(shop, 0)),
            .towards("bank/web", "a NetworkPolicy does not apply to other namespaces", [shop], toBankWeb, Lab.profile("bank")),
            .towards("shop/web", "the selector picks endpoints of the namespace", [web], toWeb, Lab.by(web, 0)),
            .towards("shop/db", "endpoints that the selector leaves out are not concerned", [web], toDatabase, Lab.profile("shop")),
            .towards("bank/web", "the same labels in another namespace are not concerned", [web], toBankWeb, Lab.profile("bank")),
            .towards("bank/web", "a GlobalNetworkPolicy applies in every namespace", [global], toBankWeb, Lab.by(global, 0)),
            .towards("bank/vault", "its namespaceSelector picks by the namespace's labels", [blue], toVault, Lab.by(blue, 0)),
            .towards("shop/db", "and leaves other namespaces alone", [blue], toDatabase, Lab.profile("shop")),
            .towards("bank/vault", "selector and namespaceSelector must both match", [blueWeb], toVault, Lab.profile("bank")),
            .towards("shop/web", "selector and namespaceSelector must both match: the other way", [blueWeb], toWeb, Lab.profile("shop")),
            .towards("bank/web", "projectcalico.org/name is the namespace's name", [named], toBankWeb, Lab.by(named, 0)),
            .towards("bank/web", "all() means every namespace", [everyNamespace], toBankWeb, Lab.by(everyNamespace, 0)),
            .towards("bank/web", "global() means endpoints without a namespace", [noNamespace], toBankWeb, Lab.profile("bank")),
            .towards("ghost/lost", "a namespace that does not exist has no labels, so they are unequal", [notBlue], toLost, Lab.by(notBlue, 0)),
            .towards("ghost/lost", "an endpoint of a missing namespace still has a namespace", [everyNamespace], toLost, Lab.by(everyNamespace, 0)),
            .towards("ghost/lost", "a missing namespace brings no name label", [Lab.globalPolicy("g", namespaces: "has(projectcalico.org/name)", ingress: deny)], toLost, Lab.noProfile),
        ]
    }()

    /// Each expression with the endpoints of `shop` that it selects: web (app=web, env=prod) and db (app=db).
    private static let operators: [OracleCase] = [
        ("all()", true, true),
        ("app == 'web'", true, false),
        ("app != 'web'", false, true),
        ("env == 'prod'", true, false),
        ("env != 'prod'", false, true),
        ("env == ''", false, false),
        ("has(env)", true, false),
        ("!has(env)", false, true),
        ("env in { 'prod', 'test' }", true, false),
        ("env not in { 'prod', 'test' }", false, true),
        ("env in { 'test' }", false, false),
        ("env not in { 'test' }", true, true),
        ("app contains 'e'", true, false),
        ("env contains 'prod'", true, false),
        ("app starts with 'w'", true, false),
        ("app starts with 'b'", false, false),
        ("app ends with 'b'", true, true),
        ("app ends with 'eb'", true, false),
        ("app ends with 'we'", false, false),
        ("app == 'web' && env == 'prod'", true, false),
        ("app == 'db' && env == 'prod'", false, false),
        ("app == 'db' || env == 'prod'", true, true),
        ("!(app == 'db')", true, false),
        ("!(app == 'web' && has(env))", false, true),
        ("!(app != 'web')", true, false),
        ("app == 'WEB'", false, false),
        ("App == 'web'", false, false),
    ].flatMap { expression, web, database in
        let policy = Lab.networkPolicy("shop/p", selector: expression, ingress: deny)
        return [
            OracleCase.towards("shop/web", "\(expression) at app=web, env=prod", [policy], toWeb, web ? Lab.by(policy, 0) : Lab.profile("shop")),
            OracleCase.towards("shop/db", "\(expression) at app=db", [policy], toDatabase, database ? Lab.by(policy, 0) : Lab.profile("shop")),
        ]
    }

    private static let inherited: [OracleCase] = {
        let own = Lab.adding(
            Lab.endpoint("shop/own", ["pcns.zone": "green"], ["10.0.0.7"]),
            Lab.endpoint("shop/pod", [:], ["10.0.0.8"], orchestrator: "podman"),
            Lab.endpoint(
                "shop/liar", ["projectcalico.org/namespace": "bank", "projectcalico.org/orchestrator": "k8s"],
                ["10.0.0.9"], orchestrator: "podman"),
            Lab.endpoint("ghost/liar", ["projectcalico.org/namespace": "bank"], ["10.0.9.2"]))
        let toOwn = Lab.tcp("10.0.0.1", "10.0.0.7", 80)
        let toPod = Lab.tcp("10.0.0.1", "10.0.0.8", 80)
        let toLiar = Lab.tcp("10.0.0.1", "10.0.0.9", 80)
        let fromLiar = Lab.tcp("10.0.0.9", "10.0.1.2", 80)
        let fromLostLiar = Lab.tcp("10.0.9.2", "10.0.1.2", 80)
        let policy = { (selector: String) in Lab.globalPolicy("g", selector: selector, ingress: deny) }
        let red = policy("pcns.zone == 'red'")
        let green = policy("pcns.zone == 'green'")
        let namespace = policy("projectcalico.org/namespace == 'shop'")
        let name = policy("pcns.projectcalico.org/name == 'shop'")
        let kubernetes = policy("projectcalico.org/orchestrator == 'k8s'")
        let podman = policy("projectcalico.org/orchestrator == 'podman'")
        let bank = policy("projectcalico.org/namespace == 'bank'")
        let bankMayTalk = Lab.globalPolicy(
            "g", ingress: [Lab.rule(.allow, from: Lab.entity("projectcalico.org/namespace == 'bank'"))])
        let bare = policy("zone == 'red'")
        let hasName = policy("has(pcns.projectcalico.org/name)")
        let greenNamespaces = Lab.globalPolicy("g", namespaces: "zone == 'red'", ingress: deny)
        let toLost = Lab.tcp("10.0.0.1", "10.0.9.1", 80)
        return [
            .towards("shop/db", "labels of the namespace are inherited as pcns.KEY", [red], toDatabase, Lab.by(red, 0)),
            .towards("shop/db", "and not under their bare name", [bare], toDatabase, Lab.profile("shop")),
            .towards("shop/own", "an own label pcns.KEY is not seen: the namespace's is", [red], world: own, toOwn, Lab.by(red, 0)),
            .towards("shop/own", "an own label pcns.KEY is not seen: nobody speaks for his namespace", [green], world: own, toOwn, Lab.profile("shop")),
            .towards("shop/own", "namespace selectors read the namespace's labels", [greenNamespaces], world: own, toOwn, Lab.by(greenNamespaces, 0)),
            .towards("shop/db", "projectcalico.org/namespace is the endpoint's namespace", [namespace], toDatabase, Lab.by(namespace, 0)),
            .towards("bank/web", "projectcalico.org/namespace of another", [namespace], toBankWeb, Lab.profile("bank")),
            .towards("shop/db", "pcns.projectcalico.org/name is the namespace's name", [name], toDatabase, Lab.by(name, 0)),
            .towards("ghost/lost", "nothing is inherited from a namespace that does not exist", [hasName], toLost, Lab.noProfile),
            .towards("shop/db", "without an orchestrator an endpoint counts as k8s", [kubernetes], toDatabase, Lab.by(kubernetes, 0)),
            .towards("shop/pod", "projectcalico.org/orchestrator is the endpoint's", [podman], world: own, toPod, Lab.by(podman, 0)),
            .towards("shop/liar", "projectcalico.org/namespace cannot be overwritten by an own label", [bank], world: own, toLiar, Lab.profile("shop")),
            .towards("shop/liar", "it says the true namespace all the same", [namespace], world: own, toLiar, Lab.by(namespace, 0)),
            .towards("bank/vault", "nobody passes for a peer of another namespace", [bankMayTalk], world: own, fromLiar, Lab.endOfTier(bankMayTalk)),
            .towards("bank/vault", "nor when its own namespace does not exist", [bankMayTalk], world: own, fromLostLiar, Lab.endOfTier(bankMayTalk)),
            .towards("shop/liar", "projectcalico.org/orchestrator cannot be overwritten by an own label", [kubernetes], world: own, toLiar, Lab.profile("shop")),
            .towards("shop/liar", "it says the true orchestrator all the same", [podman], world: own, toLiar, Lab.by(podman, 0)),
        ]
    }()
}
