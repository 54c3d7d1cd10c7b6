import Foundation
import Glibc
import Netlink

/// Takes enforcement away without the agent.
public enum Release {
    /// Removes our hooks from `interface`, or from all of the namespace and with them the pinned maps. Idempotent: what
    /// is not there is no error. A running agent stops policing what was released until it is started again.
    ///
    /// Works in the calling thread's network namespace. Returns the interfaces whose hooks were removed.
    @discardableResult
    public static func release(
        pinDirectory: String, stateDirectory: String, interface: String?
    ) throws -> [String] {
        // First, so that a running agent does not attach again what is being removed.
        try ReleaseMarker(stateDirectory: stateDirectory).add(interface ?? ReleaseMarker.everything)
        var control = try TrafficControl()
        var released: [String] = []
        for link in try NetworkInterface.all() where interface == nil || interface == link.name {
            if try Hooks.detach(&control, index: link.index, interface: link.name) { released.append(link.name) }
        }
        if interface == nil { try unpin(pinDirectory) }
        return released
    }

    /// Only what lies in a BPF file system is removed.
    private static func unpin(_ directory: String) throws {
        guard FileManager.default.fileExists(atPath: directory) else { return }
        guard BPFFileSystem.contains(directory) else { throw KernelError.notBPFFileSystem(path: directory) }
        do {
            try FileManager.default.removeItem(atPath: directory)
        } catch CocoaError.fileNoSuchFile {
            return
        }
    }
}

/// `STATE/released`: the interfaces, one a line, that `bulkhead release` took from a running agent.
struct ReleaseMarker {
    static let everything = "*"

    private let path: String
    private let stateDirectory: String

    init(stateDirectory: String) {
        self.stateDirectory = stateDirectory
        path = stateDirectory + "/released"
    }

    var content: Set<String> {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
        return Set(text.split(separator: "\n").map(String.init))
    }

    /// Nothing where there is no state folder, and so no agent.
    func add(_ name: String) throws(BPFDataplaneError) {
        guard FileManager.default.fileExists(atPath: stateDirectory) else { return }
        let text = content.union([name]).sorted().joined(separator: "\n") + "\n"
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw .file(path: path, operation: "write", errno: EIO)
        }
    }

    func remove() { unlink(path) }
}
