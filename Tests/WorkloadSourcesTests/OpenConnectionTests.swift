import PolicyModel
import Testing

@testable import WorkloadSources

@Suite struct OpenConnectionTests {
    @Test func readsWhatConnectionTrackingLists() throws {
        let established: Substring =
            "ipv4     2 tcp      6 431999 ESTABLISHED src=10.8.0.1 dst=10.8.0.2 sport=40000 dport=80 src=10.8.0.2 dst=10.8.0.1 sport=80 dport=40000 [ASSURED] mark=0 use=2"
        let packet = try #require(OpenConnection(tracked: established)).packet
        #expect(packet.source == IPAddress("10.8.0.1") && packet.destination == IPAddress("10.8.0.2"))
        #expect(packet.transport == .tcp && packet.sourcePort == 40_000 && packet.destinationPort == 80)
        let datagrams: Substring = "ipv6 10 udp 17 29 src=fd00::1 dst=fd00::2 sport=5 dport=53 [UNREPLIED] src=fd00::2 dst=fd00::1 sport=53 dport=5"
        #expect(OpenConnection(tracked: datagrams)?.packet.destinationPort == 53)
        for line in [
            "ipv4 2 tcp 6 119 SYN_SENT src=10.8.0.1 dst=10.8.0.2 sport=1 dport=80 [UNREPLIED]",
            "ipv4 2 icmp 1 29 src=10.8.0.1 dst=10.8.0.2 type=8 code=0 id=1", "ipv4 2 udp 17 29 src=10.8.0.1", "", "a b c d e f g",
        ] as [Substring] {
            #expect(OpenConnection(tracked: line) == nil, "\(line)")
        }
    }
}
