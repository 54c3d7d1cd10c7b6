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

extension PortRange {
    /// Why a value is no range of ports.
    public enum TextError: Error, Sendable, Hashable {
        /// A name, whose numbers the endpoints say.
        case named(String)
        /// A sentence without the path.
        case malformed(String)
    }

    /// A number, a number as text, or `FIRST:LAST`; each 1...65535.
    public init(json value: JSONValue) throws(TextError) {
        switch value {
        case .integer(let number):
            self.init(try Self.port(number))
        case .string(let text):
            try self.init(text: text)
        default:
            throw .malformed("must be a number or a text, not \(value.typeName)")
        }
    }

    private init(text: String) throws(TextError) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        let numbers = parts.map { Self.digits($0) }
        if numbers.count == 1, let number = numbers[0] {
            self.init(try Self.port(number))
        } else if numbers.count == 2, let first = numbers[0], let last = numbers[1] {
            let (low, high) = (try Self.port(first), try Self.port(last))
            guard let range = PortRange(first: low, last: high) else {
                throw .malformed("the range \(text) is reversed: write the lower port first, \(high):\(low)")
            }
            self = range
        } else if NameRules.isCalicoPortName(text) {
            throw .named(text)
        } else {
            throw .malformed("\(text.quoted) is no port: write a number, a range such as 8000:8080, or a name")
        }
    }

    private static func digits(_ text: Substring.UTF8View) -> Int64? {
        guard !text.isEmpty, text.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return nil }
        // Saturates: a number too long for the type is out of the range of ports too.
        return Int64(Substring(text)) ?? .max
    }

    private static func port(_ number: Int64) throws(TextError) -> UInt16 {
        guard (1...65535).contains(number) else {
            throw .malformed("port \(number == .max ? "number" : String(number)) is out of range: ports are 1 to 65535")
        }
        return UInt16(number)
    }
}

extension PortRange: CustomStringConvertible {
    /// As the API writes it: `80`, or `8000:8080`.
    public var description: String { first == last ? String(first) : "\(first):\(last)" }
}

extension PortRange: Comparable {
    public static func < (left: Self, right: Self) -> Bool { (left.first, left.last) < (right.first, right.last) }
}
