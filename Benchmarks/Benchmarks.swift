import Foundation

/// Measures what the engine and the kernel side cost, on this machine; `Documentation/Benchmarks.md` says how to read it.
@main
enum Benchmarks {
    static func main() {
        do {
            // These need no root.
            if CommandLine.arguments.count < 2 || CommandLine.arguments.contains("engine") { EngineBenchmark.run() }
            if CommandLine.arguments.count < 2 || CommandLine.arguments.contains("change") { try ChangeBenchmark.run() }
            if CommandLine.arguments.count < 2 || CommandLine.arguments.contains("analysis") { try AnalysisBenchmark.run() }
            if CommandLine.arguments.count < 2 || CommandLine.arguments.contains("checks") { CheckBenchmark.run() }
            let needsRoot = CommandLine.arguments.dropFirst().contains { !["engine", "change", "analysis", "checks"].contains($0) }
            if !needsRoot, CommandLine.arguments.count > 1 { return }
            let laboratory = try Laboratory()
            let all: [(name: String, run: (Laboratory) throws -> Void)] = [
                ("first", FirstPacketBenchmark.run), ("unmatched", UnmatchedBenchmark.run), ("inforce", InForceBenchmark.run),
                ("attach", AttachBenchmark.run), ("memory", MapMemory.run),
            ]
            // Without arguments all, else those that are named.
            let chosen = CommandLine.arguments.dropFirst()
            for benchmark in all where chosen.isEmpty || chosen.contains(benchmark.name) { try benchmark.run(laboratory) }
        } catch {
            FileHandle.standardError.write(Data("bulkhead-benchmarks: \(error)\n".utf8))
            // The laboratory is gone here, and its folders with it.
            exit(1)
        }
    }

    /// Prints at once, also into a pipe.
    static func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
}
