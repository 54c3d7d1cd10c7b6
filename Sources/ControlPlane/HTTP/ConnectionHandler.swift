import Crypto
import Datastore
import NIOCore
import NIOHTTP1
import NIOSSL
import PolicyModel

/// What one connection does before and after the HTTP library: it answers plain gets of what is in memory at once, gives up
/// on requests that do not arrive, and closes where an answer says so.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Certificate {
        case unknown
        case known(digest: String?)
    }

    private let reads: DirectReads
    private let date: HTTPDate
    private let headSeconds: Double
    /// Requests that went to the library and are not answered yet: nothing may be answered before them.
    private var others = 0
    private(set) var isReading = false
    /// The request that came last has one.
    private(set) var hadBody = false
    /// The beginning of another head has come; for `SlowHeadHandler`.
    var beginsHead = false
    private var direct: (document: StoredDocument, start: ContinuousClock.Instant)?
    private var mustFlush = false
    private var closesAfterAnswer = false
    private var certificate = Certificate.unknown
    private var lateHead: Scheduled<Void>?
    private var lastToLibrary = NIODeadline.now()
    /// How many requests have begun; for `SlowHeadHandler`.
    private(set) var heads = 0

    /// The library must hear of a connection now and then, or it takes it for idle.
    private static let silence = TimeAmount.seconds(Limits.idleConnectionSeconds / 4)

    init(reads: DirectReads, date: HTTPDate, headSeconds: Double) {
        self.reads = reads
        self.date = date
        self.headSeconds = headSeconds
    }

    /// No request is being read or answered.
    private var isBetweenRequests: Bool { !isReading && others == 0 }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            heads += 1
            isReading = true
            hadBody = false
            lateHead?.cancel()
            lateHead = nil
            if others == 0, let document = known(head, context) {
                direct = (document, .now)
                return
            }
            others += 1
            lastToLibrary = .now()
        case .body:
            hadBody = true
            // Of a direct one there is none: its head says so.
            if direct != nil { return }
        case .end:
            isReading = false
            if let direct {
                self.direct = nil
                return answer(direct.document, since: direct.start, context)
            }
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if mustFlush {
            mustFlush = false
            context.flush()
        }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        lateHead?.cancel()
        lateHead = nil
        context.fireChannelInactive()
    }

    private func known(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) -> StoredDocument? {
        guard NIODeadline.now() - lastToLibrary < Self.silence else { return nil }
        return reads.answer(to: head, certificateDigest: certificateDigest(context))
    }

    /// Of the certificate that the client proved to have; it stays the same for as long as the connection lives.
    private func certificateDigest(_ context: ChannelHandlerContext) -> String? {
        if case .known(let digest) = certificate { return digest }
        let bytes = try? context.pipeline.syncOperations.nioSSL_peerCertificate()?.toDERBytes()
        let digest = bytes.map { Hexadecimal.text(SHA256.hash(data: $0)) }
        certificate = .known(digest: digest)
        return digest
    }

    private func answer(_ document: StoredDocument, since start: ContinuousClock.Instant, _ context: ChannelHandlerContext) {
        let head = HTTPResponseHead(
            version: .http1_1, status: .ok,
            headers: [
                "Content-Type": "application/json", "Cache-Control": HTTPFrontend.cacheControl,
                "Content-Length": String(document.json.count), "Date": date.now, "Server": APIServer.name,
            ])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: document.json)))), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        mustFlush = true
        reads.answered(after: start.duration(to: .now))
    }

    // MARK: Out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status == .requestTimeout:
            // What is left of the request may come at any time: nothing could be told apart from it.
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            closesAfterAnswer = true
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            others -= 1
            guard closesAfterAnswer else {
                awaitHead(context.channel)
                return context.write(data, promise: promise)
            }
            context.writeAndFlush(data, promise: promise)
            context.close(promise: nil)
        default: context.write(data, promise: promise)
        }
    }

    // MARK: Slow heads

    /// Where a head has begun and nothing else is to be done, it has `headSeconds` from now on to be whole.
    func awaitHead(_ channel: any Channel) {
        guard beginsHead, isBetweenRequests, lateHead == nil else { return }
        lateHead = channel.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(headSeconds * 1000))) { [weak self] in
            guard let self, isBetweenRequests else { return }
            lateHead = nil
            refuseHead(channel)
        }
    }

    private func refuseHead(_ channel: any Channel) {
        let body = APIFailure.slowHead(seconds: headSeconds).status.serialized()
        let head = HTTPResponseHead(
            version: .http1_1, status: .requestTimeout,
            headers: ["Content-Type": "application/json", "Content-Length": String(body.count), "Connection": "close"])
        guard let context = try? channel.pipeline.syncOperations.context(handler: self) else { return }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(promise: nil)
    }
}
