/// Compares a value with a schema: unknown members, missing members, wrong types, values outside the allowed ones, and
/// members that are not enforced yet. A member that is null counts as absent.
struct SchemaChecker {
    private enum Component {
        case member(String)
        case element(Int)
        case key(String)
    }

    private(set) var errors: [FieldError] = []
    private var unknown = 0
    private var wrong = 0
    // Only rendered when something is wrong.
    private var path: [Component] = []

    mutating func check(object: JSONValue, fields: [Field]) {
        guard case .object(let members) = object else {
            return fail("the whole object must be an object, not \(object.typeName)")
        }
        check(members, fields)
    }

    private mutating func check(_ members: [String: JSONValue], _ fields: [Field]) {
        var known = 0
        for field in fields {
            let value = members[field.name]
            if value != nil { known += 1 }
            path.append(.member(field.name))
            defer { path.removeLast() }
            guard let value, !value.isNull else {
                if field.required { fail("is required", .required) }
                continue
            }
            if field.enforced || value == .bool(false) || value == .array([]) {
                check(value, field.schema)
            } else {
                fail("not enforced yet: \(renderedPath)", .notEnforcedYet)
            }
        }
        guard known < members.count else { return }
        let names = Set(fields.map(\.name))
        for name in members.keys.sorted() where !names.contains(name) {
            path.append(.member(name))
            fail("unknown field \(renderedPath.quoted)", .unknown)
            path.removeLast()
        }
    }

    private mutating func check(_ value: JSONValue, _ schema: Schema) {
        switch schema {
        case .object(let fields):
            guard case .object(let members) = value else { return wrongType(value, "an object") }
            check(members, fields)
        case .map(let element):
            guard case .object(let members) = value else { return wrongType(value, "an object") }
            for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                path.append(.key(key))
                check(value, element)
                path.removeLast()
            }
        case .array(let element):
            guard case .array(let elements) = value else { return wrongType(value, "a list") }
            for (index, value) in elements.enumerated() {
                path.append(.element(index))
                check(value, element)
                path.removeLast()
            }
        case .string(let allowed):
            guard case .string(let text) = value else { return wrongType(value, "a text") }
            if !allowed.isEmpty, !allowed.contains(text) {
                fail("\(text.quoted) is not supported: use \(Self.choice(allowed))", .notSupported)
            }
        case .integer(let minimum, let maximum):
            guard value.numberValue != nil else { return wrongType(value, "a number") }
            let range = maximum == .max ? "at least \(minimum)" : "from \(minimum) to \(maximum)"
            guard let number = value.integerValue else {
                // A double without a fraction that is no integer is beyond 64 bits.
                return fail(value.isWhole ? "\(value) is out of range: use a number \(range)" : "must be a whole number")
            }
            if number < minimum || number > maximum { fail("\(number) is out of range: use a number \(range)") }
        case .number:
            if value.numberValue == nil { wrongType(value, "a number") }
        case .boolean:
            if value.boolValue == nil { wrongType(value, "a boolean") }
        case .integerOrString:
            if value.stringValue != nil { return }
            guard value.numberValue != nil else { return wrongType(value, "a number or a text") }
            if value.integerValue == nil {
                fail(value.isWhole ? "\(value) is out of range" : "must be a whole number or a text")
            }
        case .timestamp:
            guard case .string(let text) = value else { return wrongType(value, "a text") }
            if !Timestamp.isValid(text) {
                fail("\(text.quoted) is no time: write it as 2006-01-02T15:04:05Z")
            }
        case .any:
            break
        }
    }

    private mutating func wrongType(_ value: JSONValue, _ expected: String) {
        var message = "must be \(expected), not \(value.typeName)"
        if expected == "a text" {
            switch value {
            case .bool, .integer, .number: message += ": put it in quotes"
            default: break
            }
        }
        fail(message)
    }

    private mutating func fail(_ message: String, _ reason: FieldError.Reason = .invalid) {
        // Counted apart: a client may pass over unknown members, and must not pass over what is wrong behind them.
        if reason == .unknown {
            unknown += 1
            guard unknown <= ObjectLimits.reportedErrors else { return }
        } else {
            wrong += 1
            guard wrong <= ObjectLimits.reportedErrors else { return }
        }
        errors.append(FieldError(path: renderedPath, message: message, reason: reason))
    }

    private var renderedPath: String {
        path.reduce(into: "") { text, component in
            switch component {
            case .member(""): text += "[\"\"]"
            case .member(let name): text += text.isEmpty ? name : ".\(name)"
            case .element(let index): text += "[\(index)]"
            case .key(let key): text += "[\(key)]"
            }
        }
    }

    /// `"a"`, `"a" or "b"`, `"a", "b" or "c"`.
    static func choice(_ values: [String]) -> String {
        let quoted = values.map(\.quoted)
        guard let last = quoted.last, quoted.count > 1 else { return quoted.joined() }
        return quoted.dropLast().joined(separator: ", ") + " or " + last
    }
}

/// Times as the API writes them (RFC 3339).
enum Timestamp {
    /// `2006-01-02T15:04:05`, a fraction or none, then `Z` or `+01:00`.
    static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, matches(bytes[..<19], "dddd-dd-ddTdd:dd:dd") else { return false }
        let number = { (start: Int) in Int(bytes[start] - 48) * 10 + Int(bytes[start + 1] - 48) }
        guard (1...12).contains(number(5)), (1...31).contains(number(8)), number(11) < 24, number(14) < 60, number(17) <= 60
        else { return false }
        var rest = bytes[19...]
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
            guard !fraction.isEmpty else { return false }
            rest = rest[fraction.endIndex...]
        }
        return rest.elementsEqual("Z".utf8) || matches(rest, "+dd:dd") || matches(rest, "-dd:dd")
    }

    private static func matches(_ bytes: ArraySlice<UInt8>, _ pattern: String) -> Bool {
        bytes.count == pattern.utf8.count
            && zip(bytes, pattern.utf8).allSatisfy { byte, expected in
                expected == UInt8(ascii: "d") ? byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") : byte == expected
            }
    }
}
