import PolicyModel

/// Numbers that the compiler gives to interned content: equal content has one number, and a number is never given to
/// other content while the compiler lives.
public protocol InternedID: Hashable, Sendable, Comparable {
    var rawValue: Int32 { get }
    init(rawValue: Int32)
}

extension InternedID {
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

public struct StackID: InternedID {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
}

public struct RowID: InternedID {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
}

public struct DecisionID: InternedID {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
}

/// The interned combination of address sets that an exact address, or a prefix, belongs to. `none` is the combination
/// of no set: what an address has that is not in the table.
public struct IdentityID: InternedID {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public static let none = IdentityID(rawValue: 0)
}

/// An endpoint's address: what a stack is looked up by. Some stand for addresses that no object names.
public struct Leg: Hashable, Sendable {
    public var endpoint: EndpointKey
    public var address: IPAddress

    public init(endpoint: EndpointKey, address: IPAddress) {
        self.endpoint = endpoint
        self.address = address
    }
}

/// What a leg's address can stand for, where no object names the address. There is such a leg where no rule asks for what
/// the endpoint's own address is in: it might say something of one of them and not of another.
public enum SharedLeg: UInt8, Sendable, Hashable, CaseIterable {
    /// Every group that packets are sent to, and broadcast.
    case groups = 0
    /// The link-local address of the endpoint's interface.
    case linkLocal = 1
    /// Sources that are admitted although they are not the endpoint's.
    case otherSources = 2

    /// An address that no endpoint can have.
    public func address(_ version: IPVersion) -> IPAddress {
        version == .v4 ? IPAddress(v4: 0xe000_0000 | UInt32(rawValue)) : IPAddress(v6High: 0xff00 << 48, low: UInt64(rawValue))
    }

    /// nil for an address that stands for itself alone.
    public init?(standingFor address: IPAddress) {
        guard let kind = Self.allCases.first(where: { $0.address(address.version) == address }) else { return nil }
        self = kind
    }

    /// Which stands for a packet's address at the endpoint that is none of its own.
    public init?(of address: IPAddress, _ direction: Direction) {
        let isGroup = address.version == .v4 ? address.low >> 28 >= 0xe : address.high >> 56 == 0xff
        if isGroup {
            guard direction == .ingress else { return nil }
            self = .groups
        } else if address.version == .v6, address.high == 0xfe80 << 48 {
            self = .linkLocal
        } else {
            guard direction == .egress else { return nil }
            self = .otherSources
        }
    }
}

/// An address's identity: what the exact table says of it, and what the longest matching prefix says.
public struct Identity: Hashable, Sendable {
    public var exact: IdentityID
    public var prefix: IdentityID

    public init(exact: IdentityID, prefix: IdentityID) {
        self.exact = exact
        self.prefix = prefix
    }
}

/// What a range of a row leads to.
public enum RowOutcome: Hashable, Sendable {
    case decide(DecisionID)
    /// The source port decides: look it up in this row, whose ranges are source ports.
    case sourcePorts(RowID)
    /// The row beneath decides. Never in a stack's base row.
    case inherit
}

/// Disjoint ranges over `protocol << 16 | port` (for ICMP `type << 8 | code`, 0 for protocols without ports), or over
/// source ports for a row that `RowOutcome.sourcePorts` names. Sorted; the first starts at 0; each ends where the next
/// starts; neighbours differ.
public struct Row: Hashable, Sendable {
    public struct Range: Hashable, Sendable {
        public var start: UInt32
        public var outcome: RowOutcome

        public init(start: UInt32, outcome: RowOutcome) {
            self.start = start
            self.outcome = outcome
        }
    }

    public var ranges: [Range]

    public init(ranges: [Range]) { self.ranges = ranges }

    /// O(log ranges). `ranges` must not be empty.
    public func outcome(at key: UInt32) -> RowOutcome {
        var low = 0
        var high = ranges.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if ranges[middle].start <= key { low = middle } else { high = middle }
        }
        return ranges[low].outcome
    }
}

/// What applies to endpoints with equal tiers, policies and local memberships, in one direction and IP version.
///
/// Rows stand above each other: that of the address's exact part decides where it does not inherit, then that of its
/// prefix, then the base row. Where the rules' order has it otherwise, the combination has a row of its own, which stands
/// directly above the base. So a prefix that covers very many addresses is one row and its exceptions, and one that the
/// stack does not ask for is nothing.
public struct Stack: Hashable, Sendable {
    /// Inherits nowhere.
    public var base: RowID
    /// By exact part; none where nothing differs from the base.
    public var exact: [IdentityID: RowID]
    /// By prefix, likewise.
    public var prefixes: [IdentityID: RowID]
    /// By prefix and exact part: combinations that some address has and that are not decided by the one above the other.
    public var combined: [IdentityID: [IdentityID: RowID]]

    public init(
        base: RowID, exact: [IdentityID: RowID] = [:], prefixes: [IdentityID: RowID] = [:],
        combined: [IdentityID: [IdentityID: RowID]] = [:]
    ) {
        self.base = base
        self.exact = exact
        self.prefixes = prefixes
        self.combined = combined
    }

    /// The row that a combination has of its own; that of an exact part or of a prefix alone where the other is `none`.
    public subscript(identity: Identity) -> RowID? {
        get {
            if identity.prefix == .none { return exact[identity.exact] }
            return identity.exact == .none ? prefixes[identity.prefix] : combined[identity.prefix]?[identity.exact]
        }
        set {
            if identity.prefix == .none {
                exact[identity.exact] = newValue
            } else if identity.exact == .none {
                prefixes[identity.prefix] = newValue
            } else {
                combined[identity.prefix, default: [:]][identity.exact] = newValue
                if combined[identity.prefix]?.isEmpty == true { combined[identity.prefix] = nil }
            }
        }
    }

    /// The rows that decide for an identity, the first that does not inherit first; the base is behind all of them.
    public func rows(_ identity: Identity) -> [RowID] {
        if identity.exact != .none, identity.prefix != .none, let own = self[identity] { return [own, base] }
        return [exact[identity.exact], prefixes[identity.prefix], base].compactMap(\.self)
    }

    /// Every row but the base. O(rows).
    public var pairs: [Identity: RowID] {
        var pairs: [Identity: RowID] = [:]
        for (identity, row) in exact { pairs[Identity(exact: identity, prefix: .none)] = row }
        for (identity, row) in prefixes { pairs[Identity(exact: .none, prefix: identity)] = row }
        for (prefix, rows) in combined {
            for (exact, row) in rows { pairs[Identity(exact: exact, prefix: prefix)] = row }
        }
        return pairs
    }

    /// How many rows there are but the base. O(prefixes with combinations).
    public var pairCount: Int { exact.count + prefixes.count + combined.values.reduce(0) { $0 + $1.count } }
}

/// Everything needed to decide any packet at the endpoints of one node.
public struct VerdictTables: Sendable {
    public struct LegStacks: Hashable, Sendable {
        public var ingress: StackID
        public var egress: StackID

        public init(ingress: StackID, egress: StackID) {
            self.ingress = ingress
            self.egress = egress
        }

        public subscript(_ direction: Direction) -> StackID { direction == .ingress ? ingress : egress }
    }

    public var legs: [Leg: LegStacks]
    /// Addresses of endpoints and /32, /128 blocks that are in any set a local stack mentions.
    public var exact: [IPAddress: IdentityID]
    /// Shorter blocks: the identity holds the sets of every covering block too, so the longest match is complete.
    public var prefixes: [AddressBlock: IdentityID]
    public var stacks: [StackID: Stack]
    public var rows: [RowID: Row]
    public var decisions: [DecisionID: Decision]

    public init(
        legs: [Leg: LegStacks] = [:], exact: [IPAddress: IdentityID] = [:],
        prefixes: [AddressBlock: IdentityID] = [:], stacks: [StackID: Stack] = [:], rows: [RowID: Row] = [:],
        decisions: [DecisionID: Decision] = [:]
    ) {
        self.legs = legs
        self.exact = exact
        self.prefixes = prefixes
        self.stacks = stacks
        self.rows = rows
        self.decisions = decisions
    }

    /// The key of a row's range for a packet's protocol and destination port.
    public static func rangeKey(transport: TransportProtocol, destinationPort: UInt16) -> UInt32 {
        UInt32(transport.number) << 16 | UInt32(destinationPort)
    }
}
