import Foundation
import KubernetesClient
import PolicyModel

/// Every object that files, folders and standard input hold.
///
/// Every file is read to its end and everything that is wrong is told. What the files may ask for is in `ReadingLimits`; the
/// time and memory that a hostile file takes before it is refused are bounded by `ReadingGuard`.
public struct FileReading: Sendable {
    /// In the order of the files, which are in the order of their names.
    public private(set) var objects: [FileObject] = []
    public private(set) var problems: [FileProblem] = []
    /// What folders held that was not read, each with the reason.
    public private(set) var skipped: [String] = []

    private static let endings: Set<String> = ["yaml", "yml", "json"]
    private var bytes = 0
    private var files = 0
    private var values = 0
    private var isFull = false
    private var seen: Set<BoundedFile.Identity> = []
    private let reading: @Sendable (String) -> Void

    /// - Parameters:
    ///   - paths: files, folders (read with the folders in them), or `-` for standard input.
    ///   - reading: told of every file before it is read.
    public init(_ paths: [String], reading: @escaping @Sendable (String) -> Void = { _ in }) {
        self.reading = reading
        for path in paths { add(path) }
    }

    private mutating func add(_ path: String) {
        if path == "-" {
            reading("standard input")
            return take(BoundedFile.readStandardInput(limit: limit), file: "standard input")
        }
        guard let found = BoundedFile.look(at: path) else { return fail(path, "no such file or folder") }
        switch found.kind {
        case .file: add(file: path, found.identity)
        case .folder: add(folder: path, found.identity, depth: 0)
        case .other(let word): fail(path, "is \(word): only files, folders and - (standard input) are read")
        }
    }

    private mutating func add(folder: String, _ identity: BoundedFile.Identity, depth: Int) {
        // A link to a folder around it would never end, and links beside each other would take for ever.
        guard seen.insert(identity).inserted else { return skipped.append("\(folder) (read already)") }
        guard depth < ReadingLimits.folderDepth else {
            return fail(folder, "is more than \(ReadingLimits.folderDepth) folders deep")
        }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch {
            return fail(folder, "cannot be read: \(error.localizedDescription)")
        }
        for name in names where !isFull {
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            if name.hasPrefix(".") {
                skipped.append("\(path) (hidden)")
            } else if let found = BoundedFile.look(at: path) {
                switch found.kind {
                case .folder: add(folder: path, found.identity, depth: depth + 1)
                case _ where !Self.endings.contains((name as NSString).pathExtension.lowercased()):
                    skipped.append("\(path) (not .yaml, .yml or .json)")
                case .file: add(file: path, found.identity)
                case .other(let word): fail(path, "is \(word): only regular files are read")
                }
            } else {
                skipped.append("\(path) (a link to nothing)")
            }
        }
    }

    private mutating func add(file: String, _ identity: BoundedFile.Identity) {
        guard seen.insert(identity).inserted else { return skipped.append("\(file) (read already)") }
        files += 1
        guard files <= ReadingLimits.files else {
            isFull = true
            return fail(file, "is one more than the \(ReadingLimits.files) files that are read: ask for a part of the folder")
        }
        guard bytes < ReadingLimits.bytes, values < ReadingLimits.values else {
            isFull = true
            return fail(file, "and what follows it is not read: the files before it hold as much as is read at most")
        }
        reading(file)
        take(BoundedFile.read(file, limit: limit), file: file)
    }

    /// What one more file may have.
    private var limit: Int { min(JSONLimits.maximumBytes, max(ReadingLimits.bytes - bytes, 0)) }

    private mutating func take(_ result: Result<Data, Refusal>, file: String) {
        switch result {
        case .failure(let refusal): fail(file, refusal.sentence)
        case .success(let data):
            bytes += data.count
            guard let text = String(data: data, encoding: .utf8) else { return fail(file, "is no UTF-8 text") }
            for document in FileDocument.split(text, file: file) where !isFull { add(document) }
        }
    }

    private mutating func add(_ document: FileDocument) {
        do {
            let limit = min(ReadingLimits.valuesPerDocument, ReadingLimits.values - values)
            let (parsed, count) = try YAMLDocuments.parse(String(document.text), file: document.file, maximumValues: limit)
            values += count
            for one in parsed {
                add(one.value, of: document, line: document.linesBefore + one.line, prefix: "", list: nil)
            }
        } catch {
            let line = error.line > 0 ? error.line + document.linesBefore : document.line
            report(FileProblem(file: document.file, line: line, message: error.message))
        }
    }

    /// `get -o yaml` and kubectl write lists, whose elements need not say what they are.
    private mutating func add(
        _ value: JSONValue, of document: FileDocument, line: Int, prefix: String, list: (apiVersion: String, kind: String)?
    ) {
        var value = value
        if let list, case .object = value, value["kind"] == nil, value["apiVersion"] == nil {
            value["apiVersion"] = .string(list.apiVersion)
            value["kind"] = .string(list.kind)
        }
        guard let kind = value["kind"]?.stringValue, kind.hasSuffix("List"), let items = value["items"]?.arrayValue else {
            return objects.append(FileObject(value, of: document, line: line, prefix: prefix))
        }
        let inner = String(kind.dropLast("List".count))
        let version = value["apiVersion"]?.stringValue ?? ""
        for (index, item) in items.enumerated() {
            let path = prefix.isEmpty ? "items[\(index)]" : "\(prefix).items[\(index)]"
            add(item, of: document, line: line, prefix: path, list: inner.isEmpty ? nil : (version, inner))
        }
    }

    private mutating func fail(_ file: String, _ message: String) { report(FileProblem(file: file, message: message)) }

    private mutating func report(_ problem: FileProblem) { problems.append(problem) }
}
