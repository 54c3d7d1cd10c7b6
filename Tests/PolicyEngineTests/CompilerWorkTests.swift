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
        // Its combination is new and is held against each of the peer sets in use that ask for its labels, once.
        let peerSets = Set((0..<40).flatMap { number in (1...2).map { "ns\(number % 4)/app\((number + 4 * $0) % 20)" } })
        let candidates = peerSets.filter { $0.hasSuffix("/app8") }.count
        #expect(candidates > 0)
        #expect(compiler.lastWork.selectorEvaluations == candidates)
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
        #expect(compiler.lastWork.prefixTablesBuilt == 1)
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
                + "pairs \(tables.stacks.values.reduce(0) { $0 + $1.pairs.count }), "
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
        #expect(measured.first < .seconds(3))
        #expect(measured.next < .milliseconds(500))
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
        #expect(measured.first < .seconds(5))
        #expect(measured.next < .milliseconds(500))
    }
}
