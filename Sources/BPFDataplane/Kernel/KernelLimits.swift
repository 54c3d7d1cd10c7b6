import CBPF
import PolicyModel

/// The bounds of the kernel's tables, from `Kernel/layout.h`, by which the programs are built.
public enum KernelLimits {
    public static let all: [Limit] = capacities + lifetimes

    /// About a millisecond's work where each is of another connection: a change must not wait longer because a workload floods.
    static let reportsPerDrain = 256

    private static let capacities: [Limit] = {
        let full = "when it is full a change fails, and the policy before stays in force"
        return [
            map("policed interfaces", UInt64(BULKHEAD_MAX_SLOTS) - 1, full),
            map("addresses of policed endpoints on this node", UInt64(BULKHEAD_MAX_LEGS) - 1, full),
            map("addresses in sets of rules", UInt64(BULKHEAD_MAX_EXACT), full),
            map(
                "blocks of sources admitted at endpoints", UInt64(BULKHEAD_MAX_ADMITTED_SOURCES),
                "when it is full the others are not admitted, and their endpoints are reported"),
            map("blocks of addresses in rules and sets", UInt64(BULKHEAD_MAX_PREFIXES), full),
            map("pairs of endpoints alike and addresses or blocks alike", UInt64(BULKHEAD_MAX_PAIRS), full),
            map("words for ranges of ports", UInt64(BULKHEAD_ARENA_WORDS), full),
            map(
                "connections that were answered", UInt64(BULKHEAD_MAX_FLOWS),
                "expired ones go; else a new one stays among the beginnings"),
            map("beginnings of connections", UInt64(BULKHEAD_MAX_HALF_OPEN), "the least recently used are forgotten"),
            map(
                "first fragments and DHCP requests", UInt64(BULKHEAD_MAX_FRAGMENTS),
                "the least recently used are forgotten; later fragments are dropped"),
            Limit(
                "kernel", "reports that wait for the agent", UInt64(BULKHEAD_EVENTS_BYTES), unit: "bytes",
                reason: "lost ones are counted; denials leave the last quarter to the others"),
            Limit(
                "kernel", "reports read at a time", UInt64(reportsPerDrain),
                reason: "between two times the agent looks for a change of policy"),
        ]
    }()

    private static let lifetimes: [Limit] = [
        lifetime("TCP, handshake not complete", 6, 0),
        lifetime("TCP, established", 6, BULKHEAD_STATE_ACK),
        lifetime("TCP, after FIN or RST", 6, BULKHEAD_STATE_ACK | BULKHEAD_STATE_RST),
        lifetime("UDP and UDP-Lite, answered", 17, BULKHEAD_STATE_REPLIED),
        lifetime("UDP and UDP-Lite, not answered", 17, 0),
        lifetime("ICMP and ICMPv6", 1, BULKHEAD_STATE_REPLIED),
        lifetime("other protocols", 255, BULKHEAD_STATE_REPLIED),
        Limit(
            "kernel", "silence after which an interface may use another link-local address",
            UInt64(BULKHEAD_LINK_LOCAL_LIFETIME) / UInt64(BULKHEAD_SECOND), unit: "seconds",
            reason: "until then frames from a second one are dropped and counted"),
    ]

    private static func map(_ name: String, _ entries: UInt64, _ reason: String) -> Limit {
        Limit("kernel", name, entries, reason: reason)
    }

    private static func lifetime(_ name: String, _ transport: UInt8, _ state: UInt32) -> Limit {
        Limit(
            "kernel", "silence after which a flow is forgotten: \(name)",
            bulkhead_flow_timeout(transport, UInt16(truncatingIfNeeded: state)) / UInt64(BULKHEAD_SECOND), unit: "seconds",
            reason: "its next packet is decided as a beginning")
    }
}
