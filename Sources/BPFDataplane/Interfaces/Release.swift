import Dataplane
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
        let links = try NetworkInterface.all().filter { interface == nil || interface == $0.name }
        // First, so that a running agent does not attach again what is being removed.
        var taken = ReleaseMarker.Content()
        if interface == nil {
            taken.isEverything = true
        } else {
            taken.interfaces = Set(links.map { .init(interfaceName: $0.name, interfaceIndex: $0.index) })
        }
        try ReleaseMarker(stateDirectory: stateDirectory).add(taken)
        var control = try TrafficControl()
        var released: [String] = []
        for link in links {
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
