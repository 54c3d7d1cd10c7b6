import CBPF
import PolicyModel
import PolicyTesting

@testable import BPFDataplane

/// The first packet of the flow that a probe asks about, in one of the shapes that such packets have on a wire.
struct ProbePacket {
    enum Shape: String, CaseIterable {
        case minimum
        case payload
        /// Filled up to the least length of an Ethernet frame.
        case padded
        case firstFragment = "first fragment"
        /// TCP and UDP as segmentation offload hands them over.
        case aggregated
        case hopByHop = "hop-by-hop header"
        case destinationOptions = "destination options"
        /// A fragment header on a whole packet (RFC 6946).
        case atomicFragment = "atomic fragment"
    }

    /// Of an ICMP echo.
    static let identifier: UInt16 = 0x1234

    let probe: PolicyTesting.Probe
    let shape: Shape
    let frame: [UInt8]
    let segments: UInt32
    let segmentSize: UInt32

    init(_ probe: PolicyTesting.Probe, using random: inout SplitMix) {
        let packet = probe.packet
        let transport = packet.transport
        var shapes: [Shape] = [.minimum, .payload, .firstFragment]
        if transport == .tcp || transport == .udp { shapes.append(.aggregated) }
        shapes += packet.version == .v4 ? [.padded] : [.hopByHop, .destinationOptions, .atomicFragment]
        let shape = shapes.randomElement(using: &random) ?? .minimum
        let data =
            switch shape {
            case .payload, .firstFragment, .atomicFragment: Int.random(in: 1...400, using: &random)
            case .aggregated: 1400
            default: 0
            }
        self.probe = probe
        self.shape = shape
        segments = shape == .aggregated ? 2 : 0
        segmentSize = shape == .aggregated ? 700 : 0
        let payload = Self.payload(packet, data: data, explicitCongestion: Bool.random(using: &random))
        frame = packet.version == .v4 ? Self.version4(packet, payload, shape) : Self.version6(packet, payload, shape)
    }

    /// Whether policy alone decides: not what the programs judge before it, or for the workload itself.
    static func isPolicys(_ probe: PolicyTesting.Probe, ownAddresses: [IPAddress]) -> Bool {
        let packet = probe.packet
        let peer = probe.direction == .egress ? packet.destination : packet.source
        guard packet.isOrdinary, !ownAddresses.contains(peer) else { return false }
        switch packet.transport {
        case .udp where probe.direction == .egress:
            let dhcpServer: UInt16 = packet.version == .v4 ? 67 : 547
            return ![4789, 8472].contains(packet.destinationPort) && packet.sourcePort != dhcpServer
        case .icmp:
            return ![3, 5, 11, 12].contains(packet.destinationPort >> 8)
        case .icmpV6:
            return !([1, 2, 3, 4, 143] + (130...137)).contains(packet.destinationPort >> 8)
        default:
            return true
        }
    }

    var isEchoReply: Bool {
        switch probe.packet.transport {
        case .icmp: probe.packet.destinationPort == 0
        case .icmpV6: probe.packet.destinationPort == 129 << 8
        default: false
        }
    }

    /// Of the entry that its being allowed leaves (`Kernel/layout.h`).
    func flowKey(slot: UInt32) -> bulkhead_flow_key {
        let packet = probe.packet
        let isEgress = probe.direction == .egress
        var key = bulkhead_flow_key()
        key.slot = slot
        key.family = packet.version.rawValue
        key.protocol = packet.transport.number
        key.local = bulkhead_address(isEgress ? packet.source : packet.destination)
        key.peer = bulkhead_address(isEgress ? packet.destination : packet.source)
        if packet.transport.hasTypeAndCode {
            let isRequest = packet.destinationPort == (packet.version == .v4 ? 8 << 8 : 128 << 8)
            key.local_port = isRequest ? Self.identifier : packet.destinationPort
            key.peer_port = isRequest ? Self.identifier : ~packet.destinationPort
            key.asker = isRequest ? (isEgress ? 1 : 2) : 0
        } else {
            key.local_port = isEgress ? packet.sourcePort : packet.destinationPort
            key.peer_port = isEgress ? packet.destinationPort : packet.sourcePort
        }
        return key
    }

    // MARK: Bytes

    private static func payload(_ packet: PacketTuple, data: Int, explicitCongestion: Bool) -> [UInt8] {
        let (source, destination) = (packet.sourcePort, packet.destinationPort)
        let filling = [UInt8](repeating: 0xa5, count: data)
        switch packet.transport {
        case .tcp:
            // ECE and CWR beside SYN: the offer of RFC 3168.
            let flags = explicitCongestion ? KernelPacket.syn | 0xc0 : KernelPacket.syn
            return KernelPacket.tcp(source, destination, flags, data: data)
        case .udp: return KernelPacket.udp(source, destination, data: data)
        case .udpLite: return KernelPacket.udp(source, destination, data: data, length: 8)
        case .sctp:
            return KernelPacket.big(source) + KernelPacket.big(destination) + [0, 0, 0, 0, 0, 0, 0, 0] + filling
        case .icmp, .icmpV6:
            let (type, code) = (UInt8(destination >> 8), UInt8(truncatingIfNeeded: destination))
            return KernelPacket.icmp(type, code, identifier: identifier, rest: filling)
        case TransportProtocol(number: 2): return [0x16, 0, 0, 0, 0, 0, 0, 0] + filling
        default: return filling
        }
    }

    private static func version4(_ packet: PacketTuple, _ payload: [UInt8], _ shape: Shape) -> [UInt8] {
        let bytes =
            [0x45, 0] + KernelPacket.big(UInt16(20 + payload.count))
            + [0, 1, shape == .firstFragment ? 0x20 : 0, 0, 64, packet.transport.number, 0, 0]
            + packet.source.bytes + packet.destination.bytes
        let frame = KernelPacket.frame(0x0800, bytes + payload)
        let padding = shape == .padded ? max(0, 60 - frame.count) : 0
        return frame + [UInt8](repeating: 0, count: padding)
    }

    private static func version6(_ packet: PacketTuple, _ payload: [UInt8], _ shape: Shape) -> [UInt8] {
        let transport = packet.transport.number
        let (next, before): (UInt8, [UInt8]) =
            switch shape {
            case .hopByHop: (0, [transport, 0, 1, 4, 0, 0, 0, 0])
            case .destinationOptions: (60, [transport, 0, 1, 4, 0, 0, 0, 0])
            case .firstFragment: (44, [transport, 0, 0, 1, 0, 0, 0, 7])
            case .atomicFragment: (44, [transport, 0, 0, 0, 0, 0, 0, 7])
            default: (transport, [])
            }
        return KernelPacket.frame(
            0x86dd,
            [0x60, 0, 0, 0] + KernelPacket.big(UInt16(before.count + payload.count)) + [next, 64]
                + packet.source.bytes + packet.destination.bytes + before + payload)
    }
}
