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

    static func isOurs(_ filter: Filter) -> Bool {
        filter.kind == "bpf" && (filter.name == fromWorkload || filter.name == toWorkload)
    }

    /// Whether our program is at both places.
    static func areComplete(_ filters: [Filter]) -> Bool {
        Set(filters.filter(isOurs).map(\.hook)).count == HookPoint.allCases.count
    }

    /// Attaches both programs, or replaces those of an earlier agent. What the workload sends is policed first.
    package static func attach(
        _ control: inout TrafficControl, index: Int32, interface: String, from: Int32, to: Int32
    ) throws(TrafficControlError) {
        try control.addHooks(index: index, interface: interface)
        try control.setFilter(
            index: index, interface: interface, hook: .ingress, priority: priority, handle: handle,
            name: fromWorkload, program: from)
        try control.setFilter(
            index: index, interface: interface, hook: .egress, priority: priority, handle: handle,
            name: toWorkload, program: to)
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
        _ control: inout TrafficControl, index: Int32, interface: String
    ) throws(TrafficControlError) -> [String] {
        var faults: [String] = []
        let filters = try control.filters(index: index, interface: interface)
        if !areComplete(filters) {
            faults.append("interface \(interface) lost its hooks and is not policed; they are tried again every second")
        }
        for filter in filters where !isOurs(filter) && filter.priority < priority {
            faults.append("filter \(filter.name) (\(filter.kind)) on interface \(interface) decides before Bulkhead")
        }
        for hook in tcxHooks where bulkhead_tcx_programs(UInt32(index), hook) > 0 {
            faults.append("a TCX program of another tool on interface \(interface) decides before Bulkhead")
        }
        return faults
    }
}
