import ControlPlane
import Dataplane
import Netlink
import PolicyModel

/// Which of the world's endpoints this node polices, and on which interface.
struct LocalEndpoints {
    private(set) var attachments: [EndpointKey: NodeProgram.Attachment] = [:]
    /// This node's endpoints, in order, with what keeps one from being policed.
    private(set) var all: [(endpoint: WorkloadEndpoint, obstacle: String?)] = []

    /// Interfaces that a workload could be behind and that no endpoint of this node names, by name.
    private(set) var unnamed: [String] = []

    /// Of those that may do more than others.
    var admissions: [EndpointKey: EndpointAdmissions] {
        var result: [EndpointKey: EndpointAdmissions] = [:]
        for (endpoint, _) in all where endpoint.admissions != EndpointAdmissions() { result[endpoint.key] = endpoint.admissions }
        return result
    }

    /// Nothing is known yet but what the process before policed.
    init(remembering attachments: [EndpointKey: NodeProgram.Attachment]) { self.attachments = attachments }

    /// O(endpoints log endpoints). Of several endpoints that name one interface the one that has it in `before` keeps it,
    /// else the first by namespace and name gets it. An endpoint whose interface was renamed keeps it, unless another
    /// endpoint names it now.
    ///
    /// - Parameter endpoints: this node's.
    init(
        endpoints: [EndpointKey: WorkloadEndpoint], links: [String: InterfaceIdentity], before: LocalEndpoints? = nil
    ) {
        var holders: [Int32: EndpointKey] = [:]
        let held = before?.attachments ?? [:]
        func holds(_ key: EndpointKey) -> Bool {
            guard let name = endpoints[key]?.interfaceName, let index = links[name]?.index else { return false }
            return held[key]?.interfaceIndex == index
        }
        let keys = endpoints.keys.sorted()
        for key in keys.filter(holds) + keys.filter({ !holds($0) }) {
            guard let endpoint = endpoints[key] else { continue }
            let name = endpoint.interfaceName
            let obstacle: String?
            if name.isEmpty {
                obstacle = "spec.interfaceName is empty: name the host side of the workload's interface."
            } else if let link = links[name] {
                let index = link.index
                if let refusal = link.nature.refusal(of: name) {
                    obstacle = refusal
                } else if let holder = holders[index] {
                    obstacle = "Interface \(name) belongs to the workload endpoint \(holder): one interface, one endpoint."
                } else {
                    holders[index] = key
                    attachments[key] = NodeProgram.Attachment(interfaceName: name, interfaceIndex: index)
                    obstacle = endpoint.addresses.isEmpty
                        ? "It has no addresses (spec.ipNetworks): everything it sends or gets is dropped." : nil
                }
            } else {
                obstacle = "Interface \(name) does not exist; it is policed as soon as it does."
            }
            all.append((endpoint, obstacle))
        }
        let named = Set(all.map(\.endpoint.interfaceName))
        for index in all.indices where links[all[index].endpoint.interfaceName] == nil {
            let key = all[index].endpoint.key
            // Somebody who writes another name means another interface.
            let formerName = before?.all.first { $0.endpoint.key == key }?.endpoint.interfaceName
            guard formerName ?? all[index].endpoint.interfaceName == all[index].endpoint.interfaceName,
                let former = held[key], holders[former.interfaceIndex] == nil,
                let link = links.first(where: { $0.value.index == former.interfaceIndex }),
                link.value.nature.refusal(of: link.key) == nil, !named.contains(link.key)
            else { continue }
            holders[former.interfaceIndex] = key
            attachments[key] = NodeProgram.Attachment(interfaceName: link.key, interfaceIndex: former.interfaceIndex)
            all[index].obstacle = "Its interface \(all[index].endpoint.interfaceName) is called \(link.key) now and stays "
                + "policed: write the new name into spec.interfaceName."
        }
        all.sort { $0.endpoint.key < $1.endpoint.key }
        unnamed = links.filter { $0.value.nature.belongsToWorkload && !named.contains($0.key) && holders[$0.value.index] == nil }
            .map(\.key).sorted()
    }

    /// What the dataplane made of them. `report` nil: nothing of this is in the kernel yet.
    func report(_ report: ApplyReport?, pending: String) -> [NodeReport.Endpoint] {
        all.map { endpoint, obstacle in
            let attached = attachments[endpoint.key] != nil
            let failure = report == nil ? pending : report?.failures[endpoint.key]
            let policed = attached && failure == nil
            return NodeReport.Endpoint(
                key: endpoint.key, interfaceName: endpoint.interfaceName, addresses: endpoint.addresses,
                policed: policed, message: (policed ? obstacle : obstacle ?? failure) ?? "")
        }
    }
}
