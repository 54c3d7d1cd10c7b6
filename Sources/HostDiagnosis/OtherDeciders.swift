import CHostProbes
import Foundation
import Netlink

/// Who else decides about packets in this network namespace.
public enum OtherDeciders {
    static let bothDecide = "a packet passes only where both allow it"

    public static func findings() -> [Finding] { tables() + managers() + programs() }

    // MARK: Tables

    static func tables() -> [Finding] {
        var found: [Finding] = []
        if let text = Tool.output("nft", ["list", "ruleset"]) {
            found += NftablesRuleset(text).findings
        } else if Tool.path("nft") == nil {
            found.append(
                Finding(
                    "nftables", .note, "not looked at: there is no nft here", mend: "install nftables to have them listed"))
        }
        for (family, path) in [("IPv4", "/proc/net/ip_tables_names"), ("IPv6", "/proc/net/ip6_tables_names")] {
            let names = (FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? "")
                .split(whereSeparator: \.isWhitespace)
            guard !names.isEmpty else { continue }
            found.append(Finding("iptables", .note, "\(family) tables in use: \(names.joined(separator: ", ")); \(bothDecide)"))
        }
        return found.isEmpty ? [Finding("nftables, iptables", .fine, "no tables in this network namespace")] : found
    }

    private static func managers() -> [Finding] {
        var found: [Finding] = []
        let settings = FileManager.default.contents(atPath: "/etc/ufw/ufw.conf").map { String(decoding: $0, as: UTF8.self) } ?? ""
        if settings.split(separator: "\n").contains(where: { $0.hasPrefix("ENABLED=yes") }) {
            found.append(
                Finding(
                    "ufw", .note, "is enabled; \(bothDecide)",
                    mend: "let it forward between workloads: ufw route allow, or DEFAULT_FORWARD_POLICY=\"ACCEPT\" in /etc/default/ufw"))
        }
        if Tool.running().contains("firewalld") {
            found.append(
                Finding(
                    "firewalld", .note, "is running; \(bothDecide)",
                    mend: "put the workloads' bridges into a zone whose target is ACCEPT"))
        }
        return found.isEmpty ? [Finding("ufw, firewalld", .fine, "not in use")] : found
    }

    // MARK: Programs

    /// On interfaces that workloads are or could be behind.
    private static func programs() -> [Finding] {
        guard let interfaces = try? NetworkInterface.all() else { return [] }
        var found: [Finding] = []
        for interface in interfaces where interface.nature.belongsToWorkload {
            let check = "programs on \(interface.name)"
            if var control = try? TrafficControl(),
                let filters = try? control.filters(index: interface.index, interface: interface.name)
            {
                // Some kinds list their tables as filters too.
                var seen: Set<String> = []
                for filter in filters where !filter.name.hasPrefix("bulkhead") && filter.kind != Filter.tcx {
                    guard seen.insert("\(filter.hook) \(filter.priority) \(filter.kind) \(filter.name)").inserted else { continue }
                    let name = filter.name.isEmpty ? "a \(filter.kind) filter" : "the \(filter.kind) filter \(filter.name)"
                    found.append(
                        Finding(
                            check, .costs, "\(name) at tc \(filter.hook), priority \(filter.priority)",
                            cost: "where it decides before ours, what it accepts, drops or redirects is not policed",
                            mend: "stop the tool that set it, or: tc filter del dev \(interface.name) \(filter.hook) pref \(filter.priority)"))
                }
                let count = filters.filter { !$0.name.hasPrefix("bulkhead") && $0.kind == Filter.tcx }.count
                if count > 0 {
                    found.append(
                        Finding(
                            check, .costs, "\(count) TCX program(s) of another tool",
                            cost: "TCX decides before tc: what they accept, drop or redirect is not policed",
                            mend: "stop the tool that attached them (bpftool net show dev \(interface.name))"))
                }
            }
        }
        return found.isEmpty ? [Finding("programs of others", .fine, "none on interfaces that workloads can be behind")] : found
    }
}
