import PolicyEngine
import PolicyModel
import Testing

@Suite("Compiler: work")
struct CompilerWorkTests {
    /// 200 endpoints of 20 apps in 4 namespaces; 40 policies, each allowing two apps to one.
    private var world: PolicyWorld {
        var world = PolicyWorld()
        world.addTier()
        for namespace in 0..<4 { world.addNamespace("ns\(namespace)") }
        for number in 0..<200 {
            world.addEndpoint(
                "ns\(number % 4)", "e\(number)", [IPAddress(v4: 0x0a00_0000 + UInt32(number))],
                ["app": "app\(number % 20)"])
        }
        for number in 0..<40 {
            world.addPolicy(
                "ns\(number % 4)", "p\(number)", order: Double(number), selector: app("app\(number % 20)"),
                ingress: (1...2).map {
                    PolicyRule(
                        action: .allow, transport: .tcp, source: EntityRule(selector: app("app\((number + 4 * $0) % 20)")),
                        destination: EntityRule(ports: [PortRange(UInt16(8_000 + number))]))
                })
        }
        return world
    }

    @Test func nothingChangedIsNoWork() {
        var compiler = VerdictCompiler()
        _ = compiler.compile(world, node: "here")
        _ = compiler.compile(world, node: "here")
        #expect(compiler.lastWork == CompileWork())
    }

    @Test func aPeersLabelTouchesItsIdentityAlone() {
        var world = world
        world.addEndpoint("ns0", "remote", [address("10.9.0.1")], ["app": "app4"], node: "elsewhere")
        var compiler = VerdictCompiler()
        let before = compiler.compile(world, node: "here")
        #expect(compiler.lastWork.endpointsChanged == 201)
        world.addEndpoint("ns0", "remote", [address("10.9.0.1")], ["app": "app8"], node: "elsewhere")
        let after = compiler.compile(world, node: "here")
        // Another endpoint has these labels: everything is known.
        var expected = CompileWork()
        expected.endpointsChanged = 1
        expected.addressesVisited = 1
        #expect(compiler.lastWork == expected)
        #expect(before.stacks == after.stacks)
        #expect(before.exact != after.exact)

        world.addEndpoint("ns0", "remote", [address("10.9.0.1")], ["app": "app8", "new": "yes"], node: "elsewhere")
        _ = compiler.compile(world, node: "here")
        #expect(compiler.lastWork.stacksCompiled == 0)
        #expect(compiler.lastWork.rowsBuilt == 0)
        #expect(compiler.lastWork.identitiesInterned == 0)
        // Its labels are new and are held against each of the peer sets in use that ask for them, once.
        let peerSets = Set((0..<40).flatMap { number in (1...2).map { "ns\(number % 4)/app\((number + 4 * $0) % 20)" } })
        let candidates = peerSets.filter { $0.hasSuffix("/app8") || $0.hasPrefix("ns0/") }.count
        #expect(candidates > 0)
        #expect((1...candidates).contains(compiler.lastWork.selectorEvaluations))
    }

    @Test func aLocalLabelCompilesOnlyItsOwnStacks() {
        var world = world
        var compiler = VerdictCompiler()
        _ = compiler.compile(world, node: "here")
        world.addEndpoint("ns0", "e0", [IPAddress(v4: 0x0a00_0000)], ["app": "nobody"])
        _ = compiler.compile(world, node: "here")
        // Ingress without any policy; egress is the same stack as before.
        #expect(compiler.lastWork.stacksCompiled == 0)
        #expect(compiler.lastWork.endpointsChanged == 1)
        world.addPolicy("ns0", "nobody", selector: app("nobody"), ingress: [PolicyRule(action: .allow, source: EntityRule(selector: app("app4")))])
        _ = compiler.compile(world, node: "here")
        #expect(compiler.lastWork.stacksCompiled == 1)
        #expect(compiler.lastWork.policiesRead == 1)
        #expect(compiler.lastWork.rowsBuilt == 2)
    }

    /// Stacks differ where the values differ that rules compare with, and nowhere else.
    @Test func aComparisonCostsAStackForEachValue() {
        var world = PolicyWorld()
        world.addTier()
        for namespace in 0..<5 { world.addNamespace("ns\(namespace)") }
        for number in 0..<200 {
            world.addEndpoint(
                "ns\(number % 5)", "e\(number)", [IPAddress(v4: 0x0a00_0000 + UInt32(number))],
                ["app": "app\(number % 20)", "team": "t\(number % 2)"])
        }
        world.addPolicy(
            "", "same", ingress: [PolicyRule(action: .allow, source: EntityRule(selector: .and([.sameNamespace, .sameLabel(key: "team")])))])
        var compiler = VerdictCompiler()
        _ = compiler.compile(world, node: "here")
        // Five namespaces of two teams, and egress that no policy selects and each namespace's profile decides.
        #expect(compiler.lastWork.stacksCompiled == 15)
        let first = VerdictCompiler().compiled(world)
        #expect(Set(first.legs.values.map(\.ingress)).count == 10)

        // The label of one endpoint: it takes the stack of those that have it already.
        world.endpoints[EndpointKey(namespace: "ns0", name: "e0")]?.labels["team"] = "t1"
        _ = compiler.compile(world, node: "here")
        #expect(compiler.lastWork.stacksCompiled == 0)
        #expect(compiler.lastWork.policiesRead == 0)
        #expect(compiler.lastWork.addressesVisited == 1)

        // A value that nobody had: one stack more, and one set.
        world.endpoints[EndpointKey(namespace: "ns0", name: "e0")]?.labels["team"] = "t2"
        _ = compiler.compile(world, node: "here")
        #expect(compiler.lastWork.stacksCompiled == 1)
        #expect(compiler.lastWork.policiesRead == 0)
    }

    @Test func aRuleChangeCompilesTheStacksThatHaveIt() {
        var world = world
        var compiler = VerdictCompiler()
        _ = compiler.compile(world, node: "here")
        world.policies[reference("ns1", "p1")]?.ingress[0].action = .deny
        _ = compiler.compile(world, node: "here")
        #expect(compiler.lastWork.policiesRead == 1)
        #expect(compiler.lastWork.stacksCompiled == 1)
        #expect(compiler.lastWork.selectorEvaluations == 0)
        #expect(compiler.lastWork.addressesVisited == 0)
    }

    @Test func aBroadPrefixCostsNoWriteAnAddress() {
        var world = world
        var compiler = VerdictCompiler()
        let before = compiler.compile(world, node: "here")
        world.addPolicy(
            "", "broad", ingress: [PolicyRule(action: .deny, source: EntityRule(nets: [block("10.0.0.0", 8)]))])
        let after = compiler.compile(world, node: "here")
        #expect(before.exact == after.exact)
        #expect(after.prefixes.count == 1)
        #expect(compiler.lastWork.addressesVisited == 0)
        #expect(compiler.lastWork.blocksVisited == 1)
        // One pass over the flat array.
        #expect(compiler.lastWork.addressesScanned == 200)
        #expect(compiler.lastChanges.exact.isEmpty)
    }

    /// A block over every address, for one app: other stacks have no row more, whatever they ask for, and its own one for the
    /// block, as long as the block's rule and those for its peers do not meet.
    @Test(arguments: [200, 2_000]) func aBroadPrefixIsARowOfItsOwnStack(remote: Int) {
        var world = world
        for number in 0..<remote {
            world.addEndpoint(
                "ns\(number % 4)", "r\(number)", [IPAddress(v4: 0x0a01_0000 + UInt32(number))],
                ["app": "app\(number % 20)", "kind": "k\(number)"], node: "elsewhere")
        }
        var compiler = VerdictCompiler()
        let before = compiler.compile(world, node: "here")
        let whole = block("10.0.0.0", 8)
        for (transport, expected) in [(TransportProtocol.udp, 0), (.tcp, 4)] {
            let rule = PolicyRule(action: .allow, transport: transport, source: EntityRule(nets: [whole]))
            world.addPolicy("", "broad", order: -1, selector: app("app1"), ingress: [rule])
            let after = compiler.compile(world, node: "here")
            let wrong = compiler.checkInvariants()
            #expect(wrong == [])
            // Those of this app are in two namespaces, and each has its own policies.
            #expect(compiler.lastWork.stacksCompiled <= 4)
            #expect(compiler.lastChanges.pairs.isEmpty)
            for (id, stack) in after.stacks where before.stacks[id] == nil {
                #expect(stack.prefixes.count == 1)
                #expect(stack.combined.values.reduce(0) { $0 + $1.count } <= expected, "\(stack)")
                if transport == .tcp { #expect(!stack.combined.isEmpty || stack.exact.isEmpty) }
            }
            for (id, stack) in after.stacks { if let old = before.stacks[id] { #expect(stack == old) } }
        }
    }

    /// Rules that ask for a label and a block at once, or leave one of both out, need a row for both.
    @Test func aRuleForBothPartsOfAnAddressHasARowForBoth() {
        for (name, rule) in [
            ("both", PolicyRule(action: .allow, transport: .udp, source: EntityRule(nets: [block("10.0.0.0", 8)], selector: app("app4")))),
            ("not", PolicyRule(action: .allow, transport: .udp, source: EntityRule(notNets: [block("10.0.0.0", 8)], selector: app("app4")))),
        ] {
            var world = world
            world.addPolicy("", name, order: -1, selector: app("app1"), ingress: [rule])
            var compiler = VerdictCompiler()
            let tables = compiler.compile(world, node: "here")
            let wrong = compiler.checkInvariants()
            #expect(wrong == [], "\(name)")
            #expect(tables.stacks.values.contains { !$0.combined.isEmpty }, "\(name)")
        }
    }

    /// A set of 10,000 addresses and one more: one address, no selector, no row.
    @Test func aMemberOfANetworkSetIsOneAddress() {
        var world = world
        world.networkSets[NamespacedName(namespace: "", name: "feed")] = NetworkSet(
            namespace: "", name: "feed", labels: ["feed": "bad"],
            nets: (0..<10_000).map { AddressBlock(IPAddress(v4: 0x1400_0000 + UInt32($0))) })
        world.addPolicy(
            "", "feed", order: 0, ingress: [PolicyRule(action: .deny, source: EntityRule(selector: .equals(key: "feed", value: "bad")))])
        var compiler = VerdictCompiler()
        _ = compiler.compile(world, node: "here")
        #expect(compiler.tables.exact.count >= 10_000)
        world.networkSets[NamespacedName(namespace: "", name: "feed")]?.nets.append(AddressBlock(IPAddress(v4: 0x1500_0000)))
        compiler.apply([
            .networkSet(
                NamespacedName(namespace: "", name: "feed"), world.networkSets[NamespacedName(namespace: "", name: "feed")])
        ])
        var expected = CompileWork()
        expected.addressesVisited = 1
        #expect(compiler.lastWork == expected)
        #expect(compiler.lastChanges.exact == [IPAddress(v4: 0x1500_0000)])
        #expect(compiler.lastChanges.pairs.isEmpty && compiler.lastChanges.rows.isEmpty)
        let wrong = compiler.checkInvariants()
        #expect(wrong == [])
    }

    /// Of 1,000 policies one has another rule: it alone is read, and one selector it asks for is evaluated where its labels are.
    @Test func oneOfAThousandPolicies() {
        var world = world
        for number in 0..<1_000 {
            world.addPolicy(
                "ns0", "many\(number)", order: Double(100 + number), selector: app("app\(number % 20)"),
                ingress: [PolicyRule(action: .allow, source: EntityRule(selector: app("app\((number + 1) % 20)")))])
        }
        var compiler = VerdictCompiler()
        _ = compiler.compile(world, node: "here")
        let name = reference("ns0", "many500")
        world.policies[name]?.ingress = [PolicyRule(action: .allow, source: EntityRule(selector: app("app3")))]
        compiler.apply([.policy(name, world.policies[name])])
        #expect(compiler.lastWork.policiesRead == 1)
        #expect(compiler.lastWork.stacksCompiled == 1)
        #expect(compiler.lastWork.endpointsChanged == 0)
        // The base row, and one for each combination of peers that the stack tells apart.
        #expect(compiler.lastWork.rowsBuilt <= 30)
        #expect(compiler.lastWork.selectorEvaluations <= 200)
        let wrong = compiler.checkInvariants()
        #expect(wrong == [])
    }

    /// The labels of a namespace: its kinds of endpoints are settled, none of another.
    @Test func aNamespacesLabelsTouchItsOwnEndpoints() {
        var world = world
        world.addPolicy(
            "", "tenants", order: 0,
            ingress: [PolicyRule(action: .deny, source: EntityRule(namespaceSelector: .matching(.equals(key: "tenant", value: "x"))))])
        var compiler = VerdictCompiler()
        _ = compiler.compile(world, node: "here")
        compiler.apply([.namespace("ns1", Namespace(name: "ns1", labels: ["tenant": "x"]))])
        #expect(compiler.lastWork.endpointsChanged == 0)
        // 50 endpoints of 5 apps.
        #expect(compiler.lastWork.labelsSettled == 5)
        #expect(compiler.lastWork.addressesVisited == 50)
        #expect(compiler.lastWork.policiesRead == 0)
        let wrong = compiler.checkInvariants()
        #expect(wrong == [])
    }

    /// A staged policy is computed into the stacks that it selects, and costs a packet nothing: no stack or pair has more steps.
    @Test func aStagedPolicyIsPartOfItsStacks() {
        let world = world
        var compiler = VerdictCompiler()
        let before = compiler.compile(world, node: "here")
        let policy = Policy(
            reference: reference("ns1", "new"), order: 0, selector: app("app1"), directions: [.ingress],
            ingress: [PolicyRule(action: .deny, transport: .udp)])
        let name = PolicyReference(kind: "StagedNetworkPolicy", namespace: "ns1", name: "new")
        compiler.apply([.staged(name, StagedPolicy(reference: name, action: .set, policy: policy))])
        #expect(compiler.lastWork.stacksCompiled == 1)
        #expect(compiler.lastWork.policiesRead == 1)
        #expect(compiler.lastWork.addressesVisited == 0)
        #expect(compiler.tables.stacks.count == before.stacks.count)
        let pending = compiler.tables.decisions.values.filter { $0.pending != nil }
        #expect(!pending.isEmpty)
        compiler.apply([.staged(name, nil)])
        #expect(compiler.lastWork.stacksCompiled == 0)
        #expect(compiler.tables.stacks == before.stacks)
    }

    /// Returns how long the first compile took, and how long one after a change took.
    private func times(
        _ world: PolicyWorld, change: (inout PolicyWorld) -> Void
    ) -> (first: Duration, next: Duration, tables: VerdictTables) {
        var compiler = VerdictCompiler()
        let clock = ContinuousClock()
        let first = clock.measure { _ = compiler.compile(world, node: "here") }
        var changed = world
        change(&changed)
        var tables = VerdictTables()
        let next = clock.measure { tables = compiler.compile(changed, node: "here") }
        print(
            "compile \(first), after a change \(next); stacks \(tables.stacks.count), rows \(tables.rows.count), "
                + "pairs \(tables.stacks.values.reduce(0) { $0 + $1.pairCount }), "
                + "ranges \(tables.rows.values.reduce(0) { $0 + $1.ranges.count })")
        return (first, next, tables)
    }

    @Test func fiveThousandDistinctPeersAndPorts() {
        var world = world
        let rules = (0..<5_000).map { number in
            PolicyRule(
                action: .allow, transport: .tcp, source: EntityRule(selector: app("peer\(number)")),
                destination: EntityRule(ports: [PortRange(UInt16(number + 1))]))
        }
        world.addPolicy("", "large", order: -1, ingress: rules)
        for number in 0..<200 {
            world.addEndpoint("ns0", "peer\(number)", [IPAddress(v4: 0x0a01_0000 + UInt32(number))], ["app": "peer\(number)"], node: "x")
        }
        let measured = times(world) { $0.addEndpoint("ns0", "peer1", [IPAddress(v4: 0x0a01_0001)], ["app": "peer777"], node: "x") }
        #expect(measured.tables.rows.count > 100)
    }

    @Test func twoThousandPeersOverFiveThousandPortsAreDifferences() {
        var world = world
        world.addPolicy(
            "", "peers", order: -2,
            ingress: (0..<2_000).map { number in
                PolicyRule(
                    action: .allow, transport: .tcp, source: EntityRule(nets: [AddressBlock(IPAddress(v4: 0x0b00_0000 + UInt32(number)))]))
            })
        world.addPolicy(
            "", "ports", order: -1,
            ingress: (0..<5_000).map { number in
                PolicyRule(
                    action: number % 2 == 0 ? .allow : .deny, transport: .tcp,
                    destination: EntityRule(ports: [PortRange(UInt16(2 * number + 1))]))
            })
        for key in world.endpoints.keys where key.namespace != "ns1" { world.endpoints[key]?.node = "x" }
        let measured = times(world) { $0.addEndpoint("ns0", "e0", [IPAddress(v4: 0x0a00_0000)], ["app": "x"], node: "x") }
        let pairRanges = measured.tables.stacks.values
            .flatMap { stack in stack.pairs.values.map { measured.tables.rows[$0]?.ranges.count ?? 0 } }
        #expect(pairRanges.count >= 2_000)
        // A peer's rule and the port rules meet in TCP alone: before it, it, after it, and those that allow it.
        #expect((pairRanges.max() ?? 0) < 10)
    }
}

extension VerdictCompiler {
    /// The tables of a world, whoever compiled before.
    fileprivate func compiled(_ world: PolicyWorld) -> VerdictTables {
        var compiler = self
        return compiler.compile(world, node: "here")
    }
}
