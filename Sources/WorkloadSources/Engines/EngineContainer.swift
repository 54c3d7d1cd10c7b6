import Foundation
import PolicyModel

/// A container as its engine describes it (Docker Engine API, ContainerInspect).
struct EngineContainer: Sendable, Hashable {
    var identifier: String
    var identity: ContainerIdentity
    /// nil while it does not run.
    var processID: Int32?
    /// `default`, `host`, `none`, `container:ID`, a network's name.
    var networkMode: String
    /// As the engine writes times, RFC 3339.
    var startedAt: String
    /// `0.0.0.0:8080 -> 80/tcp`
    var publishedPorts: [String]
    /// The names of its networks by its addresses in them.
    var networks: [String: String]

    /// One of which nothing else is known yet: it does not run.
    init(identifier: String, identity: ContainerIdentity) {
        self.identifier = identifier
        self.identity = identity
        networkMode = ""
        startedAt = ""
        publishedPorts = []
        networks = [:]
    }

    /// nil where it is no description of a container.
    init?(_ value: JSONValue) {
        guard let identifier = value["Id"]?.stringValue, let name = value["Name"]?.stringValue else { return nil }
        self.identifier = identifier
        let labels = value["Config"]?["Labels"]?.objectValue?.compactMapValues(\.stringValue) ?? [:]
        identity = ContainerIdentity(
            name: String(name.drop { $0 == "/" }), labels: labels, image: value["Config"]?["Image"]?.stringValue ?? "")
        let state = value["State"]
        let number = state?["Running"]?.boolValue == true ? state?["Pid"]?.integerValue ?? 0 : 0
        processID = number > 0 ? Int32(exactly: number) : nil
        networkMode = value["HostConfig"]?["NetworkMode"]?.stringValue ?? ""
        startedAt = state?["StartedAt"]?.stringValue ?? ""
        publishedPorts = (value["NetworkSettings"]?["Ports"]?.objectValue ?? [:]).sorted { $0.key < $1.key }.flatMap { inner, outer in
            (outer.arrayValue ?? []).map { "\(Self.place($0)) -> \(inner)" }
        }
        networks = [:]
        for (network, settings) in value["NetworkSettings"]?["Networks"]?.objectValue ?? [:] {
            for member in ["IPAddress", "GlobalIPv6Address"] {
                if let address = settings[member]?.stringValue, !address.isEmpty { networks[address] = network }
            }
        }
    }

    private static func place(_ binding: JSONValue) -> String {
        let address = binding["HostIp"]?.stringValue ?? ""
        let port = binding["HostPort"]?.stringValue ?? ""
        let shown = address.isEmpty ? "0.0.0.0" : address
        return shown.contains(":") ? "[\(shown)]:\(port)" : "\(shown):\(port)"
    }

    /// Whether it lives in the network namespace of another container.
    var joinsOther: Bool { networkMode.hasPrefix("container:") }

    /// Milliseconds from its start until `now`; nil when the engine did not say when it started.
    func milliseconds(since now: Date) -> Double? {
        // Nine digits of a second are more than the parser takes.
        guard let seconds = try? Date(String(startedAt.prefix(19)) + "Z", strategy: .iso8601) else { return nil }
        let fraction = Double("0" + startedAt.dropFirst(19).prefix { $0 == "." || $0.isNumber }) ?? 0
        let start = seconds.timeIntervalSince1970 + fraction
        return start > 0 ? (now.timeIntervalSince1970 - start) * 1000 : nil
    }
}
