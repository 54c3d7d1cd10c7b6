import Foundation
import Glibc
import PolicyModel

/// Connections that are open on this host at a moment, as the kernel lists them for its processes and for its connection
/// tracking.
public struct OpenConnection: Sendable, Hashable {
    public var packet: PacketTuple

    /// Those with one of the addresses at an end, each once, as its initiator sent it. O(processes and connections).
    ///
    /// TCP of every network namespace that has a process; whatever connection tracking of this network namespace knows.
    /// UDP of a workload that nothing tracks is not seen.
    public static func all(of addresses: Set<IPAddress>) -> [OpenConnection] {
        var found: Set<OpenConnection> = []
        var namespaces: Set<UInt64> = []
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let process = Int32(entry), let namespace = networkNamespace(of: process), namespaces.insert(namespace).inserted
            else { continue }
            for connection in EstablishedConnection.all(process: process) {
                guard addresses.contains(connection.local) || addresses.contains(connection.remote) else { continue }
                found.insert(OpenConnection(connection))
            }
        }
        if let tracked = FileManager.default.contents(atPath: "/proc/thread-self/net/nf_conntrack") {
            for line in String(decoding: tracked, as: UTF8.self).split(separator: "\n") {
                guard let connection = OpenConnection(tracked: line) else { continue }
                if addresses.contains(connection.packet.source) || addresses.contains(connection.packet.destination) {
                    found.insert(connection)
                }
            }
        }
        return found.sorted { $0.sortKey.lexicographicallyPrecedes($1.sortKey) }
    }

    private init(_ connection: EstablishedConnection) {
        packet =
            connection.isInbound
            ? PacketTuple(
                source: connection.remote, destination: connection.local, transport: .tcp, sourcePort: connection.remotePort,
                destinationPort: connection.localPort)
            : PacketTuple(
                source: connection.local, destination: connection.remote, transport: .tcp, sourcePort: connection.localPort,
                destinationPort: connection.remotePort)
    }

    /// A line such as `ipv4 2 tcp 6 431999 ESTABLISHED src=10.8.0.1 dst=10.8.0.2 sport=40000 dport=80 src=...`; nil for
    /// what has no ports, and for TCP that is not established.
    init?(tracked line: Substring) {
        let words = line.split(separator: " ")
        guard words.count > 5, let number = UInt8(words[3]) else { return nil }
        let transport = TransportProtocol(number: number)
        guard transport.hasPorts, transport != .tcp || words.contains("ESTABLISHED") else { return nil }
        // The first of each is the direction of the initiator.
        func value(_ key: String) -> Substring? { words.first { $0.hasPrefix(key + "=") }?.dropFirst(key.count + 1) }
        guard let source = value("src").flatMap({ IPAddress(String($0)) }),
            let destination = value("dst").flatMap({ IPAddress(String($0)) }), source.version == destination.version,
            let sourcePort = value("sport").flatMap({ UInt16($0) }), let destinationPort = value("dport").flatMap({ UInt16($0) })
        else { return nil }
        packet = PacketTuple(
            source: source, destination: destination, transport: transport, sourcePort: sourcePort, destinationPort: destinationPort)
    }

    private var sortKey: [String] {
        [packet.source.description, packet.destination.description, String(packet.destinationPort), String(packet.sourcePort)]
    }

    private static func networkNamespace(of process: Int32) -> UInt64? {
        var information = stat()
        guard stat("/proc/\(process)/ns/net", &information) == 0 else { return nil }
        return UInt64(information.st_ino)
    }
}
