import Glibc

/// An rtnetlink socket of the network namespace that the calling thread was in when it was opened.
struct RouteSocket: ~Copyable {
    let descriptor: Int32
    private var sequence: UInt32 = 0

    /// - Parameter groups: a mask of RTMGRP_* to be told of.
    init(groups: UInt32 = 0) throws(RouteError) {
        descriptor = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw RouteError(operation: "open an rtnetlink socket", code: errno) }
        // struct sockaddr_nl
        let address = UInt16(AF_NETLINK).hostBytes + UInt16(0).hostBytes + UInt32(0).hostBytes + groups.hostBytes
        let result = address.withUnsafeBytes { bytes in
            bind(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            throw RouteError(operation: "bind an rtnetlink socket", code: code)
        }
    }

    deinit { close(descriptor) }

    /// Every message of a dump. A dump that the kernel saw change under it is done again.
    mutating func dump(_ type: UInt16, payload: [UInt8], operation: String) throws(RouteError) -> [RouteMessage] {
        for _ in 0..<16 {
            var messages: [RouteMessage] = []
            var interrupted = false
            try send(type, flags: RouteNumber.requestFlag | RouteNumber.dumpFlags, payload: payload, operation: operation)
            receiving: while true {
                for message in try receive(operation: operation) {
                    if message.flags & RouteNumber.dumpInterruptedFlag != 0 { interrupted = true }
                    switch message.type {
                    case RouteNumber.done: break receiving
                    case RouteNumber.error: throw RouteError(operation: operation, code: Self.errorCode(message))
                    default: messages.append(message)
                    }
                }
            }
            if !interrupted { return messages }
        }
        throw RouteError(operation: operation, code: EAGAIN)
    }

    /// The one answer to a request.
    mutating func ask(_ type: UInt16, payload: [UInt8], operation: String) throws(RouteError) -> RouteMessage {
        try send(type, flags: RouteNumber.requestFlag, payload: payload, operation: operation)
        while true {
            for message in try receive(operation: operation) where message.type != RouteNumber.noop {
                guard message.type == RouteNumber.error else { return message }
                throw RouteError(operation: operation, code: Self.errorCode(message))
            }
        }
    }

    /// The next datagram; blocks.
    func receive(operation: String, flags: Int32 = 0) throws(RouteError) -> [RouteMessage] {
        // Dumps come in pieces of at most 32 KiB.
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, flags) }
            if count >= 0 { return RouteMessage.parse(Array(buffer[..<count])) }
            if errno != EINTR { throw RouteError(operation: operation, code: errno) }
        }
    }

    mutating func send(
        _ type: UInt16, flags: UInt16, payload: [UInt8], operation: String
    ) throws(RouteError) {
        sequence += 1
        let length = UInt32(RouteNumber.headerSize + payload.count)
        let message =
            length.hostBytes + type.hostBytes + flags.hostBytes + sequence.hostBytes + UInt32(0).hostBytes + payload
        let count = message.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
        guard count == message.count else { throw RouteError(operation: operation, code: errno) }
    }

    static func errorCode(_ message: RouteMessage) -> Int32 {
        -message.payload.number(at: 0, as: Int32.self)
    }
}
