import PolicyModel
import Yams

/// What is wrong with a file, and where.
public struct YAMLError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The name that the reader gave; empty if none.
    public var file: String
    /// From 1; 0 when the place is not known.
    public var line: Int
    public var message: String

    public init(file: String, line: Int, message: String) {
        self.file = file
        self.line = line
        self.message = message
    }

    /// `FILE:LINE: message`.
    public var description: String {
        let place = [file, line > 0 ? String(line) : ""].filter { !$0.isEmpty }.joined(separator: ":")
        return place.isEmpty ? message : "\(place): \(message)"
    }
}

/// One document of a YAML or JSON file.
public struct YAMLDocument: Sendable, Hashable {
    public var value: JSONValue
    /// Where it begins, from 1.
    public var line: Int

    public init(value: JSONValue, line: Int) {
        self.value = value
        self.line = line
    }
}

public enum YAMLLimits {
    /// Values in one file, aliases counted as often as they are used: a few lines of aliases can mean billions.
    public static let values = 2_000_000
}

/// Reads and writes objects as kubectl does.
public enum YAMLDocuments {
    /// All documents of a file, empty ones left out.
    ///
    /// Quoted scalars are strings; unquoted ones what kubectl takes them for. Repeated keys are refused, as are files
    /// beyond `JSONLimits` and `YAMLLimits`. A file that is JSON is read as JSON.
    ///
    /// - Parameter file: its name in errors.
    public static func parse(_ text: String, file: String = "") throws(YAMLError) -> [YAMLDocument] {
        try parse(text, file: file, maximumValues: YAMLLimits.values).documents
    }

    /// The same with a limit of its own in place of `YAMLLimits.values`.
    ///
    /// - Returns: the documents, and how many values they hold, keys not counted.
    public static func parse(
        _ text: String, file: String, maximumValues: Int
    ) throws(YAMLError) -> (documents: [YAMLDocument], values: Int) {
        guard text.utf8.count <= JSONLimits.maximumBytes else {
            throw YAMLError(file: file, line: 0, message: "the file is larger than \(JSONLimits.maximumBytes) bytes: split it")
        }
        if text.first(where: { !$0.isWhitespace }) == "{", let value = try? JSONValue(parsing: text) {
            let count = value.count
            guard count <= maximumValues else { throw NodeConverter.tooMany(maximumValues, file: file, line: 1) }
            return ([YAMLDocument(value: value, line: 1)], count)
        }
        var documents: [YAMLDocument] = []
        var converter = NodeConverter(file: file, maximumValues: maximumValues)
        do {
            // Scalars are resolved here, by kubectl's rules.
            let parser = try Yams.Parser(yaml: text, resolver: .basic)
            while let root = try parser.nextRoot() {
                let value = try converter.convert(root, depth: 0)
                if value != .null { documents.append(YAMLDocument(value: value, line: root.mark?.line ?? 1)) }
            }
        } catch let error as YAMLError {
            throw error
        } catch {
            throw describe(error, file: file)
        }
        return (documents, converter.count)
    }

    private static func describe(_ error: any Error, file: String) -> YAMLError {
        switch error as? Yams.YamlError {
        case .scanner(_, let problem, let mark, _)?, .parser(_, let problem, let mark, _)?,
            .composer(_, let problem, let mark, _)?:
            return YAMLError(file: file, line: mark.line, message: "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context)?:
            let names = keys.map { "\"\($0)\"" }.joined(separator: ", ")
            return YAMLError(file: file, line: context.mark.line, message: "\(names) appears more than once in one object")
        case .reader(let problem, _, _, _)?:
            return YAMLError(file: file, line: 0, message: "not YAML: \(problem)")
        default:
            return YAMLError(file: file, line: 0, message: "not YAML: \(error)")
        }
    }
}

extension JSONValue {
    /// Values in it, itself included.
    fileprivate var count: Int {
        switch self {
        case .array(let elements): elements.reduce(1) { $0 + $1.count }
        case .object(let members): members.values.reduce(1) { $0 + $1.count }
        default: 1
        }
    }
}

private struct NodeConverter {
    let file: String
    let maximumValues: Int
    private(set) var count = 0

    init(file: String, maximumValues: Int) {
        self.file = file
        self.maximumValues = maximumValues
    }

    static func tooMany(_ maximum: Int, file: String, line: Int) -> YAMLError {
        YAMLError(file: file, line: line, message: "the file holds more than \(maximum) values (aliases counted): split it")
    }

    mutating func convert(_ node: Node, depth: Int) throws(YAMLError) -> JSONValue {
        count += 1
        guard count <= maximumValues else { throw Self.tooMany(maximumValues, file: file, line: node.mark?.line ?? 0) }
        guard depth <= JSONLimits.maximumDepth else {
            throw failure(node, "objects and lists are nested deeper than \(JSONLimits.maximumDepth)")
        }
        switch node {
        case .scalar(let scalar): return try convert(scalar, at: node)
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence { elements.append(try convert(element, depth: depth + 1)) }
            return .array(elements)
        case .mapping(let mapping): return .object(try convert(mapping, depth: depth))
        case .alias: throw failure(node, "an alias stands where its anchor is not known")
        }
    }

    private mutating func convert(_ mapping: Node.Mapping, depth: Int) throws(YAMLError) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        var merged: [String: JSONValue] = [:]
        for (key, value) in mapping {
            if case .scalar(let scalar) = key, scalar.style == .plain, scalar.string == "<<" {
                for (name, inherited) in try inheritedMembers(value, depth: depth + 1) where merged[name] == nil {
                    merged[name] = inherited
                }
                continue
            }
            let name = try keyText(key)
            guard members[name] == nil else { throw failure(key, "\"\(name)\" appears more than once in one object") }
            members[name] = try convert(value, depth: depth + 1)
        }
        return members.merging(merged) { own, _ in own }
    }

    /// The members that `<<` brings: of one object, or of several, of which the first wins.
    private mutating func inheritedMembers(_ node: Node, depth: Int) throws(YAMLError) -> [String: JSONValue] {
        switch try convert(node, depth: depth) {
        case .object(let members): return members
        case .array(let elements):
            var members: [String: JSONValue] = [:]
            for element in elements {
                guard case .object(let more) = element else { throw failure(node, "\"<<\" takes objects only") }
                members.merge(more) { first, _ in first }
            }
            return members
        default: throw failure(node, "\"<<\" takes objects only")
        }
    }

    private func keyText(_ node: Node) throws(YAMLError) -> String {
        guard case .scalar(let scalar) = node, !(scalar.string.isEmpty && scalar.style == .plain) else {
            throw failure(node, "the key of a member must be a text")
        }
        return scalar.string
    }

    private func convert(_ scalar: Node.Scalar, at node: Node) throws(YAMLError) -> JSONValue {
        switch scalar.tag.description {
        case Tag.Name.implicit.rawValue where scalar.style == .plain || scalar.style == .any: break
        case Tag.Name.implicit.rawValue, Tag.Name.nonSpecific.rawValue, Tag.Name.str.rawValue:
            return .string(scalar.string)
        case Tag.Name.bool.rawValue, Tag.Name.int.rawValue, Tag.Name.float.rawValue, Tag.Name.null.rawValue: break
        case let tag: throw failure(node, "the tag \(tag) is not supported")
        }
        do {
            return try YAMLScalar.resolve(scalar.string)
        } catch .notFinite {
            throw failure(node, "\(scalar.string) is no number of JSON; quote it if it is a text")
        } catch {
            throw failure(node, "\(scalar.string) is a number beyond 64 bits; quote it if it is a text")
        }
    }

    private func failure(_ node: Node, _ message: String) -> YAMLError {
        YAMLError(file: file, line: node.mark?.line ?? 0, message: message)
    }
}
