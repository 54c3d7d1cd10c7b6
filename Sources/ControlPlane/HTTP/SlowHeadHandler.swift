import NIOCore

/// Sees the bytes before they are HTTP: where some have come and no request has begun with them, its head has to follow in
/// time. Otherwise whoever sends a byte a minute would keep a connection for as long as he likes.
final class SlowHeadHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: ConnectionHandler

    init(_ connection: ConnectionHandler) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let before = connection.heads
        context.fireChannelRead(data)
        if connection.heads == before, connection.isBetweenRequests { connection.awaitHead(context.channel) }
    }
}
