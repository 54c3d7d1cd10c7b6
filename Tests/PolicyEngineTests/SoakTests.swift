import Dataplane
import Foundation
import PolicyEngine
import PolicyModel
import PolicyTesting
import Testing

/// Oracle against tables for as long as asked. What is ever found is kept: `Cases/seeds` has a seed a line, and every
/// ordinary run tries them all.
@Suite("Soak: oracle against tables") struct SoakTests {
    /// Worlds that one compiler lives through: a seed stands for all of them.
    static let worldsOfASeed = 20

    static let casesPath = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Cases/seeds").path

    /// The first disagreement within the worlds of a seed.
    static func disagreement(seed: UInt64, faults: [PlantedFault] = [], verdicts: inout Int) -> String? {
        var compiler = VerdictCompiler()
        for example in CaseGenerator(seed: seed, packetsPerWorld: 200).cases(worldsOfASeed) {
            let oracle = PolicyOracle(world: example.world)
            let compiled = faults.reduce(example.world) { $1.apply(to: $0) }
            let evaluator = TableEvaluator(tables: compiler.compile(compiled, node: WorldGenerator.node))
            if let broken = compiler.checkInvariants().first { return "seed \(seed), world \(example.seed): \(broken)" }
            for probe in example.probes {
                verdicts += 1
                let wanted = oracle.decide(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                let given = evaluator.decide(endpoint: probe.endpoint, direction: probe.direction, packet: probe.packet)
                if given != wanted {
                    return "seed \(seed), world \(example.seed), \(probe): oracle \(wanted), tables \(String(describing: given))"
                }
            }
        }
        return nil
    }

    /// The seeds of a file of cases; what follows `#` is for people.
    static func seeds(in text: String) -> [UInt64] {
        text.split(separator: "\n").compactMap { line in
            UInt64(line.prefix { $0 != "#" }.filter { !$0.isWhitespace })
        }
    }

    /// Adds a seed to the file, once.
    static func keep(_ seed: UInt64, in path: String) throws {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        guard !seeds(in: text).contains(seed) else { return }
        try (text + "\(seed)\n").write(toFile: path, atomically: true, encoding: .utf8)
    }

    @Test func everyCaseThatWasFoundAgrees() throws {
        let seeds = Self.seeds(in: try String(contentsOfFile: Self.casesPath, encoding: .utf8))
        var verdicts = 0
        for seed in seeds {
            let found = Self.disagreement(seed: seed, verdicts: &verdicts)
            #expect(found == nil)
        }
        print("\(seeds.count) kept cases, \(verdicts) verdicts")
        #expect(!seeds.isEmpty && verdicts > 0)
    }

    @Test func aDisagreementIsFoundAndKeptOnce() throws {
        var verdicts = 0
        let fault = PlantedFault.allCases[0]
        let seed = (UInt64(1)...20).first { Self.disagreement(seed: $0, faults: [fault], verdicts: &verdicts) != nil }
        let found = try #require(seed)
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("cases-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "# for people\n7 # seven\n".write(toFile: path, atomically: true, encoding: .utf8)
        try Self.keep(found, in: path)
        try Self.keep(found, in: path)
        #expect(Self.seeds(in: try String(contentsOfFile: path, encoding: .utf8)) == [7, found].reduce(into: []) {
            if !$0.contains($1) { $0.append($1) }
        })
    }

    /// `make soak`: BULKHEAD_SOAK_SECONDS says for how long. The seeds begin with the time and are printed.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["BULKHEAD_SOAK_SECONDS"] != nil))
    func asLongAsAsked() throws {
        let text = ProcessInfo.processInfo.environment["BULKHEAD_SOAK_SECONDS"] ?? ""
        let seconds = try #require(Double(text), "BULKHEAD_SOAK_SECONDS must be a number of seconds, not \(text)")
        let first = UInt64(Date().timeIntervalSince1970) * 1_000_000
        let start = ContinuousClock.now
        var (seed, verdicts, found, nextLine) = (first, 0, 0, 60.0)
        print("soak: seeds from \(first) for \(seconds) s")
        while true {
            let elapsed = Double((ContinuousClock.now - start).components.seconds)
            if elapsed >= nextLine || elapsed >= seconds {
                print("soak: \(Int(elapsed)) s, seeds \(first) to \(seed), \(verdicts) verdicts, \(found) disagreements")
                nextLine += 60
            }
            if elapsed >= seconds { break }
            if let disagreement = Self.disagreement(seed: seed, verdicts: &verdicts) {
                found += 1
                try Self.keep(seed, in: Self.casesPath)
                Issue.record("\(disagreement); kept in \(Self.casesPath)")
            }
            seed += UInt64(Self.worldsOfASeed)
        }
        #expect(verdicts > 0)
    }
}
