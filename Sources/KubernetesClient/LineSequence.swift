import AsyncHTTPClient
import NIOCore

/// The lines of an answer, as they come, without their line feeds. Ends when the server ends the answer; giving up the
/// iteration ends the request.
public struct LineSequence: AsyncSequence, Sendable {
    /// A line that is longer means that something is wrong.
    public static let maximumLineBytes = 16 * 1024 * 1024

    let body: HTTPClientResponse.Body
    let configuration: Kubeconfig

    public func makeAsyncIterator() -> Iterator {
        Iterator(chunks: body.makeAsyncIterator(), configuration: configuration)
    }

    public struct Iterator: AsyncIteratorProtocol {
        var chunks: HTTPClientResponse.Body.AsyncIterator
        let configuration: Kubeconfig
        private var buffer = ByteBuffer()
        /// How much of the buffer is known to hold no line feed.
        private var searched = 0
        private var ended = false

        init(chunks: HTTPClientResponse.Body.AsyncIterator, configuration: Kubeconfig) {
            self.chunks = chunks
            self.configuration = configuration
        }

        public mutating func next() async throws -> [UInt8]? {
            while true {
                if let line = takeLine() { return line }
                guard !ended else { return takeRest() }
                guard buffer.readableBytes <= LineSequence.maximumLineBytes else {
                    throw KubernetesError.unexpectedAnswer(
                        "The server \(configuration.server) sent a line of more than \(LineSequence.maximumLineBytes) bytes.")
                }
                do {
                    if var chunk = try await chunks.next() {
                        buffer.writeBuffer(&chunk)
                    } else {
                        ended = true
                    }
                } catch {
                    throw KubernetesError.describe(error, configuration: configuration)
                }
            }
        }

        private mutating func takeLine() -> [UInt8]? {
            guard let end = buffer.readableBytesView.dropFirst(searched).firstIndex(of: 0x0a) else {
                searched = buffer.readableBytes
                return nil
            }
            searched = 0
            let line = buffer.readBytes(length: end - buffer.readerIndex)
            buffer.moveReaderIndex(forwardBy: 1)
            buffer.discardReadBytes()
            return line
        }

        private mutating func takeRest() -> [UInt8]? {
            let rest = buffer.readBytes(length: buffer.readableBytes) ?? []
            searched = 0
            return rest.isEmpty ? nil : rest
        }
    }
}
