import Glibc
import Netlink
import Testing

@Suite struct NetlinkTests {
    @Test func anErrorNamesTheInterfaceAndWhatFailed() throws {
        var control = try TrafficControl()
        let error = #expect(throws: TrafficControlError.self) {
            try control.addHooks(index: 1_000_000, interface: "veth7")
        }
        #expect(error?.code == ENODEV)
        #expect(error?.description.hasPrefix("cannot add a clsact qdisc on interface veth7: No such device") == true)
    }

    @Test func anInterfaceThatIsGoneHasNoFiltersAndNoHooks() throws {
        var control = try TrafficControl()
        #expect(try control.filters(index: 1_000_000, interface: "veth7") == [])
        #expect(try control.removeHooks(index: 1_000_000, interface: "veth7") == false)
    }

    @Test func theLoopbackIsListed() throws {
        #expect(try NetworkInterface.all().contains { $0.name == "lo" && $0.isLoopback })
    }
}
