import Dataplane
import PolicyEngine
import PolicyModel
import Testing

@Suite("Compiler: histories")
struct CompilerHistoryTests {
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func whateverWasBeforeTheTablesSayTheSame(seed: UInt64) {
        var history = RandomWorld(seed: seed)
        var compiler = VerdictCompiler()
        var verdicts = 0
        for step in 0..<60 {
            for _ in 0...(step % 3) { history.edit() }
            let tables = compiler.compile(history.world, node: step % 17 == 16 ? "there" : "here")
            let wrong = compiler.checkInvariants()
            #expect(wrong == [], "seed \(seed), step \(step)")
            var fresh = VerdictCompiler()
            let expected = fresh.compile(history.world, node: step % 17 == 16 ? "there" : "here")
            #expect(CanonicalTables(tables) == CanonicalTables(expected), "seed \(seed), step \(step)")

            let evaluator = TableEvaluator(tables: tables)
            let freshEvaluator = TableEvaluator(tables: expected)
            for leg in tables.legs.keys {
                for direction in Direction.allCases {
                    var packet = history.packet()
                    guard packet.version == leg.address.version else { continue }
                    if direction == .ingress { packet.destination = leg.address } else { packet.source = leg.address }
                    let decision = evaluator.decide(endpoint: leg.endpoint, direction: direction, packet: packet)
                    let other = freshEvaluator.decide(endpoint: leg.endpoint, direction: direction, packet: packet)
                    #expect(decision != nil && decision == other, "seed \(seed), step \(step)")
                    verdicts += 1
                }
            }
        }
        #expect(verdicts > 300)
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
        #expect(rows.count > 100)
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
