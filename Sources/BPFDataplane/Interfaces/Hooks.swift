import CBPF
import CLinux
import Netlink

/// Our filters on an interface: which they are, and how they come and go. Other tools' filters are never touched.
package enum Hooks {
    /// Before every other filter: one that decides earlier could let a packet pass us.
    static let priority: UInt16 = 1
    static let handle: UInt32 = 0xb1
    static let fromWorkload = "bulkhead_from_workload"
    static let toWorkload = "bulkhead_to_workload"
    /// Attach types of TCX (linux/bpf.h), newer than the build machine's header.
    private static let tcxHooks: [UInt32] = [46, 47]

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
            guard filter.kind == "bpf" else { return false }
            return switch filter.hook {
            case .ingress: filter.name == fromWorkload && filter.program == fromNumber
            case .egress: filter.name == toWorkload && filter.program == toNumber
            }
        }
    }

    /// Ours or those of an earlier agent.
    static func isOurs(_ filter: Filter) -> Bool {
        filter.kind == "bpf" && (filter.name == fromWorkload || filter.name == toWorkload)
    }

    /// Whether each place has its program.
    static func areComplete(_ filters: [Filter], _ programs: Programs) -> Bool {
        Set(filters.filter(programs.includes).map(\.hook)).count == HookPoint.allCases.count
    }

    /// Attaches both programs, or replaces those of an earlier agent. What the workload sends is policed first.
    package static func attach(
        _ control: inout TrafficControl, index: Int32, interface: String, _ programs: Programs
    ) throws(TrafficControlError) {
        try control.addHooks(index: index, interface: interface)
        try control.setFilter(
            index: index, interface: interface, hook: .ingress, priority: priority, handle: handle,
            name: fromWorkload, program: programs.from)
        try control.setFilter(
            index: index, interface: interface, hook: .egress, priority: priority, handle: handle,
            name: toWorkload, program: programs.to)
    }

    /// Removes our filters, and the qdisc when nothing else is in it. Whether there were any.
    @discardableResult
    static func detach(_ control: inout TrafficControl, index: Int32, interface: String) throws(TrafficControlError) -> Bool {
        let filters = try control.filters(index: index, interface: interface)
        let ours = filters.filter(isOurs)
        for filter in ours { try control.removeFilter(filter, index: index, interface: interface) }
        if !ours.isEmpty, ours.count == filters.count { try control.removeHooks(index: index, interface: interface) }
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
        for hook in tcxHooks where bulkhead_tcx_programs(UInt32(index), hook) > 0 {
            faults.append("a TCX program of another tool on interface \(interface) decides before Bulkhead")
        }
        return faults
    }
}
