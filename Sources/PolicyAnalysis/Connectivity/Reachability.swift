import PolicyEngine
import PolicyModel

/// Who may begin which connections to whom, exactly: a connection is allowed when the egress of its source and the ingress of
/// its destination allow it. An end outside is asked nothing.
///
/// Computed from compiled tables. Ends with equal stacks and equal memberships are one class; what a stack allows towards a
/// class is a set of connections that is read from its rows once; what two ends allow together is worked out once for each
/// two sets.
public struct Reachability: Sendable {
    /// By title.
    public let peers: [Peer]
    private let isExternal: [Bool]
    private var v4 = VersionView()
    private var v6 = VersionView()
    private var connections = ConnectionTable()

    /// The ends as one version of the Internet Protocol sees them.
    private struct VersionView: Sendable {
        /// Of each peer; -1: no address of this version.
        var classes: [Int32] = []
        var table = ClassTable()
    }

    /// - Parameters:
    ///   - cuts: further blocks by which addresses outside are told apart.
    ///   - apart: titles of workloads whose addresses are told one by one whatever they are.
    public init(_ analysed: AnalysisWorld, cuts: Set<AddressBlock> = [], apart: Set<String> = []) {
        var compiler = VerdictCompiler()
        self.init(analysed, tables: compiler.compile(analysed.world, node: ""), cuts: cuts, apart: apart)
    }

    /// - Parameter tables: of the world of `analysed`.
    init(_ analysed: AnalysisWorld, tables: VerdictTables, cuts: Set<AddressBlock>, apart: Set<String>) {
        let rows = RowConnections(tables: tables)
        let identities = IdentityLookup(tables)
        let grouping = PeerGrouping(analysed, tables: tables, identities: identities, cuts: cuts, apart: apart)
        peers = grouping.peers.map(\.peer)
        isExternal = peers.map(\.isExternal)
        for version in IPVersion.allCases {
            var view = VersionView()
            view.classes = grouping.peers.map { $0.classes[version].map { view.table.add($0) } ?? -1 }
            view.table.readStacks(tables, rows, &connections)
            if version == .v4 { v4 = view } else { v6 = view }
        }
    }

    private subscript(_ version: IPVersion) -> VersionView { version == .v4 ? v4 : v6 }

    /// The number of distinct classes of a version.
    public func classCount(_ version: IPVersion) -> Int { self[version].table.classes.count }

    /// Equal for two ends that are treated alike, whoever they speak to.
    func classes(of peer: Int) -> [Int32] { [v4.classes[peer], v6.classes[peer]] }

    /// By what the tables call its parts: of tables of one compiler, equal ones mean the same.
    func classNames(of peer: Int) -> [PeerClass?] {
        IPVersion.allCases.map { version in
            let number = self[version].classes[peer]
            return number < 0 ? nil : self[version].table.classes[Int(number)]
        }
    }

    /// What the end at `source` in `peers` may begin to the end at `destination`; nil: they share no address of the version,
    /// or both are outside.
    public mutating func connections(from source: Int, to destination: Int, _ version: IPVersion) -> ConnectionNumber? {
        if isExternal[source], isExternal[destination] { return nil }
        return version == .v4
            ? Self.connections(v4, source, destination, &connections) : Self.connections(v6, source, destination, &connections)
    }

    private static func connections(
        _ view: VersionView, _ source: Int, _ destination: Int, _ connections: inout ConnectionTable
    ) -> ConnectionNumber? {
        let (from, to) = (view.classes[source], view.classes[destination])
        return from < 0 || to < 0 ? nil : view.table.allowed(from: from, to: to, &connections)
    }

    public func set(_ number: ConnectionNumber) -> ConnectionSet { connections[number] }

    /// nil: no two ends that were asked for so far have this set.
    func number(ofKnown set: ConnectionSet) -> ConnectionNumber? { connections.known(set) }

    /// What both versions allow; nil where nothing is allowed.
    public mutating func allowed(from source: Int, to destination: Int) -> VersionedConnections? {
        let found = VersionedConnections(
            v4: connections(from: source, to: destination, .v4), v6: connections(from: source, to: destination, .v6))
        return found.isNothing ? nil : found
    }
}

/// What is allowed between two ends by each version of the Internet Protocol.
public struct VersionedConnections: Sendable, Hashable {
    /// nil: the ends do not share the version.
    public var v4: ConnectionNumber?
    public var v6: ConnectionNumber?

    public init(v4: ConnectionNumber? = nil, v6: ConnectionNumber? = nil) {
        self.v4 = v4
        self.v6 = v6
    }

    public var isNothing: Bool {
        (v4 ?? ConnectionTable.none) == ConnectionTable.none && (v6 ?? ConnectionTable.none) == ConnectionTable.none
    }
}

/// The classes of ends of one version, and what stacks allow towards each.
private struct ClassTable: Sendable {
    private(set) var classes: [PeerClass] = []
    private var numbers: [PeerClass: Int32] = [:]
    private var identities: [Identity: Int32] = [:]
    private var stacks: [StackID: Int32] = [:]
    /// By stack and identity, `identities.count` for each stack.
    private var allowedByStack: [ConnectionNumber] = []
    /// By class: the places of its parts; -1 for stacks of ends outside.
    private var egress: [Int32] = []
    private var ingress: [Int32] = []
    private var identity: [Int32] = []

    mutating func add(_ new: PeerClass) -> Int32 {
        if let known = numbers[new] { return known }
        let number = Int32(classes.count)
        numbers[new] = number
        classes.append(new)
        identity.append(Self.place(of: new.identity, &identities))
        egress.append(new.stacks.map { Self.place(of: $0.egress, &stacks) } ?? -1)
        ingress.append(new.stacks.map { Self.place(of: $0.ingress, &stacks) } ?? -1)
        return number
    }

    private static func place<Key: Hashable>(of key: Key, _ places: inout [Key: Int32]) -> Int32 {
        if let known = places[key] { return known }
        places[key] = Int32(places.count)
        return Int32(places.count - 1)
    }

    /// Once all classes are there.
    mutating func readStacks(_ tables: VerdictTables, _ rows: RowConnections, _ connections: inout ConnectionTable) {
        var known: [[RowID]: ConnectionNumber] = [:]
        func number(_ layers: [RowID]) -> ConnectionNumber {
            if let number = known[layers] { return number }
            let number = connections.number(of: rows.connections(layers))
            known[layers] = number
            return number
        }
        let width = identities.count
        allowedByStack = Array(repeating: ConnectionTable.none, count: width * stacks.count)
        for (id, place) in stacks {
            guard let stack = tables.stacks[id] else { continue }
            let start = Int(place) * width
            let base = number([stack.base])
            for index in start..<start + width { allowedByStack[index] = base }
            for (identity, place) in identities {
                let layers = stack.rows(identity)
                if layers.count > 1 { allowedByStack[start + Int(place)] = number(layers) }
            }
        }
    }

    func allowed(from: Int32, to: Int32, _ connections: inout ConnectionTable) -> ConnectionNumber {
        let width = identities.count
        let out = egress[Int(from)]
        let into = ingress[Int(to)]
        let left = out < 0 ? ConnectionTable.all : allowedByStack[Int(out) * width + Int(identity[Int(to)])]
        if left == ConnectionTable.none { return left }
        let right = into < 0 ? ConnectionTable.all : allowedByStack[Int(into) * width + Int(identity[Int(from)])]
        return connections.intersection(left, right)
    }
}
