import CBPF
import Netlink

/// Our filters on an interface: which they are, and how they come and go. Other tools' filters are never touched.
package enum Hooks {
    /// Before every other filter: one that decides earlier could let a packet pass us.
    static let priority: UInt16 = 1
    static let handle: UInt32 = 0xb1
    static let fromWorkload = "bulkhead_from_workload"
    static let toWorkload = "bulkhead_to_workload"
    /// An interface that carried more packets has others on their way. A fresh one has announced its addresses.
    private static let packetsOfFreshInterface: UInt64 = 32

    /// What is to be attached; valid while their descriptors are open.
    package struct Programs {
        let from: Int32
        let to: Int32
        /// The kernel's numbers of them.
        private let fromNumber: UInt32
        private let toNumber: UInt32

        init(from: Int32, to: Int32) throws(KernelError) {
            self.from = from
            self.to = to
            fromNumber = try Self.number(from, fromWorkload)
            toNumber = try Self.number(to, toWorkload)
        }

        private static func number(_ program: Int32, _ name: String) throws(KernelError) -> UInt32 {
            var number: UInt32 = 0
            let result = bulkhead_program_number(program, &number)
            guard result == 0 else { throw .missing(name: name, errno: -result) }
            return number
        }

        /// Whether the filter runs the program of its hook.
        func includes(_ filter: Filter) -> Bool {
            isOurs(filter) && filter.program == (filter.hook == .ingress ? fromNumber : toNumber)
        }

        func descriptor(_ hook: HookPoint) -> Int32 { hook == .ingress ? from : to }
    }

    private static func name(_ hook: HookPoint) -> String { hook == .ingress ? fromWorkload : toWorkload }

    /// Ours or those of an earlier agent.
    static func isOurs(_ filter: Filter) -> Bool {
        switch filter.kind {
        case "bpf": filter.name == name(filter.hook)
        // TCX knows the program's own name only, and 15 characters of it.
        case Filter.tcx: filter.name == name(filter.hook).prefix(15)
        default: false
        }
    }

    /// Whether each place has its program.
    static func areComplete(_ filters: [Filter], _ programs: Programs) -> Bool {
        Set(filters.filter(programs.includes).map(\.hook)).count == HookPoint.allCases.count
    }

    /// Attaches both programs, or replaces those of an earlier agent. What the workload sends is policed first.
    ///
    /// No packet is lost: an interface in use gets them by TCX, as does one whose other programs would decide before ours.
    /// A fresh one gets them by clsact, a hundred times as fast.
    package static func attach(
        _ control: inout TrafficControl, index: Int32, interface: String, _ programs: Programs
    ) throws(TrafficControlError) {
        let present = try control.filters(index: index, interface: interface)
        let isHooked = present.contains(where: isOurs)
        let packets = isHooked ? 0 : try control.packets(index: index, interface: interface)
        let isInUse = packets > packetsOfFreshInterface
        for hook in HookPoint.allCases {
            let atHook = present.filter { $0.hook == hook }
            if atHook.contains(where: programs.includes) { continue }
            let former = atHook.first(where: isOurs)
            let (name, program) = (name(hook), programs.descriptor(hook))
            let isBehindTCX = former == nil && atHook.contains { $0.kind == Filter.tcx }
            if isInUse || isBehindTCX || former?.kind == Filter.tcx,
                try TCX.attach(
                    index: index, interface: interface, hook: hook, name: name, program: program, replacing: former?.program)
            {
                continue
            }
            if former == nil { try control.addHooks(index: index, interface: interface) }
            try control.setFilter(
                index: index, interface: interface, hook: hook, priority: priority, handle: handle, name: name,
                program: program)
        }
    }

    /// Removes our filters, and the qdisc when nothing else is in it. Whether there were any.
    @discardableResult
    static func detach(_ control: inout TrafficControl, index: Int32, interface: String) throws(TrafficControlError) -> Bool {
        let filters = try control.filters(index: index, interface: interface)
        let ours = filters.filter(isOurs)
        for filter in ours { try control.removeFilter(filter, index: index, interface: interface) }
        if ours.contains(where: { $0.kind != Filter.tcx }), ours.count == filters.count { try control.removeHooks(index: index, interface: interface) }
        return !ours.isEmpty
    }

    /// What is wrong with an interface that should be policed, for a person.
    static func faults(
        _ control: inout TrafficControl, index: Int32, interface: String, _ programs: Programs
    ) throws(TrafficControlError) -> [String] {
        var faults: [String] = []
        let filters = try control.filters(index: index, interface: interface)
        if !areComplete(filters, programs) {
            faults.append("interface \(interface) lost its hooks and is not policed; they are tried again every second")
        }
        for hook in HookPoint.allCases {
            let atHook = filters.filter { $0.hook == hook }
            guard let place = atHook.firstIndex(where: programs.includes) else { continue }
            for filter in atHook[..<place] {
                let name = filter.name.isEmpty ? "of another tool" : filter.name
                faults.append(
                    "filter \(name) (\(filter.kind)) at \(hook) of interface \(interface) decides before Bulkhead: what it "
                        + "lets pass may not be policed")
            }
        }
        return faults
    }
}
