import Foundation
import PolicyModel

/// A TCP connection that a workload has open, as the kernel lists it (proc(5), `/proc/net/tcp`).
public struct EstablishedConnection: Sendable, Hashable {
    public var local: IPAddress
    public var localPort: UInt16
    public var remote: IPAddress
    public var remotePort: UInt16
    /// Whether the other end began it: the workload listens on the local port.
    public var isInbound: Bool

    /// Those in the network namespace of a process, without those on the loopback.
    static func all(process: Int32) -> [EstablishedConnection] {
        let tables = ["tcp", "tcp6"].compactMap { FileManager.default.contents(atPath: "/proc/\(process)/net/\($0)") }
        return parse(tables.map { String(decoding: $0, as: UTF8.self) })
    }

    static func parse(_ tables: [String]) -> [EstablishedConnection] {
        let rows = tables.flatMap { $0.split(separator: "\n").dropFirst() }.map { $0.split(separator: " ") }.filter { $0.count > 3 }
        let listening = Set(rows.filter { $0[3] == "0A" }.compactMap { end($0[1])?.port })
        return rows.filter { $0[3] == "01" }.compactMap { row in
            guard let local = end(row[1]), let remote = end(row[2]), !isLoopback(local.address) else { return nil }
            return EstablishedConnection(
                local: local.address, localPort: local.port, remote: remote.address, remotePort: remote.port,
                isInbound: listening.contains(local.port))
        }
    }

    /// `0100007F:1F90`: words of the address in the order of the host's bytes, the port as a number.
    private static func end(_ text: Substring) -> (address: IPAddress, port: UInt16)? {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1], radix: 16), parts[0].count % 8 == 0 else { return nil }
        var bytes: [UInt8] = []
        var rest = parts[0]
        while !rest.isEmpty {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            withUnsafeBytes(of: word) { bytes += $0 }
            rest = rest.dropFirst(8)
        }
        // A socket of IPv6 that speaks IPv4: that is what its packets are.
        if bytes.count == 16, bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff { bytes = Array(bytes[12...]) }
        return IPAddress(bytes: bytes).map { ($0, port) }
    }

    private static func isLoopback(_ address: IPAddress) -> Bool {
        address.version == .v4 ? address.bytes[0] == 127 : address.high == 0 && address.low == 1
    }
}
