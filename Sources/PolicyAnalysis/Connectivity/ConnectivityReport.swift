import PolicyModel

/// How a connectivity listing is written.
public enum ConnectivityFormat: String, Sendable, CaseIterable {
    case text, json, csv, md, dot, svg
}

/// Writes connectivity listings.
public enum ConnectivityReport {
    /// Hands out the listing in parts of some 64 kilobytes, so that a long one begins at once and is never whole in memory
    /// (but for `dot` and `svg`, which name their ends before their connections).
    public static func write(
        _ connectivity: inout Connectivity, as format: ConnectivityFormat, _ filter: Connectivity.Filter = .init(),
        to sink: ([UInt8]) throws -> Void
    ) rethrows {
        switch format {
        case .dot, .svg:
            var graph = ConnectivityGraph(peers: connectivity.peers)
            connectivity.forEach(filter) { line, text in
                graph.edges.append(ConnectivityGraph.Edge(source: line.source, destination: line.destination, text: text))
            }
            try sink(Array((format == .dot ? graph.dot : graph.svg).utf8))
        case .text, .json, .csv, .md:
            try writeLines(&connectivity, LineForm(format), filter, to: sink)
        }
    }

    private static let partBytes = 64 * 1024

    private static func writeLines(
        _ connectivity: inout Connectivity, _ form: LineForm, _ filter: Connectivity.Filter, to sink: ([UInt8]) throws -> Void
    ) rethrows {
        let titles = connectivity.peers.map { form.cell($0.title) }
        var cells: [String: String] = [:]
        var buffer = Array(form.head.utf8)
        var isFirst = true
        try connectivity.forEach(filter) { line, text in
            let connections: String
            if let known = cells[text] {
                connections = known
            } else {
                connections = form.cell(text)
                cells[text] = connections
            }
            if !isFirst { buffer.append(contentsOf: form.between.utf8) }
            isFirst = false
            buffer.append(contentsOf: form.parts.0.utf8)
            buffer.append(contentsOf: titles[line.source].utf8)
            buffer.append(contentsOf: form.parts.1.utf8)
            buffer.append(contentsOf: titles[line.destination].utf8)
            buffer.append(contentsOf: form.parts.2.utf8)
            buffer.append(contentsOf: connections.utf8)
            buffer.append(contentsOf: form.parts.3.utf8)
            guard buffer.count >= partBytes else { return }
            try sink(buffer)
            buffer.removeAll(keepingCapacity: true)
        }
        buffer.append(contentsOf: (isFirst ? form.tailOfNone : form.tail).utf8)
        if !buffer.isEmpty { try sink(buffer) }
    }

    /// What stands around the ends and connections of a line.
    private struct LineForm {
        let format: ConnectivityFormat
        var head = ""
        var parts = ("", " => ", " : ", "\n")
        var between = ""
        var tail = ""
        var tailOfNone = ""

        init(_ format: ConnectivityFormat) {
            self.format = format
            switch format {
            case .json:
                head = "["
                parts = ("\n  {\n    \"src\": ", ",\n    \"dst\": ", ",\n    \"conn\": ", "\n  }")
                between = ","
                tail = "\n]\n"
                tailOfNone = "]\n"
            case .csv:
                head = "src,dst,conn\n"
                parts = ("", ",", ",", "\n")
            case .md:
                head = "| src | dst | conn |\n|-----|-----|------|\n"
                parts = ("| ", " | ", " | ", " |\n")
            case .text, .dot, .svg: break
            }
        }

        func cell(_ text: String) -> String {
            switch format {
            case .json: JSONValue.string(text).text()
            // RFC 4180 section 2.
            case .csv: text.contains { ",\"\n".contains($0) } ? "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" : text
            case .md: text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
            case .text, .dot, .svg: text
            }
        }
    }
}
