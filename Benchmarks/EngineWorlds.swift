import PolicyModel

/// Worlds for measuring the engine without a kernel.
enum EngineWorlds {
    static let node = "measured"

    static func label(_ key: String, _ value: String) -> Selector { .equals(key: key, value: value) }

    static func address(_ number: Int) -> IPAddress { IPAddress(v4: 0x0a00_0000 + UInt32(number)) }

    /// Namespaces of 100 endpoints in 10 apps and 10 policies, each of which lets two other apps in on a port.
    ///
    /// - Parameter localEvery: each endpoint whose number is a multiple is this node's.
    static func apps(endpoints: Int, policies: Int, localEvery: Int) -> PolicyWorld {
        var world = PolicyWorld.builtIn
        let namespaces = endpoints / 100
        for namespace in 0..<namespaces {
            let name = "tenant-\(namespace)"
            world.namespaces[name] = Namespace(name: name, labels: ["stage": namespace % 2 == 0 ? "blue" : "green"])
        }
        for number in 0..<endpoints {
            let key = EndpointKey(namespace: "tenant-\(number / 100)", name: "pod-\(number)")
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: ["app": "app-\(number % 10)", "role": number % 3 == 0 ? "front" : "back"],
                node: number % localEvery == 0 ? node : "another", addresses: [address(number)])
        }
        for number in 0..<policies {
            let app = number % 10
            let rules = (1...2).map { step in
                PolicyRule(
                    action: .allow, transport: .tcp, source: EntityRule(selector: label("app", "app-\((app + step) % 10)")),
                    destination: EntityRule(ports: [PortRange(UInt16(8_000 + app))]))
            }
            let reference = PolicyReference(
                kind: "NetworkPolicy", namespace: "tenant-\(number / 10 % namespaces)", name: "policy-\(number)")
            world.policies[reference] = Policy(
                reference: reference, order: Double(number), selector: label("app", "app-\(app)"), directions: [.ingress],
                ingress: rules)
        }
        return world
    }

    static func kindLabels(_ kind: Int) -> [String: String] { ["app": "app-\(kind % 100)", "role": "role-\(kind / 100)"] }

    static func remoteKey(_ number: Int) -> EndpointKey { EndpointKey(namespace: "lab", name: "remote-\(number)") }

    static func localKey(_ number: Int) -> EndpointKey { EndpointKey(namespace: "lab", name: "local-\(number)") }

    /// Remote addresses in `kinds` kinds that policies tell apart, and endpoints of this node, each under ten policies.
    static func identities(_ kinds: Int, addresses: Int, policies: Int, rules: Int, local: Int) -> PolicyWorld {
        var world = PolicyWorld.builtIn
        world.namespaces["lab"] = Namespace(name: "lab")
        for number in 0..<addresses {
            world.endpoints[remoteKey(number)] = WorkloadEndpoint(
                key: remoteKey(number), labels: kindLabels(number % kinds), node: "another", addresses: [address(number)])
        }
        for number in 0..<local {
            world.endpoints[localKey(number)] = WorkloadEndpoint(
                key: localKey(number), labels: ["app": "app-\(number % 100)"], node: node,
                addresses: [IPAddress(v4: 0x0b00_0000 + UInt32(number))])
        }
        for number in 0..<policies {
            let reference = PolicyReference(kind: "NetworkPolicy", namespace: "lab", name: "policy-\(number)")
            world.policies[reference] = Policy(
                reference: reference, order: Double(number), selector: label("app", "app-\(number % 100)"),
                directions: [.ingress],
                ingress: (0..<rules).map { step in
                    let peer =
                        step % 2 == 0
                        ? label("app", "app-\((number + step) % 100)") : label("role", "role-\((number + step) % max(1, kinds / 100))")
                    return PolicyRule(
                        action: .allow, transport: .tcp, source: EntityRule(selector: peer),
                        destination: EntityRule(ports: [PortRange(UInt16(8_000 + number % 50))]))
                })
        }
        return world
    }

    /// The shape of Antrea's controller benchmark: namespaces of four pods and three policies.
    static func smallNamespaces(_ namespaces: Int, localEvery: Int) -> PolicyWorld {
        var world = PolicyWorld.builtIn
        for namespace in 0..<namespaces {
            let name = "namespace-\(namespace)"
            world.namespaces[name] = Namespace(name: name, labels: ["app": name])
            for pod in 0..<4 {
                let number = 4 * namespace + pod
                let key = EndpointKey(namespace: name, name: "pod-\(pod)")
                world.endpoints[key] = WorkloadEndpoint(
                    key: key, labels: ["app-1": "scale-\(pod % 2)"], node: number % localEvery == 0 ? node : "another",
                    addresses: [address(number)])
            }
            for policy in 0..<3 {
                let reference = PolicyReference(kind: "NetworkPolicy", namespace: name, name: "policy-\(policy)")
                let peer = EntityRule(selector: label("app-1", "scale-\((policy + 1) % 2)"))
                world.policies[reference] = Policy(
                    reference: reference, order: 1_000, selector: label("app-1", "scale-\(policy % 2)"),
                    directions: policy == 2 ? [.egress] : [.ingress],
                    ingress: policy == 2 ? [] : [PolicyRule(action: .allow, source: peer)],
                    egress: policy == 2 ? [PolicyRule(action: .allow, destination: peer)] : [])
            }
        }
        return world
    }

    /// Network sets of 10,000 addresses each, of ten kinds, that policies deny to every workload.
    static func feeds(sets: Int, local: Int) -> PolicyWorld {
        var world = PolicyWorld.builtIn
        for set in 0..<sets { world.networkSets[feedName(set)] = feed(set, size: 10_000) }
        for kind in 0..<10 {
            let reference = PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "deny-\(kind)")
            world.policies[reference] = Policy(
                reference: reference, order: Double(kind), directions: [.egress],
                egress: [PolicyRule(action: .deny, destination: EntityRule(selector: label("feed", "kind-\(kind)")))])
        }
        for number in 0..<local {
            let key = EndpointKey(namespace: "default", name: "workload-\(number)")
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: ["app": "app-\(number)"], node: node, addresses: [address(number)])
        }
        return world
    }

    static func feedName(_ set: Int) -> NamespacedName { NamespacedName(namespace: "", name: "feed-\(set)") }

    static func feed(_ set: Int, size: Int) -> NetworkSet {
        NetworkSet(
            namespace: "", name: "feed-\(set)", labels: ["feed": "kind-\(set % 10)"],
            nets: (0..<size).map { AddressBlock(IPAddress(v4: 0x1400_0000 + UInt32(set * 20_000 + $0))) })
    }
}
