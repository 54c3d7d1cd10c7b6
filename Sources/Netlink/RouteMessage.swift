/// The numbers of rtnetlink (linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/net_namespace.h) that are used.
enum RouteNumber {
    static let noop: UInt16 = 1
    static let error: UInt16 = 2
    static let done: UInt16 = 3
    static let newLink: UInt16 = 16
    static let deleteLink: UInt16 = 17
    static let getLink: UInt16 = 18
    static let newAddress: UInt16 = 20
    static let getAddress: UInt16 = 22
    static let newRoute: UInt16 = 24
    static let getRoute: UInt16 = 26
    static let newNamespaceID: UInt16 = 88
    static let getNamespaceID: UInt16 = 90

    static let requestFlag: UInt16 = 0x1
    static let dumpInterruptedFlag: UInt16 = 0x10
    static let dumpFlags: UInt16 = 0x300

    static let linkGroup: UInt32 = 1
    /// ARPHRD_ETHER (linux/if_arp.h).
    static let ethernetType: UInt16 = 1
    static let bridgeFamily: UInt8 = 7

    static let interfaceNameAttribute: UInt16 = 3
    static let linkAttribute: UInt16 = 5
    static let linkInfoAttribute: UInt16 = 18
    static let linkKindAttribute: UInt16 = 1
    static let linkNamespaceAttribute: UInt16 = 37
    static let addressAttribute: UInt16 = 1
    static let localAddressAttribute: UInt16 = 2
    static let outputInterfaceAttribute: UInt16 = 4
    static let tableAttribute: UInt16 = 15
    static let namespaceIDAttribute: UInt16 = 1
    static let namespaceDescriptorAttribute: UInt16 = 3

    static let headerSize = 16
    static let mainTable: UInt32 = 254
    static let unicastRoute: UInt8 = 1
}

/// One message of the kernel: the fixed part and the attributes.
struct RouteMessage {
    var type: UInt16
    var flags: UInt16
    /// Without the netlink header, as long as the header says.
    var payload: [UInt8]

    /// The messages of one datagram; what is cut short is left out.
    static func parse(_ datagram: [UInt8]) -> [RouteMessage] {
        var messages: [RouteMessage] = []
        var position = 0
        while position + RouteNumber.headerSize <= datagram.count {
            let length = Int(datagram.number(at: position, as: UInt32.self))
            guard length >= RouteNumber.headerSize, position + length <= datagram.count else { break }
            messages.append(
                RouteMessage(
                    type: datagram.number(at: position + 4, as: UInt16.self),
                    flags: datagram.number(at: position + 6, as: UInt16.self),
                    payload: Array(datagram[(position + RouteNumber.headerSize)..<(position + length)])))
            position += (length + 3) & ~3
        }
        return messages
    }

    /// The attributes behind a fixed part of `fixedSize` bytes; of several of one type the last.
    func attributes(after fixedSize: Int) -> [UInt16: [UInt8]] { Self.attributes(payload, from: fixedSize) }

    static func attributes(_ bytes: [UInt8], from start: Int) -> [UInt16: [UInt8]] {
        var attributes: [UInt16: [UInt8]] = [:]
        var position = start
        while position + 4 <= bytes.count {
            let length = Int(bytes.number(at: position, as: UInt16.self))
            // The two upper bits are flags (nested, byte order).
            let type = bytes.number(at: position + 2, as: UInt16.self) & 0x3fff
            guard length >= 4, position + length <= bytes.count else { break }
            attributes[type] = Array(bytes[(position + 4)..<(position + length)])
            position += (length + 3) & ~3
        }
        return attributes
    }

    static func attribute(_ type: UInt16, _ value: UInt32) -> [UInt8] {
        UInt16(8).hostBytes + type.hostBytes + value.hostBytes
    }
}

extension [UInt8] {
    /// In the host's byte order; 0 beyond the end.
    func number<Number: FixedWidthInteger>(at position: Int, as type: Number.Type) -> Number {
        guard position + MemoryLayout<Number>.size <= count else { return 0 }
        return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: type) }
    }

    /// Up to the terminating zero.
    var text: String { String(decoding: prefix { $0 != 0 }, as: UTF8.self) }
}

extension FixedWidthInteger {
    var hostBytes: [UInt8] { withUnsafeBytes(of: self) { Array($0) } }
}
