import PolicyModel

/// What `status` says of containers, for people.
enum ContainerText {
    static func parts(_ status: JSONValue) -> [String] {
        var parts: [String] = []
        var engines = TextTable("ENGINE", "SOCKET", "START", "LAST ms", "LONGEST ms", "MESSAGE")
        for engine in status["engines"]?.arrayValue ?? [] {
            engines.append(
                engine["name"]?.stringValue ?? "", engine["socket"]?.stringValue ?? "", engine["start"]?.stringValue ?? "",
                milliseconds(engine["lastWindowMilliseconds"]), milliseconds(engine["longestWindowMilliseconds"]),
                engine["message"]?.stringValue ?? "")
        }
        if !engines.rows.isEmpty { parts.append(engines.render()) }
        var containers = TextTable("CONTAINER", "ENGINE", "POLICED", "PUBLISHED")
        for container in status["containers"]?.arrayValue ?? [] {
            let endpoints = (container["endpoints"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ",")
            containers.append(
                container["name"]?.stringValue ?? "", container["engine"]?.stringValue ?? "",
                endpoints.isEmpty ? "no: \(container["message"]?.stringValue ?? "")" : "as \(endpoints)",
                (container["publishedPorts"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ", "))
        }
        if !containers.rows.isEmpty { parts.append(containers.render()) }
        return parts
    }

    private static func milliseconds(_ value: JSONValue?) -> String { value?.numberValue.map { String(Int($0.rounded())) } ?? "" }
}
