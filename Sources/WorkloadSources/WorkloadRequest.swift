import PolicyModel

/// What `bulkhead workload add` was asked for.
public struct WorkloadRequest: Sendable, Hashable {
    public enum Location: Sendable, Hashable {
        /// The host side of a veth, or a tap.
        case interface(String)
        /// A name that `ip netns` knows, or a path.
        case networkNamespace(String)
    }

    public var namespace: String
    public var name: String
    public var location: Location
    /// Empty: read them from the workload's network namespace.
    public var addresses: [IPAddress]
    public var labels: [String: String]
    public var ports: [NamedPort]

    public init(
        namespace: String, name: String, location: Location, addresses: [IPAddress] = [],
        labels: [String: String] = [:], ports: [NamedPort] = []
    ) {
        self.namespace = namespace
        self.name = name
        self.location = location
        self.addresses = addresses
        self.labels = labels
        self.ports = ports
    }

    /// Finds what the request leaves open, in the calling thread's network namespace.
    /// - Parameter node: the node whose agent polices it; empty: the node that reads it.
    public func endpoint(node: String = "") throws -> EndpointDescription {
        var endpoint = EndpointDescription(namespace: namespace, name: name)
        endpoint.node = node
        endpoint.labels = labels
        endpoint.ports = ports
        switch location {
        case .networkNamespace(let text):
            let found = try WorkloadInterface.find(in: try NetworkNamespace(text))
            endpoint.interfaceName = found.hostName
            endpoint.innerInterfaceName = found.innerName
            endpoint.addresses = addresses.isEmpty ? found.addresses : addresses
            guard !endpoint.addresses.isEmpty else {
                throw WorkloadSourceError(
                    "\(found.innerName) in the network namespace \(text) has no address yet: give it one, or name the addresses "
                        + "with --address.")
            }
        case .interface(let name):
            let found = try WorkloadInterface.find(hostSide: name)
            endpoint.interfaceName = name
            endpoint.innerInterfaceName = found?.innerName ?? ""
            endpoint.addresses = addresses.isEmpty ? found?.addresses ?? [] : addresses
            guard !endpoint.addresses.isEmpty else {
                throw WorkloadSourceError(
                    "The addresses behind \(name) cannot be seen from here: name them with --address (once for each).")
            }
        }
        return endpoint
    }
}
