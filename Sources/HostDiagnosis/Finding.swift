/// One thing that was looked at.
public struct Finding: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        /// As it should be.
        case fine
        /// Worth knowing; nothing is lost by it.
        case note
        /// Something works less well, or for less.
        case costs
        /// Without it Bulkhead does not work.
        case missing
    }

    /// What was looked at: `cls_bpf`, `podman hook`.
    public var check: String
    public var state: State
    /// What was found.
    public var what: String
    /// What it costs; empty where that is nothing.
    public var cost: String
    /// What to do; empty where there is nothing to do.
    public var mend: String

    public init(_ check: String, _ state: State, _ what: String, cost: String = "", mend: String = "") {
        self.check = check
        self.state = state
        self.what = what
        self.cost = cost
        self.mend = mend
    }

    /// Whether something is to be mended.
    public var isTrouble: Bool { state == .costs || state == .missing }
}
