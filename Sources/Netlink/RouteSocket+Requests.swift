import CLinux
import Glibc

/// Requests that change something, with the kernel's word on how it went.
extension RouteSocket {
    /// Errors of `request` come with text then, where the kernel has any; older kernels ignore it.
    func askForExplanations() {
        var yes: Int32 = 1
        for option in [NETLINK_EXT_ACK, NETLINK_CAP_ACK] {
            setsockopt(descriptor, SOL_NETLINK, option, &yes, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    /// 0, or an `errno` value with the kernel's explanation.
    mutating func request(
        _ type: UInt16, flags: UInt16, payload: [UInt8], operation: String
    ) throws(RouteError) -> (code: Int32, text: String) {
        let asked = RouteNumber.requestFlag | UInt16(NLM_F_ACK) | flags
        try send(type, flags: asked, payload: payload, operation: operation)
        while true {
            for message in try receive(operation: operation) where message.type == RouteNumber.error {
                let code = Self.errorCode(message)
                if code == 0 { return (0, "") }
                // struct nlmsgerr is the code and the request's header; then, with CAP_ACK, attributes.
                let hasText = message.flags & UInt16(NLM_F_ACK_TLVS) != 0
                let attributes = hasText ? message.attributes(after: 4 + RouteNumber.headerSize) : [:]
                return (code, attributes[UInt16(NLMSGERR_ATTR_MSG.rawValue)]?.text ?? "")
            }
        }
    }
}

extension RouteMessage {
    static func attribute(_ type: UInt16, bytes: [UInt8]) -> [UInt8] {
        let padding = (4 - bytes.count % 4) % 4
        return UInt16(bytes.count + 4).hostBytes + type.hostBytes + bytes + [UInt8](repeating: 0, count: padding)
    }

    /// With its terminating zero.
    static func attribute(_ type: UInt16, text: String) -> [UInt8] { attribute(type, bytes: Array(text.utf8) + [0]) }
}
