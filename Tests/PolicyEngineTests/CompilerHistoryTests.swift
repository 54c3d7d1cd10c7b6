import Dataplane
import PolicyModel
import Testing

@testable import PolicyEngine

@Suite("Compiler: histories")
struct CompilerHistoryTests {
    /// After each step the tables are those of a compiler that knows only the last world, and decide as the oracle.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func whateverWasBeforeTheTablesSayTheSame(seed: UInt64) {
        var history = RandomWorld(seed: seed)
        var compiler = VerdictCompiler()
        var verdicts = 0
        for step in 0..<50 {
            for _ in 0...(step % 3) { history.edit() }
            let node = step % 17 == 16 ? "there" : "here"
            let tables = compiler.compile(history.world, node: node)
            let wrong = compiler.checkInvariants()
            #expect(wrong == [], "seed \(seed), step \(step)")
            var fresh = VerdictCompiler()
            let expected = fresh.compile(history.world, node: node)
            #expect(CanonicalTables(tables) == CanonicalTables(expected), "seed \(seed), step \(step)")

            let evaluator = TableEvaluator(tables: tables)
            let oracle = PolicyOracle(world: history.world)
            for leg in tables.legs.keys where SharedLeg(standingFor: leg.address) == nil {
                for direction in Direction.allCases {
                    var packet = history.packet()
                    guard packet.version == leg.address.version else { continue }
                    if direction == .ingress { packet.destination = leg.address } else { packet.source = leg.address }
                    let given = evaluator.decide(endpoint: leg.endpoint, direction: direction, packet: packet)
                    let wanted = oracle.decide(endpoint: leg.endpoint, direction: direction, packet: packet)
                    #expect(given == wanted, "seed \(seed), step \(step), \(leg), \(direction), \(packet)")
                    verdicts += 1
                }
            }
        }
        #expect(verdicts > 200)
    }

    /// However the changes come, one by one, in heaps, in another order, again or not at all when a later one undoes them: the
    /// tables are the same.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func changesInAnyOrderGiveTheSameTables(seed: UInt64) {
        var history = RandomWorld(seed: 1_000 + seed)
        for _ in 0..<120 { history.edit() }
        var fresh = VerdictCompiler()
        let expected = CanonicalTables(fresh.compile(history.world, node: "here"))

        let last = WorldChange.between(PolicyWorld(), history.world)
        var repeated = history.history
        for _ in 0..<40 { repeated.append(history.random.pick(last)) }
        let ways: [(String, [WorldChange])] = [
            ("as it was", history.history),
            ("squashed", last),
            ("squashed, in another order", last.shuffled(using: &history.random)),
            // What is wrong at first is set right at the end.
            ("in another order, then right", history.history.shuffled(using: &history.random) + removals(history) + last),
            ("repeated", repeated),
        ]
        for (name, changes) in ways {
            var compiler = VerdictCompiler()
            _ = compiler.compile(PolicyWorld(), node: "here")
            var rest = changes[...]
            var batches = 0
            while !rest.isEmpty {
                let size = history.random.pick([1, 1, 2, 7, 50])
                let before = compiler.tables
                let lived = compiler.uses
                compiler.apply(Array(rest.prefix(size)))
                let now = compiler.uses
                let told = compiler.lastChanges
                // With a prefix that begins or ends, all that meets it does.
                func stays(_ identity: Identity) -> Bool {
                    lived.prefixes.isUsed(identity.prefix) && now.prefixes.isUsed(identity.prefix)
                }
                let begun = now.combinations.subtracting(lived.combinations).filter(stays)
                let ended = lived.combinations.subtracting(now.combinations).filter(stays)
                #expect(begun == told.identities, "seed \(seed), \(name): combinations begin and are not told of")
                #expect(ended == told.endedIdentities, "seed \(seed), \(name): combinations end and are not told of")
                rest = rest.dropFirst(size)
                batches += 1
                if batches % 10 == 0 || rest.isEmpty {
                    let wrong = compiler.checkInvariants()
                    #expect(wrong == [], "seed \(seed), \(name)")
                }
                let wrong = compiler.lastChanges.differences(from: before, to: compiler.tables)
                #expect(wrong == [], "seed \(seed), \(name)")
            }
            #expect(compiler.world == history.world, "seed \(seed), \(name)")
            #expect(CanonicalTables(compiler.tables) == expected, "seed \(seed), \(name)")
        }
    }

    /// Takes away what the last world does not have.
    private func removals(_ history: RandomWorld) -> [WorldChange] {
        var everything = PolicyWorld()
        for change in history.history where !change.isRemoval { everything.take(change) }
        return WorldChange.between(everything, history.world).filter(\.isRemoval)
    }

    @Test func equalContentKeepsItsNumberAndNoNumberIsUsedTwice() {
        var history = RandomWorld(seed: 7_000)
        var compiler = VerdictCompiler()
        var rows: [RowID: Row] = [:]
        var decisions: [DecisionID: Decision] = [:]
        var rowNumbers: [Row: RowID] = [:]
        for _ in 0..<300 {
            history.edit()
            let tables = compiler.compile(history.world, node: "here")
            for (id, row) in tables.rows {
                #expect(rows.updateValue(row, forKey: id) ?? row == row)
                #expect(rowNumbers.updateValue(id, forKey: row) ?? id == id)
            }
            for (id, decision) in tables.decisions {
                #expect(decisions.updateValue(decision, forKey: id) ?? decision == decision)
            }
        }
        #expect(rows.count > 50)
    }

    @Test func aChangeTakenBackGivesTheSameNumbers() {
        for seed in 100..<120 as Range<UInt64> {
            var history = RandomWorld(seed: seed)
            var compiler = VerdictCompiler()
            let world = history.world
            let before = compiler.compile(world, node: "here")
            for _ in 0..<5 { history.edit() }
            _ = compiler.compile(history.world, node: "here")
            let after = compiler.compile(world, node: "here")
            #expect(before.legs == after.legs)
            #expect(before.exact == after.exact)
            #expect(before.prefixes == after.prefixes)
            #expect(before.stacks == after.stacks)
            #expect(before.rows == after.rows)
            #expect(before.decisions == after.decisions)
            #expect(compiler.lastWork.stacksCompiled == 0)
            #expect(compiler.lastWork.identitiesInterned == 0)
        }
    }

    @Test func whatIsForgottenNeverLendsItsNumber() {
        var compiler = VerdictCompiler()
        var decisions: [DecisionID: Decision] = [:]
        var identities: [IdentityID: Int] = [:]
        var forgotten = 0
        for round in 0..<4_000 {
            var world = PolicyWorld()
            world.addTier()
            world.addNamespace("a")
            world.addEndpoint("a", "web", [address("10.0.0.1")], ["app": "web"])
            world.addEndpoint("a", "peer", [address("10.0.0.2")], ["app": "peer\(round)"])
            world.addPolicy(
                "a", "p\(round)",
                ingress: [PolicyRule(action: .allow, source: EntityRule(selector: app("peer\(round)")))])
            let tables = compiler.compile(world, node: "here")
            forgotten += compiler.lastWork.entriesForgotten
            for (id, decision) in tables.decisions {
                let known = decisions.updateValue(decision, forKey: id)
                #expect(known == nil || known == decision)
            }
            let identity = tables.exact[address("10.0.0.2")] ?? .none
            #expect(identities.updateValue(round, forKey: identity) == nil)
            if round % 500 == 0 {
                let wrong = compiler.checkInvariants()
                #expect(wrong == [])
            }
        }
        #expect(forgotten > 3_000)
        let wrong = compiler.checkInvariants()
        #expect(wrong == [])
    }
}

extension WorldChange {
    fileprivate var isRemoval: Bool {
        switch self {
        case .tier(_, nil), .namespace(_, nil), .serviceAccount(_, nil), .profile(_, nil), .endpoint(_, nil),
            .networkSet(_, nil), .endpointSlice(_, nil), .policy(_, nil), .staged(_, nil):
            true
        default: false
        }
    }
}

extension TableChanges {
    /// What changed and is not told of.
    fileprivate func differences(from old: VerdictTables, to new: VerdictTables) -> [String] {
        var wrong: [String] = []
        func check<Key: Hashable, Value: Equatable>(
            _ old: [Key: Value], _ new: [Key: Value], _ told: some Sequence<Key>, _ name: String
        ) {
            let told = Set(told)
            for key in Set(old.keys).union(new.keys) where old[key] != new[key] && !told.contains(key) {
                wrong.append("\(name) \(key) changed and is not told of")
            }
        }
        check(old.legs, new.legs, legs, "leg")
        check(old.exact, new.exact, exact, "address")
        check(old.prefixes, new.prefixes, prefixes, "prefix")
        check(old.rows, new.rows, rows, "row")
        check(old.decisions, new.decisions, decisions, "decision")
        for stack in Set(old.stacks.keys).union(new.stacks.keys) where !stacks.contains(stack) {
            check(old.stacks[stack]?.pairs ?? [:], new.stacks[stack]?.pairs ?? [:], pairs[stack] ?? [], "pair")
            if old.stacks[stack]?.base != new.stacks[stack]?.base { wrong.append("the base of a stack changed") }
        }
        return wrong
    }
}
