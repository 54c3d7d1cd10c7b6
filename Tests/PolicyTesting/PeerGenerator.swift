import PolicyModel

/// Endpoints, network sets, service accounts and services that share addresses, labels and names.
struct PeerGenerator {
    static let accountNames = ["clerk", "robot", "auditor"]
    static let serviceNames = ["api", "db", "cache"]
    static let portNames = ["http", "sql", "dns", "admin"]
    static let profileNames = ["open", "closed", "guests", "chatty"]

    let namespaces: [String]
    let options: WorldGenerator.Options

    func endpoints(using random: inout SplitMix64) -> [WorkloadEndpoint] {
        var taken: [IPVersion: [IPAddress]] = [:]
        return (0..<random.number(options.endpoints)).map { index in
            let namespace = random.pick(namespaces)
            var addresses: [IPAddress] = []
            let version = random.pick([nil, nil, nil, IPVersion.v4, .v6])
            for candidate in IPVersion.allCases where version == nil || version == candidate {
                for _ in 0..<(random.chance(10) ? 2 : 1) {
                    // A few claim what another has already.
                    let claimed = taken[candidate] ?? []
                    let address =
                        random.chance(6) && !claimed.isEmpty
                        ? random.pick(claimed) : AddressGenerator.address(candidate, using: &random)
                    if !addresses.contains(address) { addresses.append(address) }
                }
            }
            for address in addresses { taken[address.version, default: []].append(address) }
            return WorkloadEndpoint(
                key: EndpointKey(namespace: namespace, name: "e\(index)"),
                labels: LabelGenerator.endpointLabels(claiming: true, using: &random),
                node: random.chance(options.remotePercent) ? WorldGenerator.otherNode : random.pick(["", WorldGenerator.node]),
                orchestrator: random.pick(["", "k8s", "podman"]), interfaceName: "veth\(index)", addresses: addresses,
                ports: ports(using: &random),
                serviceAccount: random.chance(60) ? random.pick(Self.accountNames) : "",
                profiles: random.chance(35) ? profiles(using: &random) : nil)
        }
    }

    private func ports(using random: inout SplitMix64) -> [NamedPort] {
        (0..<random.number(0...3)).map { _ in
            NamedPort(
                name: random.pick(Self.portNames), transport: random.pick([.tcp, .tcp, .tcp, .udp, .udp, .sctp]),
                port: random.pick([53, 80, 81, 443, 5432, 8080, 65535]))
        }
    }

    private func profiles(using random: inout SplitMix64) -> [String] {
        (0..<random.pick([0, 1, 1, 2, 2, 3])).map { _ in
            switch random.number(0..<10) {
            case 0: return "missing"
            case 1, 2: return Profile.namespacePrefix + random.pick(namespaces)
            case 3:
                return "\(Profile.serviceAccountPrefix)\(random.pick(namespaces)).\(random.pick(Self.accountNames))"
            default: return random.pick(Self.profileNames)
            }
        }
    }

    func serviceAccounts(using random: inout SplitMix64) -> [ServiceAccount] {
        namespaces.flatMap { namespace in
            Self.accountNames.filter { _ in random.chance(75) }.map { name in
                ServiceAccount(
                    namespace: namespace, name: name, labels: LabelGenerator.accountLabels(using: &random))
            }
        }
    }

    /// Blocks around known addresses and away from them.
    func networkSets(around known: [IPAddress], using random: inout SplitMix64) -> [NetworkSet] {
        (0..<random.number(3...9)).map { index in
            let nets = (0..<random.pick([0, 1, 2, 3, 6])).map { _ in
                let version = random.pick(IPVersion.allCases)
                if random.chance(30) {
                    let stranger = AddressGenerator.stranger(version, using: &random)
                    return AddressBlock(address: stranger, prefixLength: random.pick([8, 16, 24, 32])) ?? AddressBlock(stranger)
                }
                return AddressGenerator.block(around: known, version, using: &random)
            }
            return NetworkSet(
                namespace: random.chance(40) ? "" : random.pick(namespaces), name: "s\(index)",
                // A set that covers everybody would make its labels everybody's.
                labels: LabelGenerator.endpointLabels(claiming: false, using: &random),
                nets: nets.filter { $0.prefixLength >= ($0.version == .v4 ? 16 : 48) || random.chance(5) })
        }
    }

    func endpointSlices(around known: [IPAddress], using random: inout SplitMix64) -> [EndpointSlice] {
        var slices: [EndpointSlice] = []
        for namespace in namespaces {
            for service in Self.serviceNames where random.chance(80) {
                for number in 0..<random.number(1...2) {
                    let addresses = (0..<random.number(0...5)).map { _ in
                        random.chance(80) && !known.isEmpty
                            ? random.pick(known) : AddressGenerator.stranger(random.pick(IPVersion.allCases), using: &random)
                    }
                    let ports = (0..<random.number(0...2)).map { index in
                        EndpointSlice.Port(
                            name: "p\(index)", transport: random.pick([.tcp, .tcp, .udp, .sctp]),
                            port: random.pick([53, 80, 443, 5432, 8080]))
                    }
                    slices.append(
                        EndpointSlice(
                            namespace: namespace, name: "\(service)-\(number)", service: service, addresses: addresses,
                            ports: ports))
                }
            }
        }
        return slices
    }
}
