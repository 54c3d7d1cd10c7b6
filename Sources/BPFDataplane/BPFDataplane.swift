import CBPF
import CLinux
import Dataplane
import Glibc
import Netlink
import PolicyEngine
import PolicyModel

/// The kernel's maps and hooks, kept as the programs want them.
///
/// All state that packets need is pinned: when this process ends, enforcement goes on, and the next adopts it. For use
/// on the one thread that made it; interfaces are those of that thread's network namespace. `apply` blocks for as
/// long as the kernel needs.
public final class BPFDataplane: Dataplane {
    public struct Configuration: Sendable {
        /// A folder of this instance's own in a BPF file system; made when missing.
        public var pinDirectory: String
        /// A folder of this instance's own on disk; made when missing.
        public var stateDirectory: String
        /// Report verdicts, drop nothing.
        public var observe = false
        /// Lower than the maps' capacities only to try what happens when they are full.
        public var limits = Limits()
        /// How long after its attach an interface's older connections are learnt instead of cut.
        public var adoptionNanoseconds: UInt64 = 60_000_000_000
        public var bootTime: @Sendable () -> UInt64 = { bulkhead_boot_time() }

        public init(pinDirectory: String, stateDirectory: String) {
            self.pinDirectory = pinDirectory
            self.stateDirectory = stateDirectory
        }
    }

    let configuration: Configuration
    package let kernel: KernelObject
    private let lock: Descriptor
    /// Held: two agents in one network namespace would replace each other's hooks.
    let namespaceLock: Descriptor
    package let programs: Hooks.Programs
    var control: TrafficControl
    var decisions: DecisionLog
    var slots: EndpointSlots
    var state: KernelState
    var revision: Int64?
    /// Counts what changed the tables; a grace period is known by it.
    var serial: UInt64 = 1
    let grace = GraceWorker()
    /// Endpoints whose hooks are to be set at the next program.
    var unhooked: Set<EndpointKey> = []
    /// Interfaces whose hooks nobody claims and that could not be removed, by index.
    var abandoned: [Int32: Abandoned] = [:]
    var losses = HookLosses()
    /// From the last sweep.
    var flowCounts = (confirmed: 0, halfOpen: 0)
    /// Of builds with another layout, whose programs may still police interfaces.
    var former: [FormerMaps]
    /// The serial after whose grace period no packet is in their programs.
    var formerReplaced: UInt64?
    /// Empty between two calls of `drainEvents`.
    var denials = DenialTally(capacity: KernelLimits.reportsPerDrain)
    /// CLOCK_BOOTTIME when the last sweep of this process began.
    var lastSweep: UInt64 = 0
    /// The one that is being made.
    var sweep: FlowSweep?
    /// Beginnings that made room for others, and so end without an event; as of the last sweep.
    var flowsForgotten: UInt64 = 0
    var trouble: String?
    /// nil: what an earlier agent left was not read yet.
    var admitted: Set<AdmittedSource>?

    /// Makes the maps, or adopts those that an earlier agent pinned. Throws `BPFDataplaneError.locked` while another
    /// agent has them.
    public init(configuration: Configuration) throws {
        self.configuration = configuration
        let folder = configuration.stateDirectory
        try Self.makeDirectory(folder)
        let pins = configuration.pinDirectory
        try BPFFileSystem.makeDirectory(pins)
        let lock = bulkhead_lock_directory(pins)
        guard lock >= 0 else {
            throw lock == -EWOULDBLOCK
                ? BPFDataplaneError.locked(path: pins)
                : BPFDataplaneError.file(path: pins, operation: "lock", errno: -lock)
        }
        self.lock = Descriptor(owning: lock)
        let namespaceLock = bulkhead_lock_namespace("bulkhead-agent")
        guard namespaceLock >= 0 else {
            throw namespaceLock == -EADDRINUSE
                ? BPFDataplaneError.namespaceTaken
                : BPFDataplaneError.file(path: "@bulkhead-agent", operation: "take the socket name", errno: -namespaceLock)
        }
        self.namespaceLock = Descriptor(owning: namespaceLock)
        ReleaseMarker(stateDirectory: folder).remove()
        control = try TrafficControl()
        kernel = try KernelObject(pinDirectory: pins)
        programs = try Hooks.Programs(from: kernel.fromWorkload.raw, to: kernel.toWorkload.raw)
        // The earlier agent's last change may still have readers.
        _ = bulkhead_wait_for_grace()
        var limits = configuration.limits
        limits.arenaWords = min(limits.arenaWords, kernel.arena.count)
        var inherited = try kernel.inheritance(limits: limits)
        former = FormerMaps.all(in: pins)
        // Their connections will be ours: so are the reasons of these.
        for maps in former {
            try maps.forEachFlow { _, flow, _ in inherited.decisions.insert(flow.outcome & KernelOutcome.payloadMask) }
        }
        self.state = inherited.state
        decisions = try DecisionLog(
            path: folder + "/decisions",
            next: former.reduce(UInt32(truncatingIfNeeded: kernel.meta.load(Int(BULKHEAD_META_NEXT_DECISION.rawValue)))) {
                max($0, $1.nextDecision())
            }
        ) { inherited.decisions.contains($0) }
        slots = EndpointSlots(entries: min(limits.slots, kernel.slots.count / 2))
        try adoptInterfaces(inherited.slots)
        kernel.meta.store(configuration.observe ? 1 : 0, at: Int(BULKHEAD_META_OBSERVE.rawValue))
        kernel.meta.store(configuration.adoptionNanoseconds, at: Int(BULKHEAD_META_ADOPTION.rawValue))
        kernel.meta.store(UInt64(getpid()), at: Int(BULKHEAD_META_OWNER.rawValue))
        if kernel.meta.load(Int(BULKHEAD_META_EPOCH.rawValue)) == 0 {
            kernel.meta.store(self.state.epoch, at: Int(BULKHEAD_META_EPOCH.rawValue))
        }
    }

    public func apply(_ program: NodeProgram) throws -> ApplyReport {
        let released = ReleaseMarker(stateDirectory: configuration.stateDirectory).content
        if released.isEverything { throw BPFDataplaneError.released }
        settle()
        var writes = 0
        let attachments = attachments(of: program, released)
        let legs = try legs(of: program, attachments)
        // What an earlier process left has other names.
        let changes = revision == nil ? nil : program.changes
        let numbers = try decisions.numbers(of: program.tables.decisions, changed: changes?.decisions)
        kernel.meta.store(UInt64(decisions.next), at: Int(BULKHEAD_META_NEXT_DECISION.rawValue))
        var transition = try plan(program.tables, legs, numbers, changes)
        do {
            try kernel.execute(transition, before: state)
        } catch {
            // Numbers that packets may have seen are never given again.
            state.nextNumber = transition.after.nextNumber
            throw error
        }
        writes += transition.steps.count
        state.commit(&transition)
        revision = program.revision
        kernel.meta.store(UInt64(bitPattern: program.revision), at: Int(BULKHEAD_META_REVISION.rawValue))
        serial += 1
        var failures = upgrade(attachments) { police(program, attachments) }
        for (key, attachment) in program.attachments where released.includes(attachment) {
            failures[key] =
                "interface \(attachment.interfaceName) was released with `bulkhead release --interface`; to police it again "
                + "add its workload anew (bulkhead workload add) or restart `bulkhead up`"
        }
        if !state.isSettled { grace.request(serial) }
        return ApplyReport(mapWrites: writes, failures: failures)
    }

    /// Waits for a grace period and tries once more when what waits for it takes the room.
    private func plan(
        _ tables: VerdictTables, _ legs: [LegKey: VerdictTables.LegStacks], _ numbers: [DecisionID: UInt32],
        _ changes: TableChanges?
    ) throws -> Transition {
        do {
            return try state.transition(to: tables, legs: legs, decisions: numbers, changes: changes)
        } catch TransitionError.full where !state.isSettled {
            settleNow()
            return try state.transition(to: tables, legs: legs, decisions: numbers, changes: changes)
        }
    }

    /// The interfaces to police: an endpoint whose interface is not there under its name keeps the one it had, as long
    /// as that exists and nobody else claims it.
    private func attachments(
        of program: NodeProgram, _ released: ReleaseMarker.Content
    ) -> [EndpointKey: NodeProgram.Attachment] {
        var attachments = program.attachments
        var claimed = Set(attachments.values.map(\.interfaceIndex))
        for key in Set(program.tables.legs.keys.map(\.endpoint)) where attachments[key] == nil {
            guard let former = slots.policed[key]?.attachment, Self.currentName(of: former.interfaceIndex) != nil,
                claimed.insert(former.interfaceIndex).inserted
            else { continue }
            attachments[key] = former
        }
        return attachments.filter { !released.includes($0.value) }
    }

    private func legs(
        of program: NodeProgram, _ attachments: [EndpointKey: NodeProgram.Attachment]
    ) throws -> [LegKey: VerdictTables.LegStacks] {
        for (key, attachment) in attachments.sorted(by: { $0.key < $1.key }) {
            guard slots.slot(for: key, attachment) != nil else {
                throw BPFDataplaneError.tooManyEndpoints(capacity: slots.capacity)
            }
        }
        var legs: [LegKey: VerdictTables.LegStacks] = [:]
        for (leg, stacks) in program.tables.legs where attachments[leg.endpoint] != nil {
            guard let slot = slots.policed[leg.endpoint]?.slot else { continue }
            legs[LegKey(slot: slot, address: leg.address)] = stacks
        }
        return legs
    }

    /// Removes and unites what a grace period allows, if one ended since the last change.
    func settle() {
        retireFormer()
        guard !state.isSettled, grace.completed >= serial else { return }
        do {
            try kernel.execute(state.retire()[...])
            if var transition = try state.settling(decisions: [:]) {
                try kernel.execute(transition, before: state)
                state.commit(&transition)
                serial += 1
                grace.request(serial)
            }
            trouble = nil
        } catch {
            trouble = "old tables could not be tidied up: \(error)"
        }
    }

    /// As `settle`, waiting for the grace periods that it needs (about 11 ms each).
    func settleNow() {
        for _ in 0..<3 where !state.isSettled {
            guard bulkhead_wait_for_grace() == 0 else { return }
            do {
                try kernel.execute(state.retire()[...])
                guard var transition = try state.settling(decisions: [:]) else { continue }
                try kernel.execute(transition, before: state)
                state.commit(&transition)
                serial += 1
            } catch {
                trouble = "old tables could not be tidied up: \(error)"
                return
            }
        }
    }

    private static func makeDirectory(_ path: String) throws(BPFDataplaneError) {
        var prefix = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            prefix += "/" + part
            if mkdir(prefix, 0o700) != 0, errno != EEXIST {
                throw .file(path: prefix, operation: "create the folder", errno: errno)
            }
        }
    }
}
