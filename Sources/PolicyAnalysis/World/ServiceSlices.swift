import PolicyModel

/// A Service as far as it says who is behind it.
struct ServiceManifest: Sendable, Hashable {
    struct Port: Sendable, Hashable {
        var name: String
        var transport: TransportProtocol
        /// A number, or the name of a port of the pods.
        var target: Target
    }

    enum Target: Sendable, Hashable {
        case number(UInt16)
        case name(String)
    }

    var namespace: String
    var name: String
    /// Empty: the service picks nobody by itself.
    var selector: [String: String]
    var ports: [Port]

    /// Of an object that was defaulted and validated.
    init(_ object: JSONValue) {
        namespace = object["metadata"]?["namespace"]?.stringValue ?? ""
        name = object["metadata"]?["name"]?.stringValue ?? ""
        let spec = object["spec"]
        let isName = spec?["type"]?.stringValue == "ExternalName"
        selector = isName ? [:] : (spec?["selector"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
        ports = (spec?["ports"]?.arrayValue ?? []).compactMap { port in
            guard let transport = TransportProtocol(port["protocol"] ?? "TCP") else { return nil }
            let target: Target
            switch port["targetPort"] {
            case .string(let text)?: target = UInt16(text).map(Target.number) ?? .name(text)
            case let value: target = .number(UInt16(value?.integerValue ?? 0))
            }
            return Port(name: port["name"]?.stringValue ?? "", transport: transport, target: target)
        }
    }
}

/// Makes the endpoint slices that a cluster would make of services and pods.
enum ServiceSlices {
    /// For every service with a selector that the world holds no slice of; endpoints other than `pods` are behind none. Pods that give a port another number have a
    /// slice of their own.
    /// - Returns: the slices that it made.
    static func add(
        _ services: [ServiceManifest], of pods: Set<EndpointKey>, to world: inout PolicyWorld
    ) -> Set<NamespacedName> {
        var made: Set<NamespacedName> = []
        let known = Set(world.endpointSlices.values.map { NamespacedName(namespace: $0.namespace, name: $0.service) })
        let endpoints = Dictionary(grouping: pods.compactMap { world.endpoints[$0] }, by: \.key.namespace)
        for service in services where !service.selector.isEmpty {
            guard !known.contains(NamespacedName(namespace: service.namespace, name: service.name)) else { continue }
            var addresses: [[EndpointSlice.Port]: [IPAddress]] = [:]
            for endpoint in (endpoints[service.namespace] ?? []).sorted(by: { $0.key < $1.key })
            where service.selector.allSatisfy({ endpoint.labels[$0.key] == $0.value }) {
                addresses[ports(of: service, at: endpoint), default: []] += endpoint.addresses
            }
            for (number, (ports, addresses)) in addresses.sorted(by: { $0.value[0] < $1.value[0] }).enumerated() {
                let name = NamespacedName(namespace: service.namespace, name: "\(service.name)-\(number)")
                world.endpointSlices[name] = EndpointSlice(
                    namespace: name.namespace, name: name.name, service: service.name, addresses: addresses, ports: ports)
                made.insert(name)
            }
        }
        return made
    }

    private static func ports(of service: ServiceManifest, at endpoint: WorkloadEndpoint) -> [EndpointSlice.Port] {
        service.ports.compactMap { port in
            switch port.target {
            case .number(let number): EndpointSlice.Port(name: port.name, transport: port.transport, port: number)
            case .name(let name):
                endpoint.ports.first { $0.name == name && $0.transport == port.transport }.map {
                    EndpointSlice.Port(name: port.name, transport: port.transport, port: $0.port)
                }
            }
        }
    }
}
