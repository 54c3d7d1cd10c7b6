import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

@testable import BPFDataplane

/// Generated policies through the compiler, the planner and the model kernel: after every step, each packet is decided
/// as the oracle decides it in the world before or in the world after, and changes once.
@Suite struct CompiledTransitionTests {
    /// Everything that lives as long as an agent.
    struct Agent {
        var compiler = VerdictCompiler()
        var kernel = ModelKernel()
        var state = KernelState(limits: Limits())
        var numbers: [Decision: UInt32] = [:]
        var contents: [UInt32: Decision] = [:]
        var slots: [EndpointKey: UInt32] = [:]
        var legs: [LegKey: VerdictTables.LegStacks] = [:]
        var verdicts = 0
        var flips = 0
        /// Tells the planner what differs.
        var carries = false
        var changes = TableChanges()
        var scanned = 0

        /// A program that the kernel never gets.
        mutating func skip(_ world: PolicyWorld) {
            _ = compiler.compile(world, node: WorldGenerator.node)
            changes.add(compiler.lastChanges)
        }

        mutating func plan(_ world: PolicyWorld) throws -> Transition {
            skip(world)
            let tables = compiler.tables
            legs = [:]
            // Legs that stand for others have stacks that the own ones have, and every step asks each leg.
            for (leg, stacks) in tables.legs where SharedLeg(standingFor: leg.address) == nil {
                let slot = slots[leg.endpoint] ?? UInt32(slots.count + 1)
                slots[leg.endpoint] = slot
                legs[LegKey(slot: slot, address: leg.address)] = stacks
            }
            var transition = try state.transition(
                to: tables, legs: legs, decisions: intern(tables.decisions), changes: carries ? changes : nil)
            changes = TableChanges()
            scanned += transition.work.scanned
            state.commit(&transition)
            if carries, let wrong = state.checkInvariants(tables).first { Issue.record("\(wrong)") }
            return transition
        }

        private mutating func intern(_ decisions: [DecisionID: Decision]) -> [DecisionID: UInt32] {
            decisions.mapValues { decision in
                if let number = numbers[decision] { return number }
                let number = UInt32(256 + numbers.count)
                numbers[decision] = number
                contents[number] = decision
                return number
            }
        }

        /// nil: no table of the endpoint's.
        func decide(_ probe: PolicyTesting.Probe) -> Decision? {
            guard let slot = slots[probe.endpoint] else { return nil }
            let packet = probe.packet
            let isIngress = probe.direction == .ingress
            let question = Probe(
                leg: LegKey(slot: slot, address: isIngress ? packet.destination : packet.source),
                direction: probe.direction, peer: isIngress ? packet.source : packet.destination,
                key: VerdictTables.rangeKey(transport: packet.transport, destinationPort: packet.destinationPort),
                sourcePort: UInt32(packet.sourcePort))
            guard case .decided(let word) = modelVerdict(question, kernel) else { return nil }
            return contents[word & KernelOutcome.payloadMask]
        }

        mutating func run(
            _ steps: [TransitionStep], _ probes: [PolicyTesting.Probe], _ before: [Decision?], _ after: [Decision?]
        ) -> String? {
            var flipped = [Bool](repeating: false, count: probes.count)
            for (position, step) in steps.enumerated() {
                kernel.apply(step)
                // Steps that nothing reads yet are looked at now and then only.
                if case .pair = step, position % 16 != 0 { continue }
                if case .row = step { continue }
                for index in probes.indices {
                    let now = decide(probes[index])
                    verdicts += 1
                    if now == after[index], now != before[index], !flipped[index] {
                        flipped[index] = true
                        flips += 1
                    } else if now != (flipped[index] ? after[index] : before[index]) {
                        return "after \(step) (\(position) of \(steps.count)) \(probes[index]) gets \(String(describing: now)), "
                            + "before \(String(describing: before[index])), after \(String(describing: after[index]))"
                    }
                }
            }
            for index in probes.indices where decide(probes[index]) != after[index] {
                return "in the end \(probes[index]) gets \(String(describing: decide(probes[index])))"
            }
            return nil
        }
    }

    static func verdicts(_ probes: [PolicyTesting.Probe], _ world: PolicyWorld) -> [Decision?] {
        let oracle = PolicyOracle(world: world)
        return probes.map { probe in
            let local = probe.direction == .ingress ? probe.packet.destination : probe.packet.source
            guard let endpoint = world.endpoints[probe.endpoint], ["", WorldGenerator.node].contains(endpoint.node),
                endpoint.addresses.contains(local)
            else { return nil }
            return oracle.decide(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
        }
    }

    static func change(_ world: inout PolicyWorld, _ original: PolicyWorld, _ random: inout SplitMix64) {
        let keys = world.endpoints.keys.sorted()
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1:
            guard let one = keys.randomElement(using: &random), let other = keys.randomElement(using: &random) else { return }
            let labels = world.endpoints[one]?.labels ?? [:]
            let others = world.endpoints[other]?.labels ?? [:]
            world.endpoints[one]?.labels = others
            if Bool.random(using: &random) { world.endpoints[other]?.labels = labels }
        case 2: keys.randomElement(using: &random).map { world.endpoints[$0] = nil }
        case 3:
            let policies = world.policies.keys.sorted { $0.name < $1.name }
            policies.randomElement(using: &random).map { world.policies[$0] = nil }
        case 4: PlantedFault.ofVerdicts.randomElement(using: &random).map { world = $0.apply(to: world) }
        case 5: world = original
        default:
            guard let lost = original.endpoints.keys.sorted().first(where: { world.endpoints[$0] == nil }) else { return }
            world.endpoints[lost] = original.endpoints[lost]
        }
    }

    @Test(arguments: UInt64(1)...3, [false, true])
    func everyStepIsOneWorldOrTheOther(seed: UInt64, carries: Bool) throws {
        let generated = CaseGenerator(seed: seed, packetsPerWorld: 60).case
        var random = SplitMix64(seed: seed)
        var agent = Agent()
        agent.carries = carries
        var world = generated.world
        let probes = generated.probes
        var before: [Decision?] = probes.map { _ in nil }
        for number in 0..<10 {
            let after = Self.verdicts(probes, world)
            let transition = try agent.plan(world)
            if let violation = agent.run(transition.steps, probes, before, after) {
                Issue.record("seed \(seed), change \(number): \(violation)")
                return
            }
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                if let violation = agent.run(agent.state.retire(), probes, after, after) {
                    Issue.record("seed \(seed), retiring after change \(number): \(violation)")
                    return
                }
                guard var settling = try agent.state.settling(decisions: [:]) else { break }
                agent.state.commit(&settling)
                if let violation = agent.run(settling.steps, probes, after, after) {
                    Issue.record("seed \(seed), settling after change \(number): \(violation)")
                    return
                }
            }
            before = after
            Self.change(&world, generated.world, &random)
            if number % 4 == 3 {
                agent.skip(world)
                Self.change(&world, generated.world, &random)
            }
        }
        print("seed \(seed): \(agent.verdicts) verdicts looked up between steps, \(agent.flips) changed")
        #expect(agent.flips > 0)
    }

    /// One peer is relabelled while a block comes around it and another peer. Between its two words the first has what it had
    /// before, under the block's number; there the second has nothing of its own from now on.
    @Test func whatIsPassedOnTheWayIsNotWhereOthersStand() throws {
        var world = PolicyWorld()
        world.namespaces["lab"] = Namespace(name: "lab")
        world.tiers["first"] = Tier(name: "first", order: 1, defaultAction: .pass)
        world.tiers["default"] = Tier(name: "default", order: Tier.defaultOrder)
        func allow(_ role: String, _ port: UInt16) -> PolicyRule {
            PolicyRule(
                action: .allow, transport: .tcp, source: EntityRule(selector: .equals(key: "role", value: role)),
                destination: EntityRule(ports: [PortRange(port)]))
        }
        let rules: [(tier: String, rules: [PolicyRule])] = [
            ("first", [allow("writer", 81),
                PolicyRule(action: .pass, source: EntityRule(selector: .equals(key: "role", value: "far"))), allow("reader", 80)]),
            ("default", [PolicyRule(action: .deny)]),
        ]
        for (tier, rules) in rules {
            let reference = PolicyReference(kind: "NetworkPolicy", namespace: "lab", name: tier)
            world.policies[reference] = Policy(
                reference: reference, tier: tier, order: 1, selector: .equals(key: "role", value: "server"),
                directions: [.ingress], ingress: rules, egress: [])
        }
        func address(_ number: Int) -> IPAddress { IPAddress(v4: 0x0a00_0000 + UInt32(number)) }
        for (number, role) in ["server", "reader", "reader"].enumerated() {
            let key = EndpointKey(namespace: "lab", name: "e\(number)")
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: ["role": role], node: number == 0 ? WorldGenerator.node : "elsewhere",
                interfaceName: "v\(number)", addresses: [address(number)])
        }
        let server = EndpointKey(namespace: "lab", name: "e0")
        let probes = [1, 2].flatMap { peer in
            [UInt16(80), 81].map { port in
                PolicyTesting.Probe(
                    endpoint: server, direction: .ingress,
                    packet: PacketTuple(
                        source: address(peer), destination: address(0), transport: .tcp, sourcePort: 1, destinationPort: port))
            }
        }
        var agent = Agent()
        agent.carries = true
        var before: [Decision?] = probes.map { _ in nil }
        let net = try #require(AddressBlock(address: address(0), prefixLength: 8))
        for step in 0..<2 {
            if step == 1 {
                world.networkSets[NamespacedName(namespace: "lab", name: "far")] = NetworkSet(
                    namespace: "lab", name: "far", labels: ["role": "far"], nets: [net])
                world.endpoints[EndpointKey(namespace: "lab", name: "e1")]?.labels = ["role": "writer"]
            }
            let after = Self.verdicts(probes, world)
            #expect(agent.run(try agent.plan(world).steps, probes, before, after) == nil)
            #expect(agent.run(agent.state.retire(), probes, after, after) == nil)
            before = after
        }
        #expect(before.map { $0?.verdict } == [.deny, .allow, .deny, .deny])
    }

    /// The cost of the commonest change follows what it touches.
    @Test func aPeersLabelIsAFewWrites() throws {
        var world = PolicyWorld()
        world.namespaces["lab"] = Namespace(name: "lab")
        world.tiers["default"] = Tier(name: "default", order: Tier.defaultOrder)
        let reference = PolicyReference(kind: "NetworkPolicy", namespace: "lab", name: "readers")
        let fromWriters = PolicyRule(
            action: .allow, source: EntityRule(selector: .equals(key: "role", value: "writer")), destination: EntityRule())
        world.policies[reference] = Policy(
            reference: reference, tier: "default", order: 10, selector: .equals(key: "role", value: "reader"),
            directions: [.ingress], ingress: [fromWriters], egress: [])
        for number in 0..<200 {
            let key = EndpointKey(namespace: "lab", name: "e\(number)")
            world.endpoints[key] = WorkloadEndpoint(
                key: key, labels: ["role": number < 100 ? "reader" : number < 150 ? "writer" : "idle"],
                node: number < 100 ? WorldGenerator.node : "elsewhere", interfaceName: "v\(number)",
                addresses: [IPAddress(v4: 0x0a00_0000 + UInt32(number))])
        }
        var agent = Agent()
        _ = try agent.plan(world)
        _ = agent.state.retire()
        world.endpoints[EndpointKey(namespace: "lab", name: "e160")]?.labels = ["role": "writer"]
        let steps = try agent.plan(world).steps
        #expect(steps.count <= 4, "\(steps)")
    }
}

/// `decide` of the model, which a method of the same name would hide.
private func modelVerdict(_ probe: Probe, _ kernel: ModelKernel) -> ModelVerdict { decide(probe, in: kernel) }
