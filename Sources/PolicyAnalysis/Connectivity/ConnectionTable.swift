import PolicyModel

/// The number of a set of connections in a `ConnectionTable`.
public typealias ConnectionNumber = Int32

/// Sets of connections, each once, and what they have in common, worked out once for each two.
struct ConnectionTable: Sendable {
    static let none: ConnectionNumber = 0
    static let all: ConnectionNumber = 1

    private(set) var sets: [ConnectionSet] = [.none, .all]
    private var numbers: [ConnectionSet: ConnectionNumber] = [.none: none, .all: all]
    private var intersections: [UInt64: ConnectionNumber] = [:]

    subscript(_ number: ConnectionNumber) -> ConnectionSet { sets[Int(number)] }

    func known(_ set: ConnectionSet) -> ConnectionNumber? { numbers[set] }

    mutating func number(of set: ConnectionSet) -> ConnectionNumber {
        if let known = numbers[set] { return known }
        let number = ConnectionNumber(sets.count)
        sets.append(set)
        numbers[set] = number
        return number
    }

    mutating func intersection(_ left: ConnectionNumber, _ right: ConnectionNumber) -> ConnectionNumber {
        if left == right || right == Self.all { return left }
        if left == Self.none || right == Self.none { return Self.none }
        if left == Self.all { return right }
        let key = UInt64(UInt32(bitPattern: min(left, right))) << 32 | UInt64(UInt32(bitPattern: max(left, right)))
        if let known = intersections[key] { return known }
        let number = number(of: sets[Int(left)].intersection(sets[Int(right)]))
        intersections[key] = number
        return number
    }
}
