import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The HTTP/1.1 connections of the API server: those of the HTTP library, with our own handlers between it and the network.
struct APIChannel: HTTPChannelHandler {
    /// A connection that the library may also let go of without serving it: one that arrives while it stops.
    final class Value: ServerChildChannelValue {
        fileprivate let parts: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

        var channel: any Channel { parts.channel }

        fileprivate init(_ parts: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>) { self.parts = parts }

        deinit {
            // A writer that nobody finished ends the process. After an orderly end both do nothing.
            parts.outbound.finish()
            parts.channel.close(promise: nil)
        }
    }

    let responder: HTTPChannelHandler.Responder
    let reads: DirectReads
    let date: HTTPDate
    let headSeconds: Double

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let connection = ConnectionHandler(reads: reads, date: date, headSeconds: headSeconds)
            try pipeline.addHandler(SlowHeadHandler(connection))
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldSize = Limits.headerFieldBytes
            limits.maxHeaderListSize = Limits.headerBytes
            limits.maxHeaderFieldCount = Limits.headerCount
            // Errors are answered by `MalformedRequestHandler`; one request after the other is what the library reads.
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
            try pipeline.addHandler(connection)
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandler(MalformedRequestHandler())
            try pipeline.addHandler(
                HTTPConnectionStateHandler(idleTimeout: .seconds(Limits.idleConnectionSeconds), logger: logger))
            return Value(
                try NIOAsyncChannel(
                    wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true)))
        }
    }

    func handle(value: Value, logger: Logger) async { await handleHTTP(asyncChannel: value.parts, logger: logger) }
}
