import PolicyModel

extension PlantedFault {
    /// Of what rules say of packets.
    static let ofFields: [Self] = [
        ofEveryRule("protocolIgnored") { rule, _ in rule.transport = nil },
        ofEveryRule("ipVersionIgnored") { rule, _ in rule.version = nil },
        ofEveryRule("notProtocolIgnored") { rule, _ in rule.notTransport = nil },
        ofEveryRule("icmpIgnored") { rule, _ in rule.icmp = nil },
        ofEveryRule("icmpCodeIgnored") { rule, _ in rule.icmp?.code = nil },
        ofEveryRule("icmpTypeZeroForAny") { rule, _ in if rule.icmp?.type == 0 { rule.icmp = nil } },
        ofEveryRule("notICMPIgnored") { rule, _ in rule.notICMP = nil },
        ofEveryRule("notICMPCodeIgnored") { rule, _ in rule.notICMP?.code = nil },
        ofEverySide("netsIgnored") { entity, _ in entity.nets = [] },
        ofEverySide("versionSixPrefixCutAt64") { entity, _ in
            entity.nets = entity.nets.map { block in
                block.version == .v6
                    ? AddressBlock(address: block.address, prefixLength: min(64, block.prefixLength)) ?? block : block
            }
        },
        ofEverySide("prefixOneShorter") { entity, _ in
            entity.nets = entity.nets.map {
                AddressBlock(address: $0.address, prefixLength: max(0, $0.prefixLength - 1)) ?? $0
            }
        },
        ofEverySide("notNetsIgnored") { entity, _ in entity.notNets = [] },
        ofEverySide("onlyFirstOfNotNets") { entity, _ in entity.notNets = Array(entity.notNets.prefix(1)) },
        // notNets that are all of one version, without the rule's being of that version.
        ofEverySide("notNetsDoNotSettleTheVersion") { entity, _ in
            for version in IPVersion.allCases
            where !entity.notNets.isEmpty && !entity.notNets.contains(where: { $0.version == version }) {
                let unused = version == .v4 ? IPAddress(v4: 0xffff_ffff) : IPAddress(v6High: .max, low: .max)
                entity.notNets.append(AddressBlock(unused))
            }
        },
        ofEveryRule("sourcePortsIgnored") { rule, _ in rule.source.ports = [] },
        ofEveryRule("destinationPortsIgnored") { rule, _ in rule.destination.ports = [] },
        ofEverySide("rangeEndOffByOne") { entity, _ in entity.ports = entity.ports.map(endingLater) },
        ofEverySide("rangeStartOffByOne") { entity, _ in
            entity.ports = entity.ports.map { range in
                PortRange(first: range.first == .max ? .max : range.first + 1, last: range.last)
                    ?? PortRange(first: range.first, last: range.last + 1) ?? range
            }
        },
        ofEverySide("notPortsIgnored") { entity, _ in (entity.notPorts, entity.notNamedPorts) = ([], []) },
        ofEverySide("notPortsRangeEndOffByOne") { entity, _ in entity.notPorts = entity.notPorts.map(endingLater) },
        ofEverySide("namedPortsIgnored") { entity, _ in entity.namedPorts = [] },
        ofEverySide("onlyFirstNamedPort") { entity, _ in entity.namedPorts = Array(entity.namedPorts.prefix(1)) },
        ofEverySide("notNamedPortsIgnored") { entity, _ in entity.notNamedPorts = [] },
        Self("namedPortsOfAnyProtocol") { world in
            world.endpoints = world.endpoints.mapValues { endpoint in
                with(endpoint) { endpoint in
                    endpoint.ports = endpoint.ports.flatMap { port in
                        [.tcp, .udp, .sctp].map { NamedPort(name: port.name, transport: $0, port: port.port) }
                    }
                }
            }
        },
    ]

    /// Of what rules say of who has an address.
    static let ofPeers: [Self] = [
        ofEverySide("selectorIgnored") { entity, _ in entity.selector = nil },
        ofEverySide("namespaceSelectorIgnored") { entity, _ in entity.namespaceSelector = nil },
        ofEverySide("impliedNamespaceIgnored") { entity, namespaced in
            if namespaced, entity.selector != nil, entity.namespaceSelector == nil {
                entity.namespaceSelector = .matching(.all)
            }
        },
        ofSelectors("missingLabelNeverUnequal", requiringLabels),
        ofSelectors("beginningTakenForPart", searchingAnywhere),
        ofEverySide("notSelectorIgnored") { entity, _ in entity.notSelector = nil },
        ofEverySide("notSelectorMeansKnownAddresses") { entity, _ in
            guard let selector = entity.notSelector, entity.selector == nil else { return }
            (entity.selector, entity.notSelector) = (.not(selector), nil)
        },
        ofEverySide("notSelectorAsSelector") { entity, _ in
            guard entity.selector == nil else { return }
            (entity.selector, entity.notSelector) = (entity.notSelector, nil)
        },
        ofEverySide("serviceAccountNamesIgnored") { entity, _ in entity.serviceAccounts?.names = [] },
        ofEverySide("serviceAccountSelectorIgnored") { entity, _ in entity.serviceAccounts?.selector = nil },
        Self("serviceAccountLabelsNotInherited") { world in
            world.serviceAccounts = world.serviceAccounts.mapValues { with($0) { $0.labels = [:] } }
        },
        ofEverySide("servicesIgnored") { entity, _ in entity.services = nil },
        Self("onlyFirstSliceOfAService") { world in
            world.endpointSlices = world.endpointSlices.filter { !$0.value.name.hasSuffix("-1") }
        },
        Self("servicePortsOfEverySlice") { world in
            for (key, slice) in world.endpointSlices {
                let all = world.endpointSlices.values.filter { $0.namespace == slice.namespace && $0.service == slice.service }
                world.endpointSlices[key]?.ports = all.flatMap(\.ports)
            }
        },
        Self("servicePortsOfAnyProtocol") { world in
            world.endpointSlices = world.endpointSlices.mapValues { slice in
                with(slice) { slice in
                    slice.ports = slice.ports.flatMap { port in
                        [.tcp, .udp, .sctp].map { EndpointSlice.Port(name: port.name, transport: $0, port: port.port) }
                    }
                }
            }
        },
        Self("networkSetsForgotten") { $0.networkSets = [:] },
        Self("globalNetworkSetsForgotten") { world in
            world.networkSets = world.networkSets.filter { !$0.key.namespace.isEmpty }
        },
        Self("onlyFirstNetOfASet") { world in
            world.networkSets = world.networkSets.mapValues { with($0) { $0.nets = Array($0.nets.prefix(1)) } }
        },
        Self("networkSetsInheritNothing") { world in
            // Their labels are inherited by nobody else if nobody is of their namespace.
            for (key, set) in world.networkSets where !key.namespace.isEmpty {
                for label in world.namespaces[key.namespace]?.labels.keys.sorted() ?? [] {
                    world.networkSets[key]?.labels["pcns.\(label)"] = set.labels["pcns.\(label)"] ?? "lost"
                }
            }
        },
        Self("namespaceLabelsNotInherited") { world in
            world.namespaces = world.namespaces.mapValues { with($0) { $0.labels = [:] } }
        },
        Self("onlyFirstAddressKnown") { world in
            // Only of others' endpoints: the node's own would lose the leg that is asked about.
            for (key, endpoint) in world.endpoints where endpoint.node == WorldGenerator.otherNode {
                world.endpoints[key]?.addresses = Array(endpoint.addresses.prefix(1))
            }
        },
        Self("oneClaimantOfAnAddress") { keepOneClaimant(in: &$0) },
        Self("missingNamespaceAllowed") { world in
            for key in world.endpoints.keys where world.namespaces[key.namespace] == nil {
                world.namespaces[key.namespace] = Namespace(name: key.namespace)
            }
        },
        Self("ownLabelNamesTheNamespace") { world in
            for (key, endpoint) in world.endpoints {
                world.endpoints[key]?.labels[claimedKey] = endpoint.labels[namespaceKey] ?? key.namespace
            }
            world = ofSelectors("", readingClaims).apply(to: world)
        },
        Self("ownLabelNamesTheZone") { world in
            for (key, endpoint) in world.endpoints {
                guard let claimed = endpoint.labels["pcns.zone"] else { continue }
                world.endpoints[key]?.labels["claimed-zone"] = claimed
            }
            world = ofSelectors("") { renaming($0, "pcns.zone", to: "claimed-zone") }.apply(to: world)
        },
    ]

    private static func endingLater(_ range: PortRange) -> PortRange {
        PortRange(first: range.first, last: range.last == .max ? .max - 1 : range.last + 1) ?? range
    }

    // MARK: Selectors

    private static func requiringLabels(_ selector: Selector) -> Selector {
        switch selector {
        case .notEquals(let key, _), .isNotIn(let key, _): .and([.has(key: key), selector])
        case .not(let inner): .not(requiringLabels(inner))
        case .and(let parts): .and(parts.map(requiringLabels))
        case .or(let parts): .or(parts.map(requiringLabels))
        default: selector
        }
    }

    private static func searchingAnywhere(_ selector: Selector) -> Selector {
        switch selector {
        case .startsWith(let key, let value), .endsWith(let key, let value): .contains(key: key, value: value)
        case .not(let inner): .not(searchingAnywhere(inner))
        case .and(let parts): .and(parts.map(searchingAnywhere))
        case .or(let parts): .or(parts.map(searchingAnywhere))
        default: selector
        }
    }

    private static let namespaceKey = "projectcalico.org/namespace"
    private static let claimedKey = "claimed-namespace"

    private static func readingClaims(_ selector: Selector) -> Selector {
        renaming(selector, namespaceKey, to: claimedKey)
    }

    private static func renaming(_ selector: Selector, _ old: String, to new: String) -> Selector {
        func name(_ key: String) -> String { key == old ? new : key }
        return switch selector {
        case .has(let key): .has(key: name(key))
        case .equals(let key, let value): .equals(key: name(key), value: value)
        case .notEquals(let key, let value): .notEquals(key: name(key), value: value)
        case .contains(let key, let value): .contains(key: name(key), value: value)
        case .startsWith(let key, let value): .startsWith(key: name(key), value: value)
        case .endsWith(let key, let value): .endsWith(key: name(key), value: value)
        case .isIn(let key, let values): .isIn(key: name(key), values: values)
        case .isNotIn(let key, let values): .isNotIn(key: name(key), values: values)
        case .not(let inner): .not(renaming(inner, old, to: new))
        case .and(let parts): .and(parts.map { renaming($0, old, to: new) })
        case .or(let parts): .or(parts.map { renaming($0, old, to: new) })
        case .sameLabel(let key): .sameLabel(key: name(key))
        case .all, .global, .sameNamespace: selector
        }
    }

    // MARK: Endpoints

    /// Endpoints of the other node keep an address only when no one before them has it.
    private static func keepOneClaimant(in world: inout PolicyWorld) {
        var taken: Set<IPAddress> = []
        for key in world.endpoints.keys.sorted() {
            guard let endpoint = world.endpoints[key] else { continue }
            if endpoint.node == WorldGenerator.otherNode {
                world.endpoints[key]?.addresses = endpoint.addresses.filter { !taken.contains($0) }
            }
            taken.formUnion(endpoint.addresses)
        }
    }
}
