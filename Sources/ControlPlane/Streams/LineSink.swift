import Synchronization

/// Where a streaming answer puts its lines: a bounded buffer between what happens in the store and what the client reads.
final class LineSink: Sendable {
    private struct State {
        var overflowed = false
        var abandoned = false
    }

    private let continuation: AsyncStream<[UInt8]>.Continuation
    private let state = Mutex(State())

    private init(_ continuation: AsyncStream<[UInt8]>.Continuation) { self.continuation = continuation }

    /// The sink and the stream that drains it; the buffer holds `Limits.streamBufferChunks` chunks.
    static func make() -> (sink: LineSink, chunks: AsyncStream<[UInt8]>) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: [UInt8].self, bufferingPolicy: .bufferingOldest(Limits.streamBufferChunks))
        return (LineSink(continuation), stream)
    }

    /// False when the reader has fallen too far behind, or is gone: the chunk was not taken and none will be.
    func send(_ chunk: [UInt8]) -> Bool {
        guard state.withLock({ !$0.overflowed && !$0.abandoned }) else { return false }
        switch continuation.yield(chunk) {
        case .enqueued: return true
        case .dropped:
            state.withLock { $0.overflowed = true }
            continuation.finish()
            return false
        default: return false
        }
    }

    /// Nothing more will come; what is buffered is still delivered.
    func finish() { continuation.finish() }

    /// Nobody reads any more.
    func abandon() {
        state.withLock { $0.abandoned = true }
        continuation.finish()
    }

    var overflowed: Bool { state.withLock { $0.overflowed } }
    var isAbandoned: Bool { state.withLock { $0.abandoned } }
}
