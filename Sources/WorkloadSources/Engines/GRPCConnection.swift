import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix

/// Calls over HTTP/2 on a unix socket, as gRPC writes them ("gRPC over HTTP2"): one message out, one or many in.
struct GRPCConnection: Sendable {
    typealias Stream = NIOAsyncChannel<HTTP2Frame.FramePayload, HTTP2Frame.FramePayload>

    /// The status of an answer other than OK.
    struct Refusal: Error, CustomStringConvertible {
        /// `google.rpc.Code`
        var code: Int
        var description: String

        static let notFound = 5
    }

    /// Containers' specifications have some tens of kilobytes.
    private static let maximumMessageBytes = 16 * 1024 * 1024
    private static let timeoutSeconds = 20.0

    private let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.AsyncStreamMultiplexer<Stream>

    init(socketPath: String) async throws {
        (channel, multiplexer) = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(unixDomainSocketPath: socketPath) { channel in
                channel.configureAsyncHTTP2Pipeline(mode: .client) { stream in
                    stream.eventLoop.makeCompletedFuture { try Stream(wrappingChannelSynchronously: stream) }
                }.map { (channel, $0) }
            }
    }

    func close() { channel.close(promise: nil) }

    /// The only message of the answer.
    func call(_ method: String, _ message: [UInt8] = [], headers: [String: String] = [:]) async throws -> ProtobufMessage {
        let deadline = Task { [channel] in
            try await Task.sleep(for: .seconds(Self.timeoutSeconds))
            // An engine that does not answer is asked anew over another connection.
            channel.close(promise: nil)
        }
        defer { deadline.cancel() }
        var answer: [UInt8]?
        try await exchange(method, message, headers) { answer = $0 }
        guard let answer else { throw WorkloadSourceError("The engine did not answer to \(method).") }
        return try ProtobufMessage(answer)
    }

    /// Every message of the answer until it ends.
    func stream(_ method: String, _ message: [UInt8] = []) -> AsyncThrowingStream<ProtobufMessage, any Error> {
        AsyncThrowingStream { continuation in
            let reading = Task {
                do {
                    try await exchange(method, message, [:]) { continuation.yield(try ProtobufMessage($0)) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in reading.cancel() }
        }
    }

    private func exchange(
        _ method: String, _ message: [UInt8], _ headers: [String: String], receive: (_ message: [UInt8]) throws -> Void
    ) async throws {
        let stream = try await multiplexer.openStream { stream in
            stream.eventLoop.makeCompletedFuture { try Stream(wrappingChannelSynchronously: stream) }
        }
        try await stream.executeThenClose { inbound, outbound in
            var fields = HPACKHeaders([
                (":method", "POST"), (":scheme", "http"), (":path", "/\(method)"), (":authority", "localhost"),
                ("content-type", "application/grpc"), ("te", "trailers"),
            ])
            for (name, value) in headers { fields.add(name: name, value: value) }
            try await outbound.write(.headers(.init(headers: fields)))
            var body = ByteBuffer()
            body.writeInteger(UInt8(0))
            body.writeInteger(UInt32(message.count))
            body.writeBytes(message)
            try await outbound.write(.data(.init(data: .byteBuffer(body), endStream: true)))
            var received = ByteBuffer()
            for try await frame in inbound {
                switch frame {
                case .headers(let headers): try Self.check(headers.headers)
                case .data(let data):
                    if case .byteBuffer(var part) = data.data { received.writeBuffer(&part) }
                    while let message = try Self.message(&received) { try receive(message) }
                    received.discardReadBytes()
                default: break
                }
            }
        }
    }

    /// The next message that is there in full.
    private static func message(_ received: inout ByteBuffer) throws -> [UInt8]? {
        guard let length = received.getInteger(at: received.readerIndex + 1, as: UInt32.self) else { return nil }
        guard length <= maximumMessageBytes, received.getInteger(at: received.readerIndex, as: UInt8.self) == 0 else {
            throw WorkloadSourceError("The engine sent a message of \(length) bytes, or a compressed one.")
        }
        guard received.readableBytes >= 5 + Int(length) else { return nil }
        received.moveReaderIndex(forwardBy: 5)
        return received.readBytes(length: Int(length))
    }

    private static func check(_ headers: HPACKHeaders) throws {
        if let status = headers.first(name: ":status"), status != "200" {
            throw WorkloadSourceError("The engine answered with HTTP status \(status): is this a socket of containerd?")
        }
        guard let code = headers.first(name: "grpc-status").flatMap(Int.init), code != 0 else { return }
        throw Refusal(code: code, description: headers.first(name: "grpc-message") ?? "gRPC status \(code)")
    }
}
