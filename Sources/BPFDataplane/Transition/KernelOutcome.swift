import PolicyModel

/// What a range of a row leads to, as the kernel has it (`BULKHEAD_OUTCOME`): the kind in the upper 4 bits.
enum KernelOutcome: Hashable, Sendable {
    case deny(UInt32)
    case allow(UInt32)
    /// The index of a row over source ports.
    case sourcePorts(UInt32)
    case inherit
    /// Deny, and say so to who sent the packet.
    case reject(UInt32)

    static let payloadMask: UInt32 = 0x0fff_ffff

    var word: UInt32 {
        switch self {
        case .deny(let decision): decision & Self.payloadMask
        case .allow(let decision): 1 << 28 | decision & Self.payloadMask
        case .sourcePorts(let index): 2 << 28 | index & Self.payloadMask
        case .inherit: 3 << 28
        case .reject(let decision): 4 << 28 | decision & Self.payloadMask
        }
    }

    /// What a decision with this number leads to.
    init(_ decision: Decision, number: UInt32) {
        self =
            switch decision.verdict {
            case .allow: .allow(number)
            case .deny: decision.rejects ? .reject(number) : .deny(number)
            }
    }

    /// nil for a kind that no program of this layout writes.
    init?(word: UInt32) {
        let payload = word & Self.payloadMask
        switch word >> 28 {
        case 0: self = .deny(payload)
        case 1: self = .allow(payload)
        case 2: self = .sourcePorts(payload)
        case 3: self = .inherit
        case 4: self = .reject(payload)
        default: return nil
        }
    }
}
