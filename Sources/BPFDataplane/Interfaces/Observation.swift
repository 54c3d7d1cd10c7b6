import CBPF
import Foundation
import Glibc

/// What `--observe` leaves in the kernel: packets that would be denied pass.
public enum Observation {
    /// Ends it for every packet from now on; without the agent, and while one runs. Live connections go on where policy
    /// allows them. Returns whether there was anything to end.
    ///
    /// - Throws: `KernelError` where nothing of this build is pinned in the folder.
    public static func end(pinDirectory: String) throws -> Bool {
        let path = pinDirectory + "/" + KernelObject.schemaDirectory + "/meta"
        let found = bulkhead_pinned_map(path)
        guard found >= 0 else { throw KernelError.map(name: path, operation: "open", errno: -found) }
        let meta = try MappedWords(name: "meta", descriptor: Descriptor(owning: found))
        guard meta.load(Int(BULKHEAD_META_OBSERVE.rawValue)) != 0 else { return false }
        meta.store(0, at: Int(BULKHEAD_META_OBSERVE.rawValue))
        return true
    }
}
