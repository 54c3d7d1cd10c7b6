import NIOCore
import NIOPosix
import NIOSSL
import PolicyModel

/// A TLS connection to a running server on which a test says to the byte what is sent, and when.
struct RawConnection: Sendable {
    struct Answer: Sendable {
        var status: Int
        var head: String
        var body: [UInt8]

        var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }

        /// By its name in lower case; nil where there is none.
        func header(_ name: String) -> String? {
            head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name + ":") }.map { line in
                String(line.drop { $0 != ":" }.dropFirst().drop { $0 == " " })
            }
        }
    }

    /// Sends the parts, `pause` apart, and returns the first `count` answers, all with a Content-Length, and whether the server
    /// then closes the connection.
    static func exchange(
        _ server: RunningServer, _ parts: [String], pause: Duration = .zero, count: Int, untilClosed: Bool = false
    ) async throws -> (answers: [Answer], isClosed: Bool) {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(server.stateDirectory + "/ca.crt"))
        let context = try NIOSSLContext(configuration: tls)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: server.ready.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            for part in parts {
                try await outbound.write(ByteBuffer(string: part))
                if pause > .zero { try await Task.sleep(for: pause) }
            }
            var answers: [Answer] = []
            var rest: [UInt8] = []
            do {
                for try await buffer in inbound {
                    rest += Array(buffer.readableBytesView)
                    while let answer = next(&rest) { answers.append(answer) }
                    if answers.count >= count, !untilClosed { return (answers, false) }
                }
            } catch NIOSSLError.uncleanShutdown {
                return (answers, true)
            }
            return (answers, true)
        }
    }

    private static func next(_ bytes: inout [UInt8]) -> Answer? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let head = String(text[..<end.lowerBound])
        var answer = Answer(status: Int(head.split(separator: " ")[1]) ?? 0, head: head, body: [])
        let length = answer.header("content-length").flatMap { Int($0) } ?? 0
        let start = head.utf8.count + 4
        guard bytes.count >= start + length else { return nil }
        answer.body = Array(bytes[start..<(start + length)])
        bytes.removeFirst(start + length)
        return answer
    }
}
