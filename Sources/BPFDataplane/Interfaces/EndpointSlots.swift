import Dataplane
import PolicyModel

/// Which endpoint has which slot and interface.
struct EndpointSlots {
    struct Policed {
        var slot: UInt32
        /// nil while the interface is not there, or its hooks could not be attached.
        var attachment: NodeProgram.Attachment?
        /// The interface whose packets are the slot's, hooked or not.
        var interface: Int32?
    }

    private(set) var policed: [EndpointKey: Policed] = [:]
    /// Also of slots that are not in use any more, until others get them.
    private var names: [UInt32: EndpointKey] = [:]
    private var pool: NumberPool
    /// Slots of interfaces that an earlier agent policed, by index, until the first program claims them.
    private var adopted: [Int32: UInt32] = [:]
    /// Not in use any more; flows may still have them.
    private var leaving: [UInt32: UInt64] = [:]

    /// `entries`: of the map of slots.
    init(entries: Int) { pool = NumberPool(first: 1, end: UInt32(entries)) }

    /// How many endpoints can be policed: slot 0 is never used.
    var capacity: Int { pool.capacity }

    mutating func adopt(_ interfaces: [Int32: UInt32], alsoTaken: Set<UInt32>) {
        adopted = interfaces
        let taken = Set(interfaces.values).union(alsoTaken)
        pool.adopt(taken)
        // Until the first program has removed their legs.
        for slot in alsoTaken.subtracting(interfaces.values) { leaving[slot] = 1 }
    }

    func endpoint(slot: UInt32) -> EndpointKey? { names[slot] }

    /// The endpoint's slot; a new one, or that of its adopted interface, when it has none. nil: none is left.
    mutating func slot(for key: EndpointKey, _ attachment: NodeProgram.Attachment) -> UInt32? {
        if let present = policed[key] { return present.slot }
        guard let slot = adopted.removeValue(forKey: attachment.interfaceIndex) ?? pool.take() else { return nil }
        names[slot] = key
        policed[key] = Policed(slot: slot, attachment: nil)
        return slot
    }

    mutating func note(_ attachment: NodeProgram.Attachment?, for key: EndpointKey) {
        policed[key]?.attachment = attachment
    }

    mutating func noteInterface(_ index: Int32, for key: EndpointKey) { policed[key]?.interface = index }

    /// Whether an endpoint is policed with it.
    func isInUse(_ slot: UInt32) -> Bool {
        names[slot].flatMap { policed[$0] }?.slot == slot
    }

    /// The interfaces that no endpoint claimed.
    mutating func takeUnclaimed() -> [Int32: UInt32] {
        defer { adopted = [:] }
        return adopted
    }

    /// The endpoint's slot is kept until `leave`.
    mutating func remove(_ key: EndpointKey) { policed[key] = nil }

    /// `serial`: of the transition after which no packet gets the slot.
    mutating func leave(_ slot: UInt32, serial: UInt64) { leaving[slot] = serial }

    /// Slots whose flows can be removed for good after the grace period of `serial`.
    func gone(graced serial: UInt64) -> Set<UInt32> { Set(leaving.filter { $0.value <= serial }.keys) }

    /// No flow has them any more.
    mutating func recycle(_ slots: Set<UInt32>) {
        for slot in slots {
            leaving[slot] = nil
            names[slot] = nil
            pool.give(slot)
        }
    }
}
