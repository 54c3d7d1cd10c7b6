/// JSON Patch (RFC 6902) over JSON Pointers (RFC 6901).
public enum JSONPatch {
    /// The document after all operations, or an error that names the operation; never part of a patch.
    public static func apply(_ patch: JSONValue, to document: JSONValue) throws(PatchError) -> JSONValue {
        guard case .array(let operations) = patch else {
            throw PatchError(path: "", message: "a JSON patch is a list of operations, not \(patch.typeName)")
        }
        guard operations.count <= JSONLimits.patchOperations else {
            throw PatchError(
                path: "", message: "\(operations.count) operations are more than the limit of \(JSONLimits.patchOperations)")
        }
        var document = document
        var copied = 0
        for (index, operation) in operations.enumerated() {
            do { try apply(operation, &document, &copied) } catch {
                throw PatchError(path: "[\(index)]" + (error.path.isEmpty ? "" : ".\(error.path)"), message: error.message)
            }
        }
        return document
    }

    private static func apply(
        _ operation: JSONValue, _ document: inout JSONValue, _ copied: inout Int
    ) throws(PatchError) {
        guard let name = operation["op"]?.stringValue else { throw PatchError(path: "op", message: "is required") }
        let path = try pointer(operation, "path")
        switch name {
        case "add":
            let new = try value(operation)
            try checkDepth(new, below: path)
            try add(new, Pointer(member: "path", tokens: path), &document)
        case "remove": _ = try remove(Pointer(member: "path", tokens: path), &document)
        case "replace":
            let new = try value(operation)
            try checkDepth(new, below: path)
            try replace(new, Pointer(member: "path", tokens: path), &document)
        case "move":
            let from = try pointer(operation, "from")
            guard !(path.count > from.count && path.starts(with: from)) else {
                throw PatchError(path: "path", message: "a value cannot be moved into itself")
            }
            let moved = try remove(Pointer(member: "from", tokens: from), &document)
            try checkDepth(moved, below: path)
            try add(moved, Pointer(member: "path", tokens: path), &document)
        case "copy":
            let new = try get(Pointer(member: "from", tokens: try pointer(operation, "from")), document)
            copied += new.valueCount(upTo: JSONLimits.patchCopiedValues)
            guard copied <= JSONLimits.patchCopiedValues else {
                throw PatchError(
                    path: "from", message: "the patch copies more than the limit of \(JSONLimits.patchCopiedValues) values")
            }
            try checkDepth(new, below: path)
            try add(new, Pointer(member: "path", tokens: path), &document)
        case "test":
            let expected = try value(operation)
            let found = try get(Pointer(member: "path", tokens: path), document)
            guard isEqual(found, expected) else {
                throw PatchError(path: "value", message: "the document has another value at \(text(path[...]))")
            }
        default:
            throw PatchError(
                path: "op", message: "\(name.quoted) is no operation: use add, remove, replace, move, copy or test")
        }
    }

    private static func checkDepth(_ value: JSONValue, below path: [String]) throws(PatchError) {
        guard path.count + value.depth <= JSONLimits.maximumDepth else {
            throw PatchError(
                path: "path", message: "more than \(JSONLimits.maximumDepth) arrays and objects would be inside each other")
        }
    }

    private static func value(_ operation: JSONValue) throws(PatchError) -> JSONValue {
        guard let value = operation["value"] else { throw PatchError(path: "value", message: "is required") }
        return value
    }

    /// Numbers by their value, as the standard wants: `1` equals `1.0`.
    private static func isEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.array(let left), .array(let right)):
            return left.count == right.count && zip(left, right).allSatisfy(isEqual)
        case (.object(let left), .object(let right)):
            return left.count == right.count
                && left.allSatisfy { name, value in right[name].map { isEqual(value, $0) } ?? false }
        case (.integer, .number), (.number, .integer): return left.numberValue == right.numberValue
        default: return left == right
        }
    }

    private static func pointer(_ operation: JSONValue, _ member: String) throws(PatchError) -> [String] {
        guard let text = operation[member]?.stringValue else { throw PatchError(path: member, message: "is required") }
        if text.isEmpty { return [] }
        guard text.utf8.first == UInt8(ascii: "/") else {
            throw PatchError(path: member, message: "\(text.quoted) is no JSON pointer: it begins with '/'")
        }
        var tokens: [String] = []
        for part in text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            var bytes: [UInt8] = []
            var isEscape = false
            for byte in part {
                switch (isEscape, byte) {
                case (false, UInt8(ascii: "~")): isEscape = true
                case (true, UInt8(ascii: "0")), (true, UInt8(ascii: "1")):
                    bytes.append(byte == UInt8(ascii: "0") ? UInt8(ascii: "~") : UInt8(ascii: "/"))
                    isEscape = false
                case (true, _):
                    throw PatchError(path: member, message: "'~' must be followed by 0 or 1")
                default: bytes.append(byte)
                }
            }
            guard !isEscape else { throw PatchError(path: member, message: "'~' must be followed by 0 or 1") }
            tokens.append(String(decoding: bytes, as: UTF8.self))
        }
        return tokens
    }

    private static func text(_ path: ArraySlice<String>) -> String { path.isEmpty ? "the root" : "/" + path.joined(separator: "/") }

    /// A pointer, and how far it has been followed.
    private struct Pointer {
        /// The member of the operation that holds it.
        let member: String
        let tokens: [String]
        var depth = 0

        var token: String? { depth < tokens.count ? tokens[depth] : nil }
        var isLast: Bool { depth + 1 == tokens.count }

        var next: Pointer {
            var next = self
            next.depth += 1
            return next
        }

        var missing: PatchError {
            PatchError(path: member, message: "the document has nothing at \(text(tokens[...depth]))")
        }
    }

    private static func index(_ token: String, below count: Int) -> Int? {
        guard let index = AddressText.decimal(Array(token.utf8)[...], maximum: 999_999_999), index < count else { return nil }
        return index
    }

    private static func get(_ pointer: Pointer, _ document: JSONValue) throws(PatchError) -> JSONValue {
        var value = document
        var pointer = pointer
        while let token = pointer.token {
            switch value {
            case .object(let members):
                guard let member = members[token] else { throw pointer.missing }
                value = member
            case .array(let elements):
                guard let index = index(token, below: elements.count) else { throw pointer.missing }
                value = elements[index]
            default: throw pointer.missing
            }
            pointer = pointer.next
        }
        return value
    }

    private static func add(_ new: JSONValue, _ pointer: Pointer, _ value: inout JSONValue) throws(PatchError) {
        guard let token = pointer.token else { return value = new }
        switch value {
        case .object(var members):
            if pointer.isLast {
                members[token] = new
            } else {
                guard var member = members[token] else { throw pointer.missing }
                try add(new, pointer.next, &member)
                members[token] = member
            }
            value = .object(members)
        case .array(var elements):
            if pointer.isLast {
                guard let index = token == "-" ? elements.count : index(token, below: elements.count + 1) else {
                    throw pointer.missing
                }
                elements.insert(new, at: index)
            } else {
                guard let index = index(token, below: elements.count) else { throw pointer.missing }
                try add(new, pointer.next, &elements[index])
            }
            value = .array(elements)
        default: throw pointer.missing
        }
    }

    private static func replace(_ new: JSONValue, _ pointer: Pointer, _ value: inout JSONValue) throws(PatchError) {
        guard let token = pointer.token else { return value = new }
        switch value {
        case .object(var members):
            guard var member = members[token] else { throw pointer.missing }
            try replace(new, pointer.next, &member)
            members[token] = member
            value = .object(members)
        case .array(var elements):
            guard let index = index(token, below: elements.count) else { throw pointer.missing }
            try replace(new, pointer.next, &elements[index])
            value = .array(elements)
        default: throw pointer.missing
        }
    }

    private static func remove(_ pointer: Pointer, _ value: inout JSONValue) throws(PatchError) -> JSONValue {
        guard let token = pointer.token else {
            defer { value = .null }
            return value
        }
        switch value {
        case .object(var members):
            guard var member = members[token] else { throw pointer.missing }
            let removed = pointer.isLast ? member : try remove(pointer.next, &member)
            members[token] = pointer.isLast ? nil : member
            value = .object(members)
            return removed
        case .array(var elements):
            guard let index = index(token, below: elements.count) else { throw pointer.missing }
            let removed = pointer.isLast ? elements.remove(at: index) : try remove(pointer.next, &elements[index])
            value = .array(elements)
            return removed
        default: throw pointer.missing
        }
    }
}

extension JSONValue {
    /// Arrays and objects inside each other; 0 for a scalar.
    fileprivate var depth: Int {
        switch self {
        case .array(let elements): 1 + (elements.map(\.depth).max() ?? 0)
        case .object(let members): 1 + (members.values.map(\.depth).max() ?? 0)
        default: 0
        }
    }

    /// Values in it, itself too; counts no further than just beyond `limit`.
    fileprivate func valueCount(upTo limit: Int) -> Int {
        var count = 1
        let inner: [JSONValue] =
            switch self {
            case .array(let elements): elements
            case .object(let members): Array(members.values)
            default: []
            }
        for value in inner where count <= limit { count += value.valueCount(upTo: limit - count) }
        return count
    }
}
