import Netlink
import PolicyModel

/// The endpoints of one container, one for each of its interfaces, and what must go before them.
struct ContainerEndpoints: Sendable {
    /// In the order of the interfaces.
    private(set) var wanted: [EndpointDescription] = []
    /// Endpoints of containers that hold what these need and are not there any more.
    private(set) var stale: [EndpointKey] = []

    /// The interface whose endpoint has the container's own name.
    static let mainInterface = "eth0"

    /// - Parameters:
    ///   - networks: names of networks by address.
    ///   - existing: every WorkloadEndpoint there is.
    ///   - hostInterfaces: the names of the interfaces that the host has now.
    /// - Throws: where a name is taken by what is there.
    init(
        _ identity: ContainerIdentity, engine: String, containerID: String, interfaces: [WorkloadInterface],
        networks: [String: String] = [:], existing: [JSONValue], hostInterfaces: Set<String>
    ) throws {
        let namespace = try identity.namespace()
        let base = try identity.endpointName()
        let hasMain = interfaces.contains { $0.innerName == Self.mainInterface }
        for (position, interface) in interfaces.enumerated() where !interface.addresses.isEmpty {
            let isMain = hasMain ? interface.innerName == Self.mainInterface : position == 0 && interfaces.count == 1
            var endpoint = EndpointDescription(
                namespace: namespace, name: isMain ? base : base + "." + ContainerIdentity.objectName(interface.innerName))
            endpoint.orchestrator = engine
            endpoint.containerID = containerID
            endpoint.labels = identity.usableLabels().labels
            for address in interface.addresses {
                guard let network = networks[address.description], LabelText.isValue(network) else { continue }
                endpoint.labels[ContainerIdentity.networkLabel] = network
            }
            endpoint.interfaceName = interface.hostName
            endpoint.innerInterfaceName = interface.innerName
            endpoint.addresses = interface.addresses
            wanted.append(endpoint)
        }
        let keys = Set(wanted.map(\.key))
        let names = Set(wanted.map(\.interfaceName))
        let addresses = Set(wanted.flatMap(\.addresses).map { "\(AddressBlock($0))" })
        for object in existing {
            let other = StoredEndpoint(object)
            guard let key = other.key else { continue }
            if keys.contains(key) {
                try Self.requireAbandoned(
                    other, key, for: containerID, wantedInterface: wanted.first { $0.key == key }?.interfaceName ?? "",
                    hostInterfaces)
                continue
            }
            guard other.isContainer else { continue }
            // One address, one identity: what a container that was killed left behind must not be its heir's.
            let isGone = !hostInterfaces.contains(other.interfaceName)
            if names.contains(other.interfaceName) || other.containerID == containerID
                || (isGone && !addresses.isDisjoint(with: other.networks))
            {
                stale.append(key)
            }
        }
    }

    private static func requireAbandoned(
        _ holder: StoredEndpoint, _ key: EndpointKey, for containerID: String, wantedInterface: String, _ hostInterfaces: Set<String>
    ) throws {
        let advice = "give this one another name, or another namespace by the label \(ContainerIdentity.namespaceLabel)."
        guard holder.isContainer else {
            throw WorkloadSourceError("The workload endpoint \(key) exists and is no container's: \(advice)")
        }
        guard holder.containerID != containerID, holder.interfaceName != wantedInterface,
            hostInterfaces.contains(holder.interfaceName)
        else { return }
        throw WorkloadSourceError(
            "The workload endpoint \(key) belongs to container \(holder.containerID), which is running: \(advice)")
    }
}

/// What sources look at in a WorkloadEndpoint of the API.
struct StoredEndpoint: Sendable {
    var key: EndpointKey?
    var interfaceName: String
    var containerID: String
    var orchestrator: String
    /// As in `spec.ipNetworks`.
    var networks: [String]
    let object: JSONValue

    init(_ object: JSONValue) {
        self.object = object
        if let namespace = object["metadata"]?["namespace"]?.stringValue, let name = object["metadata"]?["name"]?.stringValue {
            key = EndpointKey(namespace: namespace, name: name)
        }
        let spec = object["spec"]
        interfaceName = spec?["interfaceName"]?.stringValue ?? ""
        containerID = spec?["containerID"]?.stringValue ?? ""
        orchestrator = spec?["orchestrator"]?.stringValue ?? ""
        networks = spec?["ipNetworks"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    var isContainer: Bool { !containerID.isEmpty }

    /// Whether it says what the description does already.
    func says(_ description: EndpointDescription) -> Bool {
        let wanted = description.object
        return object["metadata"]?["labels"] == wanted["metadata"]?["labels"]
            && ["interfaceName", "ipNetworks", "orchestrator", "containerID", "endpoint"].allSatisfy { object["spec"]?[$0] == wanted["spec"]?[$0] }
    }
}
