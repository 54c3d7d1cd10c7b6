import PolicyModel

/// An end of connections as a person reads it: a workload, a part of one that is treated otherwise than the rest of it, or a
/// range of addresses that are nobody's.
public struct Peer: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case workload(Workload)
        case external(AddressRange)
    }

    /// `NAMESPACE/NAME[KIND]`, `a.b.c.d-e.f.g.h[External]`.
    public var title: String
    public var kind: Kind
    /// One address of each version that it has: every other is treated as this one is. `endpoint` is nil for a range.
    public var addresses: [IPVersion: IPAddress]
    public var endpoint: EndpointKey?

    public var workload: Workload? {
        guard case .workload(let workload) = kind else { return nil }
        return workload
    }

    public var isExternal: Bool { workload == nil }

    /// It stands for pods that are not there yet.
    var isNew: Bool { workload?.kind == Workload.newKind }
}
