import Glibc

/// Frames byte by byte. Checksums are left zero: the programs read none.
enum KernelPacket {
    static let syn: UInt8 = 2
    static let synAck: UInt8 = 18
    static let ack: UInt8 = 16
    static let rst: UInt8 = 4
    static let finAck: UInt8 = 17

    /// Text form to network order.
    static func address(_ text: String) -> [UInt8] {
        let isV6 = text.contains(":")
        var bytes = [UInt8](repeating: 0, count: isV6 ? 16 : 4)
        precondition(inet_pton(isV6 ? AF_INET6 : AF_INET, text, &bytes) == 1, text)
        return bytes
    }

    static func big(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)] }

    static func big(_ value: UInt32) -> [UInt8] {
        big(UInt16(value >> 16)) + big(UInt16(truncatingIfNeeded: value))
    }

    static func frame(_ type: UInt16, _ payload: [UInt8], group: Bool = false) -> [UInt8] {
        let destination: [UInt8] = group ? [1, 0, 0x5e, 0, 0, 1] : [2, 0, 0, 0, 0, 1]
        return destination + [2, 0, 0, 0, 0, 2] + big(type) + payload
    }

    /// `fragment`: the field as on the wire: flags and offset in units of 8 bytes.
    static func ipv4(
        _ source: String, _ destination: String, _ transport: UInt8, _ payload: [UInt8], options: [UInt8] = [],
        fragment: UInt16 = 0, identification: UInt16 = 1, totalLength: UInt16? = nil, hopLimit: UInt8 = 64, group: Bool = false
    ) -> [UInt8] {
        let header = 20 + options.count
        let bytes: [UInt8] =
            [0x40 | UInt8(header / 4), 0] + big(totalLength ?? UInt16(header + payload.count))
            + big(identification) + big(fragment) + [hopLimit, transport, 0, 0] + address(source) + address(destination)
        return frame(0x0800, bytes + options + payload, group: group)
    }

    static func ipv6(
        _ source: String, _ destination: String, _ next: UInt8, _ payload: [UInt8], hopLimit: UInt8 = 64,
        group: Bool = false
    ) -> [UInt8] {
        frame(
            0x86dd,
            [0x60, 0, 0, 0] + big(UInt16(payload.count)) + [next, hopLimit] + address(source) + address(destination)
                + payload, group: group)
    }

    static func tcp(
        _ source: UInt16, _ destination: UInt16, _ flags: UInt8, sequence: UInt32 = 1000,
        acknowledgement: UInt32 = 0, data: Int = 0
    ) -> [UInt8] {
        big(source) + big(destination) + big(sequence) + big(acknowledgement) + [0x50, flags, 0, 0, 0, 0, 0, 0]
            + [UInt8](repeating: 0, count: data)
    }

    static func udp(_ source: UInt16, _ destination: UInt16, data: Int = 8, length: UInt16? = nil) -> [UInt8] {
        big(source) + big(destination) + big(length ?? UInt16(8 + data)) + [0, 0]
            + [UInt8](repeating: 0, count: data)
    }

    static func icmp(_ type: UInt8, _ code: UInt8, identifier: UInt16 = 0, rest: [UInt8] = []) -> [UInt8] {
        [type, code, 0, 0] + big(identifier) + [0, 1] + rest
    }

    static func arp(operation: UInt16, sender: String, target: String) -> [UInt8] {
        frame(
            0x0806,
            big(UInt16(1)) + big(UInt16(0x0800)) + [6, 4] + big(operation) + [2, 0, 0, 0, 0, 2] + address(sender)
                + [0, 0, 0, 0, 0, 0] + address(target))
    }

    /// Without the Ethernet header: what an ICMP error quotes.
    static func packet(of frame: [UInt8]) -> [UInt8] { Array(frame.dropFirst(14)) }
}
