import Foundation
import KubernetesClient
import PolicyModel

/// An object of a file.
struct Manifest {
    /// As a person named it; `standard input` for `-`.
    var file: String
    /// Where the object begins, from 1.
    var line: Int
    /// Which of the file's documents it is in, from 0.
    var document: Int
    var object: JSONValue
    var kind: ResourceKind

    var name: String { object["metadata"]?["name"]?.stringValue ?? "" }

    /// `networkpolicy/web`.
    var title: String { "\(kind.singular)/\(name)" }
}

/// The objects that files, folders or standard input hold.
struct Manifests {
    private static let endings: Set<String> = ["yaml", "yml", "json"]

    /// Namespaces and tiers come before what lives in them.
    private(set) var objects: [Manifest] = []
    /// What folders held that is no manifest, each with the reason.
    private(set) var skipped: [String] = []
    private var texts: [String: String] = [:]

    /// Every document parses before any is used. A folder is read with the folders in it.
    init(_ paths: [String]) throws {
        for path in paths { try add(path) }
        if objects.isEmpty {
            let skippedText = skipped.isEmpty ? "" : "; skipped \(skipped.joined(separator: ", "))"
            throw CommandFailure("\(paths.joined(separator: ", ")): no objects found\(skippedText)")
        }
        let rank = ["Namespace": 0, "Tier": 1]
        objects = objects.enumerated()
            .sorted { (rank[$0.element.kind.kind] ?? 2, $0.offset) < (rank[$1.element.kind.kind] ?? 2, $1.offset) }
            .map(\.element)
    }

    /// `FILE:LINE`: of a field where it can be found, else of the object.
    func place(of manifest: Manifest, field: String? = nil) -> String {
        var line = manifest.line
        if let field, let text = texts[manifest.file],
            let found = FieldLines.line(of: field, inDocument: manifest.document, of: text, within: manifest.line)
        {
            line = found
        }
        return "\(manifest.file):\(line)"
    }

    private mutating func add(_ path: String) throws {
        if path == "-" {
            return try add(text: FileHandle.standardInput.readDataToEndOfFile(), file: "standard input")
        }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw CommandFailure("\(path): no such file or folder")
        }
        isFolder.boolValue ? try add(folder: path, within: []) : try add(file: path)
    }

    /// - Parameter within: the folders around it as they really are: a link to one of them would never end.
    private mutating func add(folder: String, within: Set<String>) throws {
        let real = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
        guard !within.contains(real) else {
            skipped.append("\(folder) (a link to a folder around it)")
            return
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            var isFolder: ObjCBool = false
            if name.hasPrefix(".") {
                skipped.append("\(path) (hidden)")
            } else if !FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
                skipped.append("\(path) (a link to nothing)")
            } else if isFolder.boolValue {
                try add(folder: path, within: within.union([real]))
            } else if Self.endings.contains((name as NSString).pathExtension.lowercased()) {
                try add(file: path)
            } else {
                skipped.append("\(path) (not .yaml, .yml or .json)")
            }
        }
    }

    private mutating func add(file: String) throws {
        guard let data = FileManager.default.contents(atPath: file) else { throw CommandFailure("\(file): cannot be read") }
        try add(text: data, file: file)
    }

    private mutating func add(text data: Data, file: String) throws {
        guard let text = String(data: data, encoding: .utf8) else { throw CommandFailure("\(file): is no UTF-8 text") }
        texts[file] = text
        for (index, document) in try YAMLDocuments.parse(text, file: file).enumerated() where document.value != .null {
            // `get -o yaml` and kubectl write lists.
            let isList = document.value["kind"]?.stringValue?.hasSuffix("List") == true
            let items = isList ? document.value["items"]?.arrayValue ?? [] : [document.value]
            for item in items {
                if Kinds.offline.contains(where: { $0.isKind(of: item) }) {
                    skipped.append("\(file):\(document.line) (for bulkhead verify; no server stores it)")
                    continue
                }
                let kind = try Self.kind(of: item, place: "\(file):\(document.line)")
                objects.append(Manifest(file: file, line: document.line, document: index, object: item, kind: kind))
            }
        }
    }

    private static func kind(of object: JSONValue, place: String) throws -> ResourceKind {
        guard let version = object["apiVersion"]?.stringValue, let kind = object["kind"]?.stringValue else {
            throw CommandFailure("\(place): an object needs apiVersion and kind")
        }
        guard let found = Kinds.find(apiVersion: version, kind: kind) else {
            let known = Kinds.all.map { "\($0.apiVersion) \($0.kind)" }.joined(separator: ", ")
            throw CommandFailure("\(place): the kind \(version) \(kind) is not served; there are \(known)")
        }
        guard object["metadata"]?["name"]?.stringValue != nil else {
            throw CommandFailure("\(place): \(kind): metadata.name is required")
        }
        return found
    }
}
