import CLinux
import Glibc

/// The two places of an interface where programs are attached (tc-bpf(8)), seen from the host.
public enum HookPoint: Hashable, Sendable, CaseIterable {
    /// What the interface received.
    case ingress
    /// What it is about to send.
    case egress

    fileprivate var parent: UInt32 { self == .ingress ? 0xffff_fff2 : 0xffff_fff3 }
}

/// A filter at a hook.
public struct Filter: Hashable, Sendable {
    /// The kind of programs attached by TCX, which decide before every classifier.
    public static let tcx = "tcx"

    public var hook: HookPoint
    /// Of the classifier: `bpf`, `u32`, …; or `tcx`.
    public var kind: String
    /// Lower ones decide first; 0 for TCX.
    public var priority: UInt16
    /// 0 for TCX.
    public var handle: UInt32
    /// Of a `bpf` classifier, or as much of the program's as TCX knows (15 characters); else empty.
    public var name: String
    /// The kernel's number of the program; 0 for other kinds.
    public var program: UInt32
}

/// Hooks in the network namespace that the calling thread was in when this was made, and is in still.
///
/// There are two ways to attach a program. Both replace it atomically, and it lives without the process that attached it:
/// - cls_bpf in direct action in a clsact qdisc takes 0.1 ms, but the kernel takes the interface's queues away while it
///   adds or removes the qdisc (net/sched/sch_api.c, qdisc_graft()): what is sent in that millisecond is lost;
/// - TCX (Linux 6.6) waits for a grace period, some 12 ms for each hook, and loses nothing.
///
/// Interfaces are given by index; their names are for errors only.
public struct TrafficControl: ~Copyable {
    private var socket: RouteSocket

    private static let clsactParent: UInt32 = 0xffff_fff1
    private static let clsactHandle: UInt32 = 0xffff_0000
    /// ETH_P_ALL in network order.
    private static let everyProtocol = UInt32(UInt16(0x0003).bigEndian)
    private static let headerSize = MemoryLayout<tcmsg>.size
    /// What the kernel says of a qdisc, a filter or an interface that is not there.
    private static let absences: Set<Int32> = [ENOENT, EINVAL, ENODEV]

    public init() throws(RouteError) {
        socket = try RouteSocket()
        socket.askForExplanations()
    }

    private static func header(index: Int32, parent: UInt32, handle: UInt32 = 0, info: UInt32 = 0) -> [UInt8] {
        // struct tcmsg: family, padding, then these.
        UInt32(0).hostBytes + index.hostBytes + handle.hostBytes + parent.hostBytes + info.hostBytes
    }

    private mutating func request(
        _ type: Int, flags: Int32 = 0, _ payload: [UInt8], _ operation: String, _ interface: String
    ) throws(TrafficControlError) {
        let answer: (code: Int32, text: String)
        do {
            answer = try socket.request(UInt16(type), flags: UInt16(flags), payload: payload, operation: operation)
        } catch {
            throw TrafficControlError(operation: operation, interface: interface, code: error.code)
        }
        guard answer.code == 0 else {
            throw TrafficControlError(
                operation: operation, interface: interface, code: answer.code, text: answer.text)
        }
    }

    /// Makes the qdisc that carries both hooks; false when it was there. Throws where a qdisc of another kind has its
    /// place: that has one list of filters for both hooks.
    @discardableResult
    public mutating func addHooks(index: Int32, interface: String) throws(TrafficControlError) -> Bool {
        let payload =
            Self.header(index: index, parent: Self.clsactParent, handle: Self.clsactHandle)
            + RouteMessage.attribute(UInt16(TCA_KIND), text: "clsact")
        do {
            let flags = NLM_F_CREATE | NLM_F_EXCL
            try request(Int(RTM_NEWQDISC), flags: flags, payload, "add a clsact qdisc", interface)
            return true
        } catch where error.code == EEXIST {
            let kind = try hooksKind(index: index, interface: interface)
            guard kind == "clsact" else {
                throw TrafficControlError(
                    operation: error.operation, interface: interface, code: EEXIST,
                    text: "interface \(interface) has an \(kind) qdisc of another tool, which cannot hold a program for "
                        + "each direction; remove it with tc qdisc del dev \(interface) \(kind), or stop that tool")
            }
            return false
        }
    }

    /// Of the qdisc at the place of the hooks.
    private mutating func hooksKind(index: Int32, interface: String) throws(TrafficControlError) -> String {
        let operation = "read the clsact qdisc"
        do {
            // A dump: the kernel answers a question about one qdisc with an event and no reply.
            let answers = try socket.dump(
                UInt16(RTM_GETQDISC), payload: Self.header(index: index, parent: 0), operation: operation)
            let ours = answers.first { answer in
                let header = answer.payload.prefix(Self.headerSize)
                return header.dropFirst(4).prefix(4).elementsEqual(index.hostBytes)
                    && header.dropFirst(12).prefix(4).elementsEqual(Self.clsactParent.hostBytes)
            }
            return ours?.attributes(after: Self.headerSize)[UInt16(TCA_KIND)]?.text ?? ""
        } catch {
            throw TrafficControlError(operation: operation, interface: interface, code: error.code)
        }
    }

    /// Removes the clsact qdisc and every filter in it, whoever made them; false when there was none.
    @discardableResult
    public mutating func removeHooks(index: Int32, interface: String) throws(TrafficControlError) -> Bool {
        let payload =
            Self.header(index: index, parent: Self.clsactParent, handle: Self.clsactHandle)
            + RouteMessage.attribute(UInt16(TCA_KIND), text: "clsact")
        do {
            try request(Int(RTM_DELQDISC), payload, "remove the clsact qdisc", interface)
            return true
        } catch where Self.absences.contains(error.code) {
            return false
        }
    }

    /// Attaches a program, or replaces the one at this priority and handle without a packet that meets neither.
    /// `program` is an open file descriptor.
    public mutating func setFilter(
        index: Int32, interface: String, hook: HookPoint, priority: UInt16, handle: UInt32, name: String, program: Int32
    ) throws(TrafficControlError) {
        let options =
            RouteMessage.attribute(UInt16(TCA_BPF_FD), UInt32(bitPattern: program))
            + RouteMessage.attribute(UInt16(TCA_BPF_NAME), text: name)
            + RouteMessage.attribute(UInt16(TCA_BPF_FLAGS), UInt32(TCA_BPF_FLAG_ACT_DIRECT))
        let payload =
            Self.header(
                index: index, parent: hook.parent, handle: handle, info: UInt32(priority) << 16 | Self.everyProtocol)
            + RouteMessage.attribute(UInt16(TCA_KIND), text: "bpf")
            + RouteMessage.attribute(UInt16(TCA_OPTIONS), bytes: options)
        try request(Int(RTM_NEWTFILTER), flags: NLM_F_CREATE, payload, "attach \(name)", interface)
    }

    /// False when there was none.
    @discardableResult
    public mutating func removeFilter(
        _ filter: Filter, index: Int32, interface: String
    ) throws(TrafficControlError) -> Bool {
        if filter.kind == Filter.tcx { return try TCX.detach(filter, index: index, interface: interface) }
        let payload =
            Self.header(
                index: index, parent: filter.hook.parent, handle: filter.handle,
                info: UInt32(filter.priority) << 16 | Self.everyProtocol)
            + RouteMessage.attribute(UInt16(TCA_KIND), text: filter.kind)
        do {
            try request(Int(RTM_DELTFILTER), payload, "remove the filter \(filter.name)", interface)
            return true
        } catch where Self.absences.contains(error.code) {
            return false
        }
    }

    /// Every filter at both hooks, in the order in which they decide; none where the interface has no hooks or is gone.
    public mutating func filters(index: Int32, interface: String) throws(TrafficControlError) -> [Filter] {
        var found: [Filter] = []
        for hook in HookPoint.allCases {
            found += TCX.programs(index: index, hook: hook)
            do {
                let answers = try socket.dump(
                    UInt16(RTM_GETTFILTER), payload: Self.header(index: index, parent: hook.parent),
                    operation: "list the filters")
                found += answers.compactMap { Filter($0, hook: hook, headerSize: Self.headerSize) }
            } catch {
                if Self.absences.contains(error.code) { continue }
                throw TrafficControlError(operation: "list the filters", interface: interface, code: error.code)
            }
        }
        return found
    }

    /// How many packets the interface has received and sent.
    public mutating func packets(index: Int32, interface: String) throws(TrafficControlError) -> UInt64 {
        let operation = "read the counters"
        do {
            let answer = try socket.ask(
                RouteNumber.getLink, payload: UInt32(0).hostBytes + index.hostBytes + [UInt8](repeating: 0, count: 8),
                operation: operation)
            // struct rtnl_link_stats64 begins with the two.
            let counters = answer.attributes(after: 16)[UInt16(IFLA_STATS64)] ?? []
            guard counters.count >= 16 else { return 0 }
            return counters.number(at: 0, as: UInt64.self) &+ counters.number(at: 8, as: UInt64.self)
        } catch {
            throw TrafficControlError(operation: operation, interface: interface, code: error.code)
        }
    }
}

extension Filter {
    /// nil for the entry that stands for a whole priority.
    fileprivate init?(_ message: RouteMessage, hook: HookPoint, headerSize: Int) {
        let attributes = message.attributes(after: headerSize)
        let handle = message.payload.number(at: 8, as: UInt32.self)
        guard message.type == UInt16(RTM_NEWTFILTER), handle != 0, let options = attributes[UInt16(TCA_OPTIONS)] else {
            return nil
        }
        self.hook = hook
        self.handle = handle
        kind = attributes[UInt16(TCA_KIND)]?.text ?? ""
        priority = UInt16(message.payload.number(at: 16, as: UInt32.self) >> 16)
        let inner = kind == "bpf" ? RouteMessage.attributes(options, from: 0) : [:]
        name = inner[UInt16(TCA_BPF_NAME)]?.text ?? ""
        program = inner[UInt16(TCA_BPF_ID)]?.number(at: 0, as: UInt32.self) ?? 0
    }
}
