import Netlink
import PolicyModel

/// Where a container is on the network.
enum ContainerPlacement: Sendable {
    case host
    case isolated
    case interfaces([WorkloadInterface])

    static let hostReason = "container on the host's network: its traffic cannot be told from the host's"
    static let isolatedReason = "container without a network interface: there is nothing to police"
    static let rootlessReason = "rootless container: its traffic cannot be told from the user's other processes"

    /// - Throws: where it has interfaces and none of them can be policed.
    static func look(process: Int32) throws -> ContainerPlacement {
        let namespace = try NetworkNamespace("/proc/\(process)/ns/net")
        guard !namespace.isSame(as: try NetworkNamespace.current()) else { return .host }
        let hasInterfaces = try namespace.perform { try NetworkInterface.all().contains { !$0.isLoopback } }
        return hasInterfaces ? .interfaces(try WorkloadInterface.all(in: namespace)) : .isolated
    }
}

extension WorkloadInterface {
    /// The host sides of all of a namespace's veths, in the calling thread's network namespace, in the order of their names
    /// inside. Never empty.
    /// - Throws: where there is none, with what there is instead.
    static func all(in namespace: borrowing NetworkNamespace) throws -> [WorkloadInterface] {
        let view = try InnerView(of: namespace, host: try NetworkNamespace.current())
        let names = view.hostVeths.map(\.name).sorted()
        // With none, the search for one says why.
        guard !names.isEmpty else { return [try find(in: namespace)] }
        var found: [WorkloadInterface] = []
        for name in names { found.append(try find(in: namespace, innerName: name)) }
        return found
    }
}
