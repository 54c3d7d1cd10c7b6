/// A range of ports, both ends included.
public struct PortRange: Sendable, Hashable {
    public let first: UInt16
    public let last: UInt16

    /// `first` must not exceed `last`; nil otherwise.
    public init?(first: UInt16, last: UInt16) {
        guard first <= last else { return nil }
        self.first = first
        self.last = last
    }

    public init(_ port: UInt16) {
        first = port
        last = port
    }

    public func contains(_ port: UInt16) -> Bool { first <= port && port <= last }
}
