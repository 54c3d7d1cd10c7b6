/// Why a change cannot be made. Nothing was written.
public enum TransitionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The map has no room for what the change needs beside what is in force.
    case full(map: String, capacity: Int, needed: Int)
    /// Every number of stacks and identities was given once.
    case numbersExhausted(limit: UInt32)
    /// A table names something that it does not hold; a fault of ours.
    case inconsistent(String)

    public var description: String {
        switch self {
        case .full(let map, let capacity, let needed):
            """
            the kernel map "\(map)" has room for \(capacity) entries and the change needs \(needed) with what is in \
            force beside it; the policy before stays in force: use fewer distinct selectors, nets or endpoints on \
            this node
            """
        case .numbersExhausted(let limit):
            """
            all \(limit) numbers for stacks and identities have been used since the kernel's maps were made; the policy \
            before stays in force: make new maps (stop bulkhead, bulkhead release --all, start it), or reboot
            """
        case .inconsistent(let what):
            "the verdict tables are inconsistent (\(what)); the policy before stays in force: please report this"
        }
    }
}
