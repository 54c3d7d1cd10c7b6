import NIOCore

/// Sees the bytes before they are HTTP: where some have come and no request has begun with them, its head has to follow in
/// time. Otherwise whoever sends a byte a minute would keep a connection for as long as he likes.
final class SlowHeadHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: ConnectionHandler
    /// The last bytes that came, as many as tell the end of a head.
    private var tail: [UInt8] = []

    init(_ connection: ConnectionHandler) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let heads = connection.heads
        let wasReading = connection.isReading
        tail = (tail + unwrapInboundIn(data).readableBytesView.suffix(3)).suffix(3)
        context.fireChannelRead(data)
        connection.beginsHead = beginsHead(isNewHead: connection.heads > heads, wasReading: wasReading)
        connection.awaitHead(context.channel)
    }

    /// Whether the bytes ended within a head. Where a body ended with them nobody knows: the next byte tells.
    private func beginsHead(isNewHead: Bool, wasReading: Bool) -> Bool {
        if connection.isReading { return false }
        if !isNewHead { return !wasReading }
        return !connection.hadBody && !tail.ends(with: "\n\r\n") && !tail.ends(with: "\n\n")
    }
}

extension [UInt8] {
    fileprivate func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
