import Hummingbird
import NIOCore

/// Runs a stream's producer and writes what it makes, until either ends or the client closes the connection.
struct StreamDelivery: Sendable {
    let produce: @Sendable (LineSink) async -> Void
    /// Closed when a reader that fell behind does not take what is buffered in `Limits.slowReaderSeconds`.
    let channel: any Channel

    func run(requestBody: RequestBody, writer: inout any ResponseBodyWriter) async throws {
        let (sink, chunks) = LineSink.make()
        do {
            // The writer stays in this task; only the producer runs beside it.
            try await requestBody.consumeWithInboundCloseHandler { _ in
                try await deliver(chunks, from: sink, to: &writer)
            } onInboundClosed: {
                sink.abandon()
            }
        } catch is CancellationError {
            return
        }
    }

    private func deliver(
        _ chunks: AsyncStream<[UInt8]>, from sink: LineSink, to writer: inout any ResponseBodyWriter
    ) async throws {
        let producer = Task {
            await produce(sink)
            sink.finish()
            // What is left is taken in time, or nobody is there to take it.
            guard (try? await Task.sleep(for: .seconds(Limits.slowReaderSeconds))) != nil else { return }
            channel.close(promise: nil)
        }
        defer { producer.cancel() }
        try await withTaskCancellationHandler {
            for await chunk in chunks {
                try await writer.write(ByteBuffer(bytes: chunk))
                sink.consumed(chunk.count)
                if sink.isAbandoned { break }
            }
            if sink.overflowed {
                try await writer.write(
                    ByteBuffer(
                        bytes: WatchStream.line(
                            "ERROR",
                            APIFailure.expired("the reader was too slow; list again and watch from there").status)))
            }
        } onCancel: {
            sink.abandon()
        }
    }
}
