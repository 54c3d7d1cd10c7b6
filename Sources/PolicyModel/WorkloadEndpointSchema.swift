/// The members of Calico's WorkloadEndpoint.
enum WorkloadEndpointSchema {
    private static let count = Schema.integer(minimum: 0, maximum: .max)

    static let spec: [Field] = [
        Field("node", .text, "The node whose agent polices the endpoint. Absent: the node that reads it."),
        Field(
            "interfaceName", .text,
            "The interface of the endpoint on its node: the host side of a veth pair, or a tap. Absent while it is not known."),
        Field(
            "ipNetworks", .texts,
            "The addresses of the endpoint: bare, or with /32 or /128. It can send from no other. At most "
                + "\(ObjectLimits.addressesPerEndpoint)."),
        Field("ports", .array(.object(port)), "Ports of the endpoint to which rules can refer by name."),
        Field("orchestrator", .text, "Who runs the workload: `k8s`, `podman`, `libvirt`. Absent: Kubernetes."),
        Field("workload", .text, "The name of the workload at its orchestrator."),
        Field("pod", .text, "The name of the pod."),
        Field("endpoint", .text, "The name of the interface inside the workload."),
        Field("containerID", .text, "The container engine's name of the container."),
        Field(
            "serviceAccountName", .text,
            "The service account that the workload runs as: what service account selectors and serviceAccounts look at."),
        Field(
            "profiles", .texts,
            "Profiles that decide after all tiers, in order, and give their labels. Absent or empty: those of its namespace and "
                + "its service account. One that does not exist denies when it is reached."),
        Field("mac", .text, "The hardware address of the endpoint. Kept for people; not checked on frames."),
        Field(
            "ipNATs",
            .array(
                .object([
                    Field("internalIP", .text, "An address of the endpoint."),
                    Field("externalIP", .text, "The address by which others reach it."),
                ])), "Addresses that are translated one to one. Kept for people: no address is translated."),
        Field("ipv4Gateway", .text, "The endpoint's IPv4 gateway. Kept for people."),
        Field("ipv6Gateway", .text, "The endpoint's IPv6 gateway. Kept for people."),
        Field(
            "allowSpoofedSourcePrefixes", .texts,
            "Blocks from which the endpoint may send although they are not its own, where none of its egress rules asks for its own "
                + "address. At most \(ObjectLimits.admittedSourcesPerEndpoint)."),
        Field("qosControls", .object(qualityOfService), "Limits of bandwidth, packets and connections. Kept for people: nothing is limited."),
    ]

    private static let port: [Field] = [
        Field(
            "name", .text,
            "The name: lower case letters, digits and hyphens, at most 15. Needed unless `hostPort` is there."),
        Field("protocol", .integerOrString, "TCP, UDP, SCTP or UDPLite.", required: true),
        Field("port", .integer(minimum: 1, maximum: 65535), "The number.", required: true),
        Field("hostPort", .integer(minimum: 0, maximum: 65535), "The port of the host that leads to this one. Kept for people."),
        Field("hostIP", .text, "The address of the host at which `hostPort` is open. Kept for people."),
    ]

    private static let qualityOfService: [Field] = [
        Field("ingressBandwidth", count, "Bits a second towards the endpoint; 0: unlimited."),
        Field("ingressBurst", count, "Bits beyond that rate at once, towards the endpoint."),
        Field("ingressPeakrate", count, "Bits a second during a burst, towards the endpoint."),
        Field("ingressMinburst", count, "Bytes at once at the peak rate, towards the endpoint."),
        Field("egressBandwidth", count, "Bits a second from the endpoint; 0: unlimited."),
        Field("egressBurst", count, "Bits beyond that rate at once, from the endpoint."),
        Field("egressPeakrate", count, "Bits a second during a burst, from the endpoint."),
        Field("egressMinburst", count, "Bytes at once at the peak rate, from the endpoint."),
        Field("ingressPacketRate", count, "Packets a second towards the endpoint; 0: unlimited."),
        Field("ingressPacketBurst", count, "Packets beyond that rate at once, towards the endpoint."),
        Field("egressPacketRate", count, "Packets a second from the endpoint; 0: unlimited."),
        Field("egressPacketBurst", count, "Packets beyond that rate at once, from the endpoint."),
        Field("ingressMaxConnections", count, "Connections towards the endpoint; 0: unlimited."),
        Field("egressMaxConnections", count, "Connections from the endpoint; 0: unlimited."),
        Field("dscp", .integerOrString, "The differentiated services code point of packets that leave the cluster."),
    ]

    /// The members of Calico's HostEndpoint.
    static let hostEndpointSpec: [Field] = [
        Field("node", .text, "The node whose interface it is."),
        Field("interfaceName", .text, "The interface, or * for all of the node's."),
        Field("expectedIPs", .texts, "Addresses of the interface."),
        Field("profiles", .texts, "Profiles that decide after all policies."),
        Field(
            "ports",
            .array(
                .object([
                    Field("name", .text, "The name of the port.", required: true),
                    Field("protocol", .integerOrString, "TCP, UDP, SCTP or UDPLite.", required: true),
                    Field("port", .integer(minimum: 1, maximum: 65535), "The number.", required: true),
                ])), "Ports to which rules can refer by name."),
    ]
}
