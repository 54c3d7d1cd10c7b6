import Netlink
import PolicyModel

/// The interface of a workload, seen from the host and from inside.
public struct WorkloadInterface: Sendable, Hashable {
    /// In the network namespace that asked.
    public var hostName: String
    public var hostIndex: Int32
    /// Inside the workload's namespace.
    public var innerName: String
    /// Global addresses inside, without repetition, in the kernel's order.
    public var addresses: [IPAddress]

    public init(hostName: String, hostIndex: Int32, innerName: String, addresses: [IPAddress]) {
        self.hostName = hostName
        self.hostIndex = hostIndex
        self.innerName = innerName
        self.addresses = addresses
    }
}

/// What is inside a workload's network namespace.
struct InnerView: Sendable {
    var interfaces: [NetworkInterface]
    var addresses: [InterfaceAddress]
    var defaultRoutes: Set<Int32>
    /// The number that it gives to the host's namespace.
    var hostNamespaceID: Int32?

    init(of namespace: borrowing NetworkNamespace, host: borrowing NetworkNamespace) throws {
        let hostDescriptor = host.descriptor
        self = try namespace.perform {
            // The list of interfaces first: the kernel gives out the numbers of namespaces while it writes that.
            let interfaces = try NetworkInterface.all()
            return InnerView(
                interfaces: interfaces, addresses: try InterfaceAddress.all(),
                defaultRoutes: try DefaultRoutes.interfaceIndexes(),
                hostNamespaceID: try NamespaceID.of(descriptor: hostDescriptor))
        }
    }

    init(
        interfaces: [NetworkInterface], addresses: [InterfaceAddress], defaultRoutes: Set<Int32>, hostNamespaceID: Int32?
    ) {
        self.interfaces = interfaces
        self.addresses = addresses
        self.defaultRoutes = defaultRoutes
        self.hostNamespaceID = hostNamespaceID
    }

    /// The veths whose other side is in the host's namespace.
    var hostVeths: [NetworkInterface] {
        interfaces.filter { $0.kind == "veth" && $0.linkIndex != nil && $0.linkNamespaceID != nil
            && $0.linkNamespaceID == hostNamespaceID }
    }

    /// The only one: an endpoint has one interface, and what is behind another would not be policed.
    /// - Parameters:
    ///   - wanted: its name, where the user gave one.
    ///   - hostNames: the names of the host's interfaces by index.
    func workloadVeth(
        namespace: String, wanted: String?, hostNames: [Int32: String]
    ) throws(WorkloadSourceError) -> NetworkInterface {
        let veths = hostVeths
        if let wanted {
            guard let match = veths.first(where: { $0.name == wanted }) else {
                throw WorkloadSourceError("There is no veth \(wanted) towards this host in the network namespace \(namespace).")
            }
            return match
        }
        if veths.count > 1 {
            let names = veths.map { veth in
                let hostName = veth.linkIndex.flatMap { hostNames[$0] } ?? "an interface that is gone"
                return "\(veth.name) behind \(hostName)\(defaultRoutes.contains(veth.index) ? " with the default route" : "")"
            }
            throw WorkloadSourceError(
                "The network namespace \(namespace) has several veths (\(names.joined(separator: ", "))), and a workload has one "
                    + "interface: add a workload for each, with --interface and the name on the host.")
        }
        if let only = veths.first { return only }
        if interfaces.contains(where: { $0.kind == "veth" }) {
            throw WorkloadSourceError(
                "The veth of the network namespace \(namespace) does not end in this network namespace: run the command where "
                    + "its other side is.")
        }
        let others = interfaces.filter { !$0.isLoopback }.map { $0.kind.isEmpty ? $0.name : "\($0.name) (\($0.kind))" }
        throw WorkloadSourceError(
            "The network namespace \(namespace) has no veth: "
                + (others.isEmpty
                    ? "it has no interface but the loopback."
                    : "only \(others.joined(separator: ", ")), which cannot be policed from the host side."))
    }

    func globalAddresses(of interface: NetworkInterface) -> [IPAddress] {
        var seen: Set<IPAddress> = []
        return addresses.filter { $0.interfaceIndex == interface.index && $0.scope == .global }
            .compactMap { IPAddress(bytes: $0.bytes) }
            .filter { seen.insert($0).inserted }
    }
}

extension WorkloadInterface {
    /// The host side of a namespace's veth, in the calling thread's network namespace, and the addresses inside.
    public static func find(
        in namespace: borrowing NetworkNamespace, innerName: String? = nil
    ) throws -> WorkloadInterface {
        let host = try NetworkNamespace.current()
        guard !namespace.isSame(as: host) else {
            throw WorkloadSourceError(
                "\(namespace.name) is the network namespace that Bulkhead runs in: a workload there has no interface of its own.")
        }
        let view = try InnerView(of: namespace, host: host)
        let links = try NetworkInterface.all()
        let inner = try view.workloadVeth(
            namespace: namespace.name, wanted: innerName,
            hostNames: Dictionary(links.map { ($0.index, $0.name) }) { first, _ in first })
        guard let index = inner.linkIndex, let outer = links.first(where: { $0.index == index }) else {
            throw WorkloadSourceError(
                "The host side of \(inner.name) in the network namespace \(namespace.name) has gone: is the workload stopping?")
        }
        return WorkloadInterface(
            hostName: outer.name, hostIndex: outer.index, innerName: inner.name,
            addresses: view.globalAddresses(of: inner))
    }

    /// What can be found out about an interface of the host by its name: for a veth whose other side is in a namespace
    /// that `ip netns` knows, its addresses too.
    /// - Returns: nil for anything whose inside cannot be seen (a tap, a veth into an unnamed namespace).
    /// - Throws: `WorkloadSourceError` also for what is neither a veth nor a tap: it is no workload's own.
    public static func find(hostSide name: String) throws -> WorkloadInterface? {
        guard let outer = try NetworkInterface.all().first(where: { $0.name == name }) else {
            throw WorkloadSourceError("There is no interface \(name) in this network namespace (see `ip link`).")
        }
        if let refusal = outer.nature.refusal(of: name) { throw WorkloadSourceError(refusal) }
        guard outer.kind == "veth", outer.linkNamespaceID != nil else { return nil }
        let host = try NetworkNamespace.current()
        for candidate in namedNamespaces() {
            guard let namespace = try? NetworkNamespace(candidate), !namespace.isSame(as: host),
                let identifier = try NamespaceID.of(descriptor: namespace.descriptor), identifier == outer.linkNamespaceID,
                let view = try? InnerView(of: namespace, host: host),
                let inner = view.interfaces.first(where: { $0.index == outer.linkIndex })
            else { continue }
            return WorkloadInterface(
                hostName: outer.name, hostIndex: outer.index, innerName: inner.name,
                addresses: view.globalAddresses(of: inner))
        }
        return nil
    }
}
