import Foundation
import Netlink
import PolicyModel
import Testing

@testable import WorkloadSources

/// In real network namespaces; needs root.
@Suite(.serialized) struct WorkloadInterfaceTests {
    let lab = try! NamespaceLab()

    private func message(_ body: @escaping @Sendable () throws -> Void) throws -> String {
        do {
            try NetworkNamespace(lab.host).perform(body)
        } catch let error as WorkloadSourceError {
            return error.message
        }
        Issue.record("no error")
        return ""
    }

    @Test func findsTheHostSideAndTheAddresses() throws {
        let inner = try lab.add(lab.prefix + "w")
        try lab.onHost(
            """
            ip link add out0 type veth peer name eth0 netns \(inner)
            ip link set out0 up
            ip -n \(inner) address add 10.9.0.2/24 dev eth0
            ip -n \(inner) address add fd00:9::2/64 dev eth0 nodad
            ip -n \(inner) link set eth0 up
            """)
        let found = try NetworkNamespace(lab.host).perform { try WorkloadInterface.find(in: NetworkNamespace(inner)) }
        #expect(found.hostName == "out0")
        #expect(found.innerName == "eth0")
        #expect(Set(found.addresses.map(\.description)) == ["10.9.0.2", "fd00:9::2"])

        let fromOutside = try NetworkNamespace(lab.host).perform { try WorkloadInterface.find(hostSide: "out0") }
        #expect(fromOutside == found)

        let endpoint = try NetworkNamespace(lab.host).perform {
            try WorkloadRequest(
                namespace: "shop", name: "web", location: .networkNamespace("/run/netns/\(inner)"), labels: ["app": "web"],
                ports: [NamedPort(name: "http", transport: .tcp, port: 8080)]
            ).endpoint()
        }
        let decoded = try WorkloadEndpoint(object: endpoint.object)
        #expect(decoded.interfaceName == "out0")
        #expect(decoded.labels == ["app": "web"])
        #expect(Set(decoded.addresses) == Set(found.addresses))
        #expect(decoded.ports == [NamedPort(name: "http", transport: .tcp, port: 8080)])
        let kind = try #require(Kinds.find(endpoint.object))
        #expect(Validator.validate(endpoint.object, kind: kind) == [])
    }

    @Test func severalVethsAreNotOneWorkload() throws {
        let inner = try lab.add(lab.prefix + "w")
        try lab.onHost(
            """
            ip link add out0 type veth peer name eth0 netns \(inner)
            ip link add out1 type veth peer name eth1 netns \(inner)
            ip -n \(inner) address add 10.9.0.2/24 dev eth0
            ip -n \(inner) address add 10.8.0.2/24 dev eth1
            ip -n \(inner) link set eth0 up
            ip -n \(inner) link set eth1 up
            """)
        let advice = "and a workload has one interface: add a workload for each, with --interface and the name on the host."
        #expect(
            try message { _ = try WorkloadInterface.find(in: NetworkNamespace(inner)) }
                == "The network namespace \(inner) has several veths (eth0 behind out0, eth1 behind out1), \(advice)")
        // The default route chose once: what went through the other was not policed, and nobody said so.
        try lab.onHost("ip link set out1 up; ip -n \(inner) route add default via 10.8.0.1")
        #expect(
            try message { _ = try WorkloadInterface.find(in: NetworkNamespace(inner)) }
                == "The network namespace \(inner) has several veths (eth0 behind out0, eth1 behind out1 with the default route), "
                + advice)
        let chosen = try NetworkNamespace(lab.host).perform {
            try WorkloadInterface.find(in: NetworkNamespace(inner), innerName: "eth1")
        }
        #expect(chosen.hostName == "out1")
        #expect(chosen.addresses.map(\.description) == ["10.8.0.2"])
        let other = try NetworkNamespace(lab.host).perform { try WorkloadInterface.find(hostSide: "out0") }
        #expect(other?.addresses.map(\.description) == ["10.9.0.2"])
    }

    @Test func saysWhyThereIsNothingToPolice() throws {
        let inner = try lab.add(lab.prefix + "w")
        let other = try lab.add(lab.prefix + "o")
        #expect(
            try message { _ = try WorkloadInterface.find(in: NetworkNamespace("bulkhead-none")) }
                == "There is no network namespace bulkhead-none (/run/netns/bulkhead-none): name one that `ip netns list` shows, "
                + "or a path such as /proc/PID/ns/net.")
        #expect(
            try message { _ = try WorkloadInterface.find(in: NetworkNamespace(inner)) }
                == "The network namespace \(inner) has no veth: it has no interface but the loopback.")
        let host = lab.host
        #expect(
            try message { _ = try WorkloadInterface.find(in: NetworkNamespace(host)) }
                == "\(host) is the network namespace that Bulkhead runs in: a workload there has no interface of its own.")
        try NamespaceLab.shell("ip -n \(other) link add out0 type veth peer name eth0 netns \(inner)")
        #expect(
            try message { _ = try WorkloadInterface.find(in: NetworkNamespace(inner)) }
                == "The veth of the network namespace \(inner) does not end in this network namespace: run the command where its "
                + "other side is.")
    }

    @Test func aTapNeedsItsAddressesNamed() throws {
        try lab.onHost("ip tuntap add dev tap0 mode tap")
        #expect(
            try message {
                _ = try WorkloadRequest(namespace: "default", name: "vm", location: .interface("tap0")).endpoint()
            } == "The addresses behind tap0 cannot be seen from here: name them with --address (once for each).")
        #expect(
            try message {
                _ = try WorkloadRequest(namespace: "default", name: "vm", location: .interface("tap9")).endpoint()
            } == "There is no interface tap9 in this network namespace (see `ip link`).")
        let endpoint = try NetworkNamespace(lab.host).perform {
            try WorkloadRequest(
                namespace: "default", name: "vm", location: .interface("tap0"), addresses: [IPAddress(v4: 0x0a00_0009)]
            ).endpoint()
        }
        #expect(endpoint.interfaceName == "tap0")
        #expect(endpoint.addresses.map(\.description) == ["10.0.0.9"])
    }

    @Test func onlyVethsAndTapsAreTaken() throws {
        try lab.onHost("ip link add br0 type bridge; ip link add vxlan0 type vxlan id 5 dstport 4789; ip tuntap add dev tun0 mode tun")
        let advice = "and cannot be policed: name the host side of the workload's own veth, or its tap"
        for (interface, expected) in [
            ("lo", "Interface lo is the loopback \(advice)."),
            ("br0", "Interface br0 is a bridge \(advice), which is a port of the bridge."),
            ("vxlan0", "Interface vxlan0 is a tunnel (vxlan) between hosts \(advice), whose frames are policed before they enter the tunnel."),
            ("tun0", "Interface tun0 is a tun without Ethernet frames \(advice)."),
        ] {
            #expect(
                try message {
                    _ = try WorkloadRequest(
                        namespace: "default", name: "vm", location: .interface(interface),
                        addresses: [IPAddress(v4: 0x0a00_0009)]
                    ).endpoint()
                } == expected)
        }
        #expect(
            NetworkInterface(index: 2, name: "eth0").nature.refusal(of: "eth0")
                == "Interface eth0 is the host's own \(advice).")
    }

    @Test func interfacesAreFollowed() async throws {
        let (tables, continuation) = AsyncStream<[String: InterfaceIdentity]>.makeStream()
        let watch = InterfaceWatch()
        try NetworkNamespace(lab.host).perform {
            try watch.start({ continuation.yield($0) }, onFailure: { _ in })
        }
        defer { watch.stop() }
        var iterator = tables.makeAsyncIterator()
        #expect(try #require(await iterator.next()).keys.sorted() == ["lo"])
        try lab.onHost("ip link add out0 type veth peer name out1")
        var table: [String: InterfaceIdentity] = [:]
        while table["out0"] == nil || table["out1"] == nil { table = try #require(await iterator.next()) }
        let index = try #require(table["out0"])
        #expect(index.nature == .veth)
        try lab.onHost("ip link set out0 name renamed")
        while table["renamed"] == nil { table = try #require(await iterator.next()) }
        #expect(table["renamed"] == index)
        #expect(table["out0"] == nil)
        // A bridge tells of the port that leaves it as of a deleted link.
        try lab.onHost("ip link add br0 type bridge; ip link set renamed master br0; ip link set renamed nomaster; ip link delete br0")
        while table["br0"] == nil { table = try #require(await iterator.next()) }
        while table["br0"] != nil { table = try #require(await iterator.next()) }
        #expect(table["renamed"] == index)
        try lab.onHost("ip tuntap add dev tap0 mode tap; ip tuntap add dev tun0 mode tun; ip link add macvlan0 link renamed type macvlan")
        while table["tap0"] == nil || table["tun0"] == nil || table["macvlan0"] == nil { table = try #require(await iterator.next()) }
        #expect(table["tap0"]?.nature == .tap)
        #expect(table["tun0"]?.nature == .tun)
        #expect(table["macvlan0"]?.nature == .other("macvlan"))
        #expect(table["lo"]?.nature == .loopback)
        try lab.onHost("ip link delete renamed")
        while table["renamed"] != nil { table = try #require(await iterator.next()) }
        try lab.onHost("ip link add renamed type veth peer name out1")
        while table["renamed"] == nil { table = try #require(await iterator.next()) }
        #expect(table["renamed"] != index)
    }
}
