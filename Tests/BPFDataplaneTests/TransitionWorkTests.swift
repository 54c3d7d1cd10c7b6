import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

@testable import BPFDataplane

/// A change costs what it touches, counted in things looked at and written: as much in a world of twenty times the
/// addresses.
@Suite struct TransitionWorkTests {
    /// What one change took, from the store's word of it to the steps.
    struct Work: Hashable, CustomStringConvertible {
        var compile: CompileWork
        var transition: TransitionWork
        var mapWrites: Int
        var rows: Int

        var description: String { "\(mapWrites) map writes, \(rows) rows, \(transition), \(compile)" }
    }

    struct Node {
        var agent = CompiledTransitionTests.Agent()
        var world: PolicyWorld

        init(remote: Int, local: Int = 20) throws {
            world = TransitionWorkTests.world(remote: remote, local: local)
            agent.carries = true
            _ = try agent.plan(world)
            try settle()
        }

        mutating func settle() throws {
            for _ in 0..<3 {
                _ = agent.state.retire()
                guard var settling = try agent.state.settling(decisions: [:]) else { return }
                #expect(settling.work.scanned == 0)
                agent.state.commit(&settling)
            }
            _ = agent.state.retire()
            #expect(agent.state.isSettled)
        }

        mutating func change(_ body: (inout PolicyWorld) -> Void) throws -> Work {
            body(&world)
            let transition = try agent.plan(world)
            var writes = 0
            for step in transition.steps {
                switch step {
                case .pair, .removePair, .exact, .removeExact, .prefix, .removePrefix, .leg, .removeLeg: writes += 1
                // Stores to arrays.
                case .row, .word, .reserve, .generation, .epoch, .grace: break
                }
            }
            let work = Work(
                compile: agent.compiler.lastWork, transition: transition.work, mapWrites: writes,
                rows: transition.steps.count { if case .row = $0 { true } else { false } })
            try settle()
            return work
        }
    }

    static func app(_ number: Int) -> Selector { .equals(key: "app", value: "app-\(number)") }

    static func key(_ number: Int) -> EndpointKey { EndpointKey(namespace: "lab", name: "remote-\(number)") }

    static func policy(_ number: Int, port: UInt16 = 80) -> Policy {
        let reference = PolicyReference(kind: "NetworkPolicy", namespace: "lab", name: "policy-\(number)")
        return Policy(
            reference: reference, tier: "default", order: Double(number), selector: app(number % 20),
            directions: [.ingress], ingress: (0..<5).map { step in
                PolicyRule(
                    action: .allow, transport: .tcp, source: EntityRule(selector: app((number + step) % 50)),
                    destination: EntityRule(ports: [PortRange(port)]))
            })
    }

    static func feed(_ size: Int) -> NetworkSet {
        NetworkSet(
            namespace: "lab", name: "feed", labels: ["app": "app-7"],
            nets: (0..<size).map { AddressBlock(IPAddress(v4: 0x1400_0000 + UInt32($0))) })
    }

    /// `local` endpoints of this node, each with five policies of 5 rules, `remote` of others in 50 kinds, and a set of as many
    /// addresses.
    static func world(remote: Int, local: Int = 20) -> PolicyWorld {
        var world = PolicyWorld()
        world.namespaces["lab"] = Namespace(name: "lab")
        world.tiers["default"] = Tier(name: "default", order: Tier.defaultOrder)
        for number in 0..<local {
            let key = EndpointKey(namespace: "lab", name: "local-\(number)")
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: ["app": "app-\(number)"], node: WorldGenerator.node, interfaceName: "v\(number)",
                addresses: [IPAddress(v4: 0x0b00_0000 + UInt32(number))])
        }
        for number in 0..<remote {
            world.endpoints[key(number)] = WorkloadEndpoint(
                key: key(number), labels: ["app": "app-\(number % 50)"], node: "elsewhere",
                addresses: [IPAddress(v4: 0x0a00_0000 + UInt32(number))])
        }
        for number in 0..<5 * local {
            var policy = policy(number)
            policy.selector = app(number % local)
            world.policies[policy.reference] = policy
        }
        world.networkSets[NamespacedName(namespace: "lab", name: "feed")] = feed(remote)
        return world
    }

    /// The change in a small world and in a large one.
    static func both(_ body: (inout PolicyWorld, Int) -> Void) throws -> (small: Work, large: Work) {
        var works: [Work] = []
        for size in [1_000, 20_000] {
            var node = try Node(remote: size)
            works.append(try node.change { body(&$0, size) })
        }
        print("\(works[0])")
        return (works[0], works[1])
    }

    @Test func aRelabelledRemoteEndpoint() throws {
        let (small, large) = try Self.both { world, _ in world.endpoints[Self.key(107)]?.labels = ["app": "app-8"] }
        #expect(small == large)
        #expect(small.mapWrites == 1 && small.transition.scanned == 0 && small.transition.keys == 1)
    }

    /// Its kind is new and so are its rows; the old kind was its own.
    @Test func aRemoteEndpointThatBecomesTheOnlyOneOfItsKindAndGoesBack() throws {
        for size in [1_000, 20_000] {
            var node = try Node(remote: size)
            let there = try node.change { $0.endpoints[Self.key(107)]?.labels = ["app": "app-7", "nobody": "else"] }
            #expect(there.mapWrites == 0)
            let alone = try node.change { world in
                world.endpoints[Self.key(107)]?.labels = ["app": "app-1"]
                world.networkSets[NamespacedName(namespace: "lab", name: "feed")]?.labels = ["app": "nobody"]
            }
            #expect(alone.transition.scanned == 0)
        }
    }

    @Test func aNewEndpointWithKnownLabelsIsOneWrite() throws {
        let (small, large) = try Self.both { world, _ in
            let key = EndpointKey(namespace: "lab", name: "new")
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: ["app": "app-7"], node: "elsewhere", addresses: [IPAddress(v4: 0x0a0f_0001)])
        }
        #expect(small == large)
        #expect(small.mapWrites == 1 && small.rows == 0 && small.compile.rowsBuilt == 0 && small.transition.scanned == 0)
    }

    @Test func oneMoreAddressOfASetIsOneWrite() throws {
        let (small, large) = try Self.both { world, size in
            world.networkSets[NamespacedName(namespace: "lab", name: "feed")] = Self.feed(size + 1)
        }
        #expect(small == large)
        #expect(small.mapWrites == 1 && small.rows == 0 && small.transition.scanned == 0)
    }

    @Test func oneOfManyPolicies() throws {
        let (small, large) = try Self.both { world, _ in
            let policy = Self.policy(33, port: 81)
            world.policies[policy.reference] = policy
        }
        #expect(small == large)
        #expect(small.transition.keys == 0 && small.transition.scanned == 0 && small.compile.policiesRead == 1)
        #expect(small.mapWrites > 0)
    }

    @Test func aRuleForAllOfTheAddresses() throws {
        let (small, large) = try Self.both { world, _ in
            guard let block = AddressBlock(address: IPAddress(v4: 0x0a00_0000), prefixLength: 8) else { return }
            var policy = Self.policy(33)
            policy.ingress.append(
                PolicyRule(action: .allow, transport: .udp, source: EntityRule(nets: [block])))
            world.policies[policy.reference] = policy
        }
        #expect(small.transition == large.transition)
        #expect(small.mapWrites == large.mapWrites && small.rows == large.rows)
        #expect(small.compile.rowsBuilt == large.compile.rowsBuilt)
        #expect(small.transition.scanned == 0)
        // The prefix and its row: the stack stays as it is.
        #expect(small.mapWrites == 2 && small.rows == 1)
    }

    /// A policy that is new changes the reason of what no rule allows, so its stack is built anew; and that is all, however many
    /// addresses the block takes along and however many stacks there are that do not ask for it.
    @Test func aNewPolicyForAllOfTheAddressesIsItsOwnStacks() throws {
        var works: [Work] = []
        for (remote, local) in [(1_000, 20), (20_000, 20), (1_000, 45)] {
            var node = try Node(remote: remote, local: local)
            let name = PolicyReference(kind: "NetworkPolicy", namespace: "lab", name: "covering")
            let there = try node.change { world in
                guard let block = AddressBlock(address: IPAddress(v4: 0x0a00_0000), prefixLength: 8) else { return }
                world.policies[name] = Policy(
                    reference: name, tier: "default", order: -1, selector: Self.app(3), directions: [.ingress],
                    ingress: [PolicyRule(action: .allow, transport: .udp, source: EntityRule(nets: [block]))])
            }
            let stack = try #require(
                node.agent.compiler.tables.legs.first { $0.key.endpoint.name == "local-3" }?.value.ingress)
            let pairs = try #require(node.agent.compiler.tables.stacks[stack]).pairCount
            // The base row, those above it, and the prefix.
            #expect(there.mapWrites == 1 + pairs + 1, "\(there)")
            #expect(there.transition.scanned == 0 && there.transition.keys == 1)
            works.append(there)
            let back = try node.change { $0.policies[name] = nil }
            // Until the stack is gone the block stays, with a number of its own.
            #expect(back.mapWrites <= pairs + 2, "\(back)")
            #expect(back.transition.scanned == 0)
        }
        #expect(works[0].mapWrites == works[1].mapWrites)
        #expect(works[0].rows == works[1].rows)
        #expect(works[0].compile.rowsBuilt == works[1].compile.rowsBuilt)
        // With other locals the app has other peers among them.
        #expect(works[2].mapWrites <= works[0].mapWrites + 5)
    }

    /// A block around blocks that stacks ask for: each of those has a row for what it is now, and nothing for the addresses in it.
    @Test func aBlockAroundOthersIsARowForEach() throws {
        var works: [Work] = []
        for remote in [1_000, 20_000] {
            var node = try Node(remote: remote)
            _ = try node.change { world in
                var policy = Self.policy(7)
                policy.ingress.append(
                    PolicyRule(
                        action: .allow, transport: .udp,
                        source: EntityRule(
                            nets: (0..<8).compactMap {
                                AddressBlock(address: IPAddress(v4: 0x0a00_0000 + UInt32($0) << 8), prefixLength: 24)
                            })))
                world.policies[policy.reference] = policy
            }
            let name = PolicyReference(kind: "NetworkPolicy", namespace: "lab", name: "policy-3")
            works.append(try node.change { world in
                guard let block = AddressBlock(address: IPAddress(v4: 0x0a00_0000), prefixLength: 8) else { return }
                world.policies[name]?.ingress.append(
                    PolicyRule(action: .allow, transport: .udp, source: EntityRule(nets: [block])))
            })
        }
        #expect(works[0].mapWrites == works[1].mapWrites)
        // Nine prefixes with two meanings; a row of each for one stack, and of what is in both for the other.
        #expect(works[0].mapWrites <= 9 + 4, "\(works[0])")
        #expect(works[0].transition.scanned == 0)
    }

    /// One of very many rules, each for a peer of its own: what it says is written over, whatever else its stack holds.
    @Test func oneOfVeryManyRulesOfAStack() throws {
        var works: [Work] = []
        for count in [100, 2_000] {
            var node = try Node(remote: 1_000)
            let name = PolicyReference(kind: "NetworkPolicy", namespace: "lab", name: "many")
            func policy(swapped: Bool) -> Policy {
                var rules = (0..<count).map { number in
                    PolicyRule(
                        action: .allow, transport: .tcp,
                        source: EntityRule(nets: [AddressBlock(IPAddress(v4: 0x1e00_0000 + UInt32(number)))]),
                        destination: EntityRule(ports: [PortRange(UInt16(1_000 + number))]))
                }
                if swapped { rules.swapAt(10, 11) }
                return Policy(
                    reference: name, tier: "default", order: 1, selector: Self.app(3), directions: [.ingress], ingress: rules)
            }
            _ = try node.change { $0.policies[name] = policy(swapped: false) }
            let before = node.agent.state.liveStacks
            works.append(try node.change { $0.policies[name] = policy(swapped: true) })
            #expect(node.agent.state.liveStacks == before)
        }
        #expect(works.map(\.mapWrites) == [2, 2])
        #expect(works[0].transition == works[1].transition)
        #expect(works[0].transition.scanned == 0)
    }
}
