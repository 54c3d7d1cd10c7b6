import Glibc

/// Why the dataplane could not start or could not take a program.
public enum BPFDataplaneError: Error, Hashable, Sendable {
    /// Another agent has the same pinned maps.
    case locked(path: String)
    /// Another agent enforces in the same network namespace, with other maps.
    case namespaceTaken
    case file(path: String, operation: String, errno: Int32)
    /// The kernel took only a part of a change; it was taken back.
    case refused(map: String, entries: Int, capacity: Int, errno: Int32)
    /// No more interfaces can be policed.
    case tooManyEndpoints(capacity: Int)
    /// Every number of decisions was given once.
    case decisionsExhausted(limit: UInt32)
    /// `bulkhead release --all` ran while this agent did.
    case released
}

extension BPFDataplaneError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .locked(let path):
            "another bulkhead agent enforces with the maps pinned in \(path); stop it, or give this one another --pin"
        case .namespaceTaken:
            """
            another bulkhead agent enforces in this network namespace with another --pin; two would replace each other's \
            hooks: stop it, or start this one in a network namespace of its own
            """
        case .file(let path, let operation, let number):
            "cannot \(operation) \(path): \(String(cString: strerror(number)))"
        case .refused(let map, let entries, let capacity, let number):
            """
            the kernel refused an entry of the map "\(map)" (\(entries) of \(capacity) entries in use): \
            \(String(cString: strerror(number))); the change was taken back and the policy before stays in force: \
            free memory, or use fewer distinct selectors, nets or endpoints on this node
            """
        case .tooManyEndpoints(let capacity):
            "this node polices \(capacity) interfaces, which is the limit; move workloads to another node"
        case .decisionsExhausted(let limit):
            """
            all \(limit) numbers for decisions have been used since the kernel's maps were made; the policy before stays \
            in force: make new maps (stop bulkhead, bulkhead release --all, start it), or reboot
            """
        case .released:
            "enforcement was released (bulkhead release --all); restart bulkhead to enforce again"
        }
    }
}
