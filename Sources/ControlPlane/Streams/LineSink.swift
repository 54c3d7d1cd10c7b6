import Synchronization

/// Where a streaming answer puts its lines: a bounded buffer between what happens in the store and what the client reads.
final class LineSink: Sendable {
    private struct State {
        var overflowed = false
        var abandoned = false
        /// Taken and not yet written.
        var bytes = 0
        /// Who waits for room.
        var waiter: CheckedContinuation<Void, Never>?
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
        case .enqueued:
            state.withLock { $0.bytes += chunk.count }
            return true
        case .dropped:
            state.withLock { $0.overflowed = true }
            continuation.finish()
            return false
        default: return false
        }
    }

    /// After a chunk was written.
    func consumed(_ bytes: Int) {
        wake { state in
            state.bytes -= bytes
            return state.bytes < Limits.streamBufferBytes
        }
    }

    /// Returns when there is room, nobody reads any more, or the task is cancelled. For one task at a time.
    func room() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let hasRoom = state.withLock { state in
                    if Task.isCancelled || state.abandoned || state.bytes < Limits.streamBufferBytes { return true }
                    state.waiter = continuation
                    return false
                }
                if hasRoom { continuation.resume() }
            }
        } onCancel: {
            wake { _ in true }
        }
    }

    private func wake(_ change: (inout State) -> Bool) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard change(&state) else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Nothing more will come; what is buffered is still delivered.
    func finish() { continuation.finish() }

    /// Nobody reads any more.
    func abandon() {
        wake { state in
            state.abandoned = true
            return true
        }
        continuation.finish()
    }

    var overflowed: Bool { state.withLock { $0.overflowed } }
    var isAbandoned: Bool { state.withLock { $0.abandoned } }
}
