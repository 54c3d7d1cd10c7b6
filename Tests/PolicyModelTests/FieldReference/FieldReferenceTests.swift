import Foundation
import PolicyModel
import Testing

/// `Documentation/PolicyLanguage.md` has a row for each field, made from the schema, and each row is true.
///
/// `BULKHEAD_WRITE_DOCUMENTATION=1 swift test --filter FieldReferenceTests` writes the rows anew.
@Suite struct FieldReferenceTests {
    private static let path = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Documentation/PolicyLanguage.md").path
    private static let start = "<!-- fields: written by FieldReferenceTests -->\n"
    private static let end = "\n<!-- end of fields -->"

    @Test func theDocumentHasTheRowsOfTheSchema() throws {
        let document = try String(contentsOfFile: Self.path, encoding: .utf8)
        let from = try #require(document.range(of: Self.start))
        let to = try #require(document.range(of: Self.end))
        let wanted = FieldReference.markdown()
        if ProcessInfo.processInfo.environment["BULKHEAD_WRITE_DOCUMENTATION"] != nil {
            try (document[..<from.upperBound] + wanted + document[to.lowerBound...]).write(toFile: Self.path, atomically: true, encoding: .utf8)
        } else {
            #expect(document[from.upperBound..<to.lowerBound] == wanted[...], "fields have changed: write the rows anew")
        }
    }

    @Test func everyFieldOfEveryKindHasARowWithMeaningAndExample() {
        var rows = 0
        for (kind, section) in FieldReference.sections() {
            rows += section.count
            #expect(section.count >= 4, "\(kind.kind)")
            for row in section {
                #expect(row.field.description.hasSuffix("."), "\(kind.kind) \(row.path)")
                #expect(FieldExamples.example(of: row.path, row.field.schema) != nil, "\(kind.kind) \(row.path) has no example")
            }
        }
        print("\(rows) rows of fields")
        #expect(rows > 300)
    }

    /// Takes each row at its word: an object with the example is taken, or refused where the row says so; with another name
    /// the field is unknown.
    @Test func everyRowIsTrueOfTheValidator() throws {
        for (kind, section) in FieldReference.sections() where kind.refusal == nil {
            let refused = section.filter { !$0.field.enforced }.map(\.path)
            for row in section {
                let example = try #require(FieldExamples.example(of: row.path, row.field.schema))
                let errors = Self.errors(kind, row.path, example)
                let isInside = refused.contains { row.path.hasPrefix("\($0).") || row.path.hasPrefix("\($0)[") }
                if row.isRefused, !isInside, example != false, example != [] {
                    #expect(errors.contains { $0.reason == .notEnforcedYet }, "\(kind.kind) \(row.path): \(errors)")
                }
                guard !row.isRefused else { continue }
                let concrete = row.path.replacing("[]", with: "[0]")
                let wrong = errors.filter { error in
                    // A kind of the whole cluster has no namespace.
                    error.path == concrete && !error.message.hasPrefix("must be absent")
                        && (error.reason == .unknown || error.reason == .notSupported || error.message.hasPrefix("must be"))
                }
                #expect(wrong.isEmpty, "\(kind.kind) \(row.path) = \(example.text()): \(wrong)")
                guard !row.path.contains(".*"), row.path != "apiVersion", row.path != "kind" else { continue }
                let misspelt = Self.errors(kind, row.path + "Misspelt", example)
                #expect(misspelt.contains { $0.reason == .unknown }, "\(kind.kind) \(row.path)")
            }
        }
    }

    private static func errors(_ kind: ResourceKind, _ path: String, _ value: JSONValue) -> [FieldError] {
        var metadata: JSONValue = ["name": "web"]
        if kind.namespaced { metadata["namespace"] = "shop" }
        let base: JSONValue = ["apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind), "metadata": metadata]
        return Validator.validate(placed(value, at: path.split(separator: ".").map(String.init)[...], in: base), kind: kind)
    }

    private static func placed(_ value: JSONValue, at path: ArraySlice<String>, in object: JSONValue?) -> JSONValue {
        guard let first = path.first else { return value }
        var members = object?.objectValue ?? [:]
        let name = first.prefix { $0 != "[" }
        let depth = (first.count - name.count) / 2
        var inner = placed(value, at: path.dropFirst(), in: members[String(name)])
        for _ in 0..<depth { inner = .array([inner]) }
        members[name == "*" ? "key" : String(name)] = inner
        return .object(members)
    }
}
