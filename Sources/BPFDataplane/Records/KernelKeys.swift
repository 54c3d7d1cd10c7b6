import CBPF
import Dataplane
import PolicyEngine
import PolicyModel

/// Every address is in one zone until networks that reuse addresses are told apart.
let onlyZone: UInt32 = 0

extension bulkhead_address {
    init(_ address: IPAddress) {
        self.init()
        withUnsafeMutableBytes(of: &self) { $0.copyBytes(from: address.bytes) }
    }

    /// nil for a family that no program writes.
    func address(family: UInt32) -> IPAddress? {
        withUnsafeBytes(of: self) { bytes in
            switch family {
            case 4: IPAddress(v4: UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
            case 6:
                IPAddress(
                    v6High: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
            default: nil
            }
        }
    }
}

extension bulkhead_exact_key {
    init(_ address: IPAddress) {
        self.init(zone: onlyZone, family: UInt32(address.version.rawValue), address: bulkhead_address(address))
    }
}

extension bulkhead_prefix_key {
    /// The bits before the address that every key of a zone and family shares.
    private static let bitsBefore: UInt32 = 32

    init(_ block: AddressBlock) {
        let zoneAndFamily = onlyZone << 1 | (block.version == .v6 ? 1 : 0)
        self.init(
            prefixlen: Self.bitsBefore + UInt32(block.prefixLength), zone_and_family: zoneAndFamily.bigEndian,
            address: bulkhead_address(block.address))
    }

    var block: AddressBlock? {
        let isVersion6 = UInt32(bigEndian: zone_and_family) & 1 == 1
        guard prefixlen >= Self.bitsBefore, let address = address.address(family: isVersion6 ? 6 : 4) else { return nil }
        return AddressBlock(address: address, prefixLength: Int(prefixlen - Self.bitsBefore))
    }
}

extension bulkhead_leg_key {
    init(_ key: LegKey) {
        let isShared = SharedLeg(standingFor: key.address) != nil
        self.init(
            slot: key.slot, family: UInt32(key.address.version.rawValue) | (isShared ? BULKHEAD_SHARED_LEG : 0),
            address: bulkhead_address(key.address))
    }
}

extension bulkhead_source_key {
    init(_ source: AdmittedSource) {
        let family: UInt32 = source.block.version == .v6 ? 1 : 0
        self.init(
            prefixlen: 32 + UInt32(source.block.prefixLength), slot_and_family: (source.slot << 1 | family).bigEndian,
            address: bulkhead_address(source.block.address))
    }

    /// nil for a key that we never write.
    var source: AdmittedSource? {
        let slotAndFamily = UInt32(bigEndian: slot_and_family)
        guard prefixlen >= 32, let address = address.address(family: slotAndFamily & 1 == 1 ? 6 : 4) else { return nil }
        return AddressBlock(address: address, prefixLength: Int(prefixlen - 32)).map {
            AdmittedSource(slot: slotAndFamily >> 1, block: $0)
        }
    }
}

extension bulkhead_pair_key {
    init(_ stack: KernelNumber, _ combination: Combination) {
        self.init(stack: stack, exact: combination.exact, prefix: combination.prefix)
    }
}

extension bulkhead_flow_key {
    /// The tuple as the initiator sent it; nil for a key that no program writes.
    func tuple(direction: Direction, typeAndCode: UInt16) -> PacketTuple? {
        guard let local = local.address(family: UInt32(family)), let peer = peer.address(family: UInt32(family)) else {
            return nil
        }
        let transport = TransportProtocol(number: `protocol`)
        let isEgress = direction == .egress
        if transport.hasTypeAndCode {
            return PacketTuple(
                source: isEgress ? local : peer, destination: isEgress ? peer : local, transport: transport,
                destinationPort: typeAndCode)
        }
        return PacketTuple(
            source: isEgress ? local : peer, destination: isEgress ? peer : local, transport: transport,
            sourcePort: isEgress ? local_port : peer_port, destinationPort: isEgress ? peer_port : local_port)
    }
}
