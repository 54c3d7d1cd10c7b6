import PolicyModel

/// An Ethernet frame of IPv4 with TCP or UDP and no data. Checksums are left zero: the programs read none.
struct Frame {
    static let syn: UInt8 = 2
    static let synAck: UInt8 = 18
    static let ack: UInt8 = 16

    var tuple: PacketTuple
    /// For TCP.
    var flags = Frame.syn
    var sequence: UInt32 = 0
    var acknowledgement: UInt32 = 0

    var bytes: [UInt8] {
        let isTCP = tuple.transport == .tcp
        var transport = Self.big(tuple.sourcePort) + Self.big(tuple.destinationPort)
        transport +=
            isTCP
            ? Self.big(sequence) + Self.big(acknowledgement) + [0x50, flags, 0xff, 0xff, 0, 0, 0, 0]
            : Self.big(UInt16(8)) + [0, 0]
        let header: [UInt8] =
            [0x45, 0] + Self.big(UInt16(20 + transport.count)) + [0, 1, 0, 0, 64, tuple.transport.number, 0, 0]
        let link: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]
        return link + header + tuple.source.bytes + tuple.destination.bytes + transport
    }

    private static func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
