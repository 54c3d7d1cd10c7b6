import Dispatch
import Glibc

/// SIGTERM and SIGINT as values.
///
/// Unchecked: Dispatch does not declare its sources Sendable; these are only held, and never used again.
final class StopSignals: @unchecked Sendable {
    private let names: AsyncStream<String>
    // Sources that nobody holds are cancelled.
    private let sources: [any DispatchSourceSignal]

    init() {
        let (names, continuation) = AsyncStream<String>.makeStream()
        self.names = names
        sources = [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")].map { number, name in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(name) }
            source.resume()
            return source
        }
    }

    /// nil when the task is cancelled.
    func next() async -> String? {
        for await name in names { return name }
        return nil
    }
}
