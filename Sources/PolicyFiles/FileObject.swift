import PolicyModel

/// An object as a file holds it.
public struct FileObject: Sendable {
    /// As the user named it; `standard input` for `-`.
    public var file: String { document.file }
    public var value: JSONValue
    private let document: FileDocument
    private let documentLine: Int
    /// Leads from the document to the object: `items[2]`, or empty.
    private let prefix: String

    init(_ value: JSONValue, of document: FileDocument, line: Int, prefix: String) {
        self.value = value
        self.document = document
        documentLine = line
        self.prefix = prefix
    }

    /// `NetworkPolicy shop/web`; the kind alone while there is no name.
    public var title: String {
        let kind = value["kind"]?.stringValue ?? ""
        let name = value["metadata"]?["name"]?.stringValue ?? ""
        let namespace = value["metadata"]?["namespace"]?.stringValue ?? ""
        return [kind, [namespace, name].filter { !$0.isEmpty }.joined(separator: "/")].filter { !$0.isEmpty }
            .joined(separator: " ")
    }

    /// The line, from 1, of a field, or of the nearest one around it that is there; of the object, for an empty path.
    /// O(document): for what is wrong, and not for every object.
    public func line(of path: String = "") -> Int {
        let whole = [prefix, path].filter { !$0.isEmpty }.joined(separator: ".")
        return whole.isEmpty ? documentLine : document.line(of: whole) ?? documentLine
    }

    public func problem(_ error: FieldError) -> FileProblem {
        FileProblem(file: file, line: line(of: error.path), object: title, path: error.path, message: error.message)
    }
}
