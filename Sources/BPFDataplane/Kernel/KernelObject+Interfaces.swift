import CBPF

/// Whose packets an interface carries. `interfaces` knows it of all; `interface_slots`, which packets ask first, of those
/// that need not share their place with another.
extension KernelObject {
    func assign(interface index: Int32, to slot: UInt32) throws {
        try interfaces.setPayload(slot, for: Self.key(index))
        let (place, word) = place(of: index)
        if word == 0 || word >> 32 == UInt64(UInt32(bitPattern: index)) {
            interfaceSlots.store(UInt64(UInt32(bitPattern: index)) << 32 | UInt64(slot), at: place)
        }
    }

    func slot(ofInterface index: Int32) throws -> UInt32? { try interfaces.payload(of: Self.key(index)) }

    /// Packets of the interface, should it still have our hooks, are of an unknown one.
    func forget(interface index: Int32) throws {
        let (place, word) = place(of: index)
        if word >> 32 == UInt64(UInt32(bitPattern: index)) { interfaceSlots.store(0, at: place) }
        try interfaces.delete(Self.key(index))
    }

    private func place(of index: Int32) -> (place: Int, word: UInt64) {
        let place = Int(UInt32(bitPattern: index) % BULKHEAD_INTERFACE_SLOTS)
        return (place, interfaceSlots.load(place))
    }

    private static func key(_ index: Int32) -> bulkhead_interface_key {
        bulkhead_interface_key(ifindex: UInt32(bitPattern: index))
    }
}
