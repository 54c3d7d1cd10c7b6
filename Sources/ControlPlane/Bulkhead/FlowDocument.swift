import Dataplane
import FlowLogs
import PolicyModel

/// One flow record as the API shows it: the field names of Calico's flow API (goldmane), and the addresses.
///
/// Packets and bytes are seen from the reporting end: `out` is what it sent. An end that is no known endpoint has the
/// name `pvt` (private address) or `pub`, and the namespace `-`, as in Calico. The kind `System` in `policies.enforced`
/// stands for a decision that no policy made; its name says which (`local host`, `spoofed source`).
/// `policies.pending` says the same of the world in which the staged policies were enforced: `policies.enforced` again where
/// they change nothing.
enum FlowDocument {
    static func value(_ record: FlowRecord) -> JSONValue {
        let reportsSource = record.direction == .egress
        let hasTypeAndCode = TransportProtocol(number: record.transport).hasTypeAndCode
        var members: [String: JSONValue] = [
            "start_time": .string(Timestamps.milliseconds(nanoseconds: record.startTime)),
            "end_time": .string(Timestamps.milliseconds(nanoseconds: record.endTime)),
            "action": .string(action(record.verdict)), "reporter": .string(reportsSource ? "Src" : "Dst"),
            "source_name": .string(name(record.source, address: record.sourceAddress)),
            "source_namespace": .string(record.source?.namespace ?? "-"), "source_ip": .string(record.sourceAddress),
            "source_port": .integer(Int64(record.sourcePort)),
            "dest_name": .string(name(record.destination, address: record.destinationAddress)),
            "dest_namespace": .string(record.destination?.namespace ?? "-"),
            "dest_ip": .string(record.destinationAddress),
            "dest_port": .integer(hasTypeAndCode ? 0 : Int64(record.destinationPort)),
            "protocol": .string(TransportProtocol(number: record.transport).description.lowercased()),
            "packets_in": counter(reportsSource ? record.packetsIn : record.packetsOut),
            "packets_out": counter(reportsSource ? record.packetsOut : record.packetsIn),
            "bytes_in": counter(reportsSource ? record.bytesIn : record.bytesOut),
            "bytes_out": counter(reportsSource ? record.bytesOut : record.bytesIn),
            "num_connections_started": .integer(record.begins ? 1 : 0),
            "policies": .object([
                "enforced": .array([hit(record, record.verdict, record.reason)]), "pending": .array([pendingHit(record)]),
            ]),
        ]
        if hasTypeAndCode {
            members["icmp_type"] = .integer(Int64(record.destinationPort >> 8))
            members["icmp_code"] = .integer(Int64(record.destinationPort & 0xff))
        }
        if let labels = record.sourceLabels { members["source_labels"] = list(labels) }
        if let labels = record.destinationLabels { members["dest_labels"] = list(labels) }
        if record.observed { members["observed"] = .bool(true) }
        return .object(members)
    }

    private static func list(_ labels: [String: String]) -> JSONValue {
        .array(labels.sorted { $0.key < $1.key }.map { .string("\($0.key)=\($0.value)") })
    }

    private static func action(_ verdict: Verdict) -> String { verdict == .allow ? "Allow" : "Deny" }

    private static func counter(_ value: UInt64) -> JSONValue { .integer(Int64(clamping: value)) }

    private static func name(_ key: EndpointKey?, address: String) -> String {
        if let key { return key.name }
        guard let parsed = IPAddress(address) else { return "pub" }
        return privateBlocks.contains { $0.contains(parsed) } ? "pvt" : "pub"
    }

    /// RFC 1918, RFC 4193, and the link-local blocks.
    private static let privateBlocks: [AddressBlock] = [
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10",
    ].compactMap { AddressBlock($0) }

    private static func pendingHit(_ record: FlowRecord) -> JSONValue {
        guard let pending = record.pending else { return hit(record, record.verdict, record.reason) }
        return hit(record, pending.verdict, pending.reason)
    }

    private static func hit(_ record: FlowRecord, _ verdict: Verdict, _ reason: Reason?) -> JSONValue {
        var members: [String: JSONValue] = [
            "kind": .string(""), "name": .string(""), "namespace": .string(""), "tier": .string(""),
            "action": .string(action(verdict)), "policy_index": .integer(0), "rule_index": .integer(-1),
            "trigger": .null,
        ]
        switch reason {
        case .rule(let tier, let policy, let index)?:
            members.merge(reference(policy, tier: tier)) { $1 }
            members["rule_index"] = .integer(Int64(index))
        case .endOfTier(let tier, let triggers)?:
            members["kind"] = .string("EndOfTier")
            members["tier"] = .string(tier)
            let hits = triggers.enumerated().map { index, trigger in
                JSONValue.object(
                    reference(trigger, tier: tier).merging([
                        "action": .string(action(verdict)), "policy_index": .integer(Int64(index)),
                        "rule_index": .integer(-1),
                    ]) { $1 })
            }
            members["trigger"] = hits.first ?? .null
            members["triggers"] = .array(hits)
        case .profile(let name, let index)?:
            members["kind"] = .string("Profile")
            members["name"] = .string(name)
            members["rule_index"] = .integer(Int64(index))
        case .noProfile?:
            members["kind"] = .string("Profile")
        case nil:
            members["kind"] = .string("System")
            members["name"] = .string(record.systemReason.map { SystemReasonText.words($0) } ?? "unknown")
        }
        return .object(members)
    }

    private static func reference(_ policy: PolicyReference, tier: String) -> [String: JSONValue] {
        [
            "kind": .string(policy.kind), "name": .string(policy.name), "namespace": .string(policy.namespace),
            "tier": .string(tier),
        ]
    }
}
