import ArgumentParser
import Foundation
import KubernetesClient
import PolicyModel

/// `KIND [NAME] [-n NAMESPACE | -A]`, as kubectl writes it.
enum ResourceArguments {
    static func kind(_ text: String) throws -> ResourceKind {
        if let found = Kinds.find(userText: text) { return found }
        let known = Kinds.all.map(\.plural).sorted().joined(separator: ", ")
        // No wrong usage: which kinds there are is the server's business, as with kubectl.
        throw CommandFailure("no kind is called \"\(text)\"; there are \(known)")
    }
}

/// The objects that files, folders or standard input hold.
enum Manifests {
    private static let endings: Set<String> = ["yaml", "yml", "json"]

    /// Every document parses before any is used; namespaces and tiers come before what lives in them.
    static func read(_ paths: [String]) throws -> [(origin: String, object: JSONValue, kind: ResourceKind)] {
        var objects: [(origin: String, object: JSONValue, kind: ResourceKind)] = []
        for (name, text) in try paths.flatMap(files) {
            for document in try YAMLDocuments.parse(text, file: name) where document.value != .null {
                let place = "\(name):\(document.line)"
                // `get -o yaml` and kubectl write lists.
                let isList = document.value["kind"]?.stringValue?.hasSuffix("List") == true
                let items = isList ? document.value["items"]?.arrayValue ?? [] : [document.value]
                for item in items { objects.append((place, item, try kind(of: item, file: place))) }
            }
        }
        if objects.isEmpty { throw CommandFailure("\(paths.joined(separator: ", ")): no objects found") }
        let rank = ["Namespace": 0, "Tier": 1]
        return objects.enumerated()
            .sorted { (rank[$0.element.kind.kind] ?? 2, $0.offset) < (rank[$1.element.kind.kind] ?? 2, $1.offset) }
            .map(\.element)
    }

    private static func kind(of object: JSONValue, file: String) throws -> ResourceKind {
        guard let version = object["apiVersion"]?.stringValue, let kind = object["kind"]?.stringValue else {
            throw CommandFailure("\(file): an object needs apiVersion and kind")
        }
        guard let found = Kinds.find(apiVersion: version, kind: kind) else {
            let known = Kinds.all.map { "\($0.apiVersion) \($0.kind)" }.joined(separator: ", ")
            throw CommandFailure("\(file): the kind \(version) \(kind) is not served; there are \(known)")
        }
        guard object["metadata"]?["name"]?.stringValue != nil else {
            throw CommandFailure("\(file): \(kind): metadata.name is required")
        }
        return found
    }

    private static func files(_ path: String) throws -> [(String, String)] {
        if path == "-" {
            let data = FileHandle.standardInput.readDataToEndOfFile()
            return [("standard input", String(decoding: data, as: UTF8.self))]
        }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw CommandFailure("\(path): no such file or folder")
        }
        guard isFolder.boolValue else { return [(path, try text(path))] }
        let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        return try names.filter { endings.contains(($0 as NSString).pathExtension) }.map { ("\(path)/\($0)", try text("\(path)/\($0)")) }
    }

    private static func text(_ path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else { throw CommandFailure("\(path): cannot be read") }
        return String(decoding: data, as: UTF8.self)
    }
}
