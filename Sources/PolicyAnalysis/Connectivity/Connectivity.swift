import PolicyModel

/// The lines of a connectivity listing: what each end may begin to each other one.
public struct Connectivity: Sendable {
    public struct Line: Sendable, Hashable {
        /// Places in `peers`.
        public var source: Int
        public var destination: Int
        public var connections: VersionedConnections
    }

    /// Which lines are wanted.
    public struct Filter: Sendable {
        /// A workload that is one of the ends; nil: any.
        public var focus: String?
        /// The destination; nil: any.
        public var destination: String?
        /// What must be allowed, from some source port; nil: anything.
        public var port: PortSpecification?

        public init(focus: String? = nil, destination: String? = nil, port: PortSpecification? = nil) {
            self.focus = focus
            self.destination = destination
            self.port = port
        }
    }

    public var peers: [Peer] { reachability.peers }
    private var reachability: Reachability
    /// The text of each set, and of each two.
    private var texts: [VersionedConnections: String] = [:]

    public init(_ world: AnalysisWorld, cuts: Set<AddressBlock> = []) {
        reachability = Reachability(world, cuts: cuts)
    }

    /// Calls `body` for every line by the titles of source and destination. Ends that may not begin anything to each other,
    /// and an end with itself, have no line.
    public mutating func forEach(_ filter: Filter = Filter(), _ body: (Line, _ connections: String) throws -> Void) rethrows {
        let all = Array(peers.indices)
        let focused = filter.focus.map { text in all.filter { peers[$0].isMeant(by: text) } }
        let destinations = filter.destination.map { text in all.filter { peers[$0].isMeant(by: text) } } ?? all
        let focusedSet = focused.map(Set.init)
        for source in all {
            for destination in destinations where source != destination {
                if let focusedSet, !focusedSet.contains(source), !focusedSet.contains(destination) { continue }
                guard let allowed = reachability.allowed(from: source, to: destination) else { continue }
                if let port = filter.port, !holds(allowed, port) { continue }
                try body(Line(source: source, destination: destination, connections: allowed), text(of: allowed))
            }
        }
    }

    /// All lines as texts.
    public mutating func lines(_ filter: Filter = Filter()) -> [String] {
        var lines: [String] = []
        let peers = peers
        forEach(filter) { line, text in
            lines.append("\(peers[line.source].title) => \(peers[line.destination].title) : \(text)")
        }
        return lines
    }

    private func holds(_ connections: VersionedConnections, _ port: PortSpecification) -> Bool {
        [connections.v4, connections.v6].contains { number in
            guard let number else { return false }
            return !reachability.set(number).sources(transport: port.transport, destinationPort: port.destinationPort).isEmpty
        }
    }

    /// `TCP 80`; where the versions of the Internet Protocol differ: `IPv4 TCP 80; IPv6 TCP 443`.
    private mutating func text(of connections: VersionedConnections) -> String {
        if let known = texts[connections] { return known }
        let v4 = connections.v4.map { reachability.set($0) }
        let v6 = connections.v6.map { reachability.set($0) }
        let text = ConnectionText.text(v4: v4, v6: v6)
        texts[connections] = text
        return text
    }
}

extension Peer {
    /// As `Workload.isMeant`, or by its whole title.
    public func isMeant(by text: String) -> Bool { text == title || workload?.isMeant(by: text) ?? false }
}

/// Sets of connections of both versions in one text.
enum ConnectionText {
    /// - Parameters: nil: the ends do not share the version.
    static func text(v4: ConnectionSet?, v6: ConnectionSet?) -> String {
        guard let v4 else { return (v6 ?? .none).description }
        guard let v6, v4 != v6 else { return v4.description }
        return [("IPv4", v4), ("IPv6", v6)].filter { !$0.1.isEmpty }.map { "\($0.0) \($0.1)" }.joined(separator: "; ")
    }
}
