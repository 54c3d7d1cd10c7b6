import Foundation

/// Measures what the engine and the kernel side cost, on this machine; `Documentation/Benchmarks.md` says how to read it.
@main
enum Benchmarks {
    static func main() {
        EngineBenchmark.run()
        // `engine` alone needs no root.
        if CommandLine.arguments.dropFirst().first == "engine" { return }
        do {
            let laboratory = try Laboratory()
            try FirstPacketBenchmark.run(laboratory)
            try AttachBenchmark.run(laboratory)
        } catch {
            FileHandle.standardError.write(Data("bulkhead-benchmarks: \(error)\n".utf8))
            // The laboratory is gone here, and its folders with it.
            exit(1)
        }
    }

    /// Prints at once, also into a pipe.
    static func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
}
