import Dataplane
import Foundation
import Glibc

/// `STATE/released`: what `bulkhead release` took from a running agent. A line is an interface's index and name, or `*`.
struct ReleaseMarker {
    struct Content {
        var isEverything = false
        var interfaces: Set<NodeProgram.Attachment> = []

        /// An interface that was made anew under its name is another.
        func includes(_ attachment: NodeProgram.Attachment) -> Bool {
            isEverything || interfaces.contains(attachment)
        }
    }

    private static let everything = "*"

    private let path: String
    private let stateDirectory: String

    init(stateDirectory: String) {
        self.stateDirectory = stateDirectory
        path = stateDirectory + "/released"
    }

    var content: Content {
        var content = Content()
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return content }
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            if line == Self.everything {
                content.isEverything = true
            } else if parts.count == 2, let index = Int32(parts[0]) {
                content.interfaces.insert(.init(interfaceName: String(parts[1]), interfaceIndex: index))
            }
        }
        return content
    }

    /// Nothing where there is no state folder, and so no agent.
    func add(_ taken: Content) throws(BPFDataplaneError) {
        guard taken.isEverything || !taken.interfaces.isEmpty, FileManager.default.fileExists(atPath: stateDirectory) else {
            return
        }
        var all = content
        all.interfaces.formUnion(taken.interfaces)
        all.isEverything = all.isEverything || taken.isEverything
        try write(all)
    }

    /// The interface may be policed again.
    func remove(_ attachment: NodeProgram.Attachment) throws(BPFDataplaneError) {
        var rest = content
        guard rest.interfaces.remove(attachment) != nil else { return }
        try write(rest)
    }

    private func write(_ content: Content) throws(BPFDataplaneError) {
        var lines = content.interfaces.map { "\($0.interfaceIndex) \($0.interfaceName)" }.sorted()
        if content.isEverything { lines.append(Self.everything) }
        do {
            try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw .file(path: path, operation: "write", errno: EIO)
        }
    }

    func remove() { unlink(path) }
}
