import Foundation
import Glibc

/// Measures what the kernel side costs, on this machine; `Documentation/Benchmarks.md` says how to read it.
@main
enum Benchmarks {
    static func main() {
        setvbuf(stdout, nil, _IOLBF, 0)
        do {
            let laboratory = try Laboratory()
            try FirstPacketBenchmark.run(laboratory)
            try AttachBenchmark.run(laboratory)
        } catch {
            FileHandle.standardError.write(Data("bulkhead-benchmarks: \(error)\n".utf8))
            // Not exit(): the laboratory is gone here, its folders removed.
            _exit(1)
        }
    }
}
