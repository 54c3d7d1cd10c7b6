import PolicyModel

/// Ends and connections as a graph, workloads grouped by namespace.
struct ConnectivityGraph {
    struct Edge {
        var source: Int
        var destination: Int
        var text: String
    }

    let peers: [Peer]
    var edges: [Edge] = []

    init(peers: [Peer]) { self.peers = peers }

    /// Namespaces by name, each with the ends in it that have a connection, then the ends outside.
    private var groups: [(namespace: String?, peers: [Int])] {
        var used: Set<Int> = []
        for edge in edges {
            used.insert(edge.source)
            used.insert(edge.destination)
        }
        let byNamespace = Dictionary(grouping: used.sorted()) { peers[$0].workload?.namespace }
        let inside = byNamespace.compactMap { key, members in key.map { (namespace: Optional($0), peers: members) } }
        return inside.sorted { ($0.namespace ?? "") < ($1.namespace ?? "") } + (byNamespace[nil].map { [(nil, $0)] } ?? [])
    }

    /// In Graphviz' language, as np-guard's analyser writes it.
    var dot: String {
        var lines = ["digraph {"]
        for (namespace, members) in groups {
            guard let namespace else {
                for peer in members { lines.append("\t\(node(peer, "red2", peers[peer].title))") }
                continue
            }
            lines.append("\tsubgraph \(Self.quoted("cluster_" + namespace)) {")
            lines.append("\t\tcolor=\"black\"")
            lines.append("\t\tfontcolor=\"black\"")
            for peer in members {
                let label = String(peers[peer].title.dropFirst(namespace.count + 1))
                lines.append("\t\t\(node(peer, "blue", label))")
            }
            lines.append("\t\tlabel=\(Self.quoted(namespace))")
            lines.append("\t}")
        }
        for edge in edges {
            let (source, destination) = (Self.quoted(peers[edge.source].title), Self.quoted(peers[edge.destination].title))
            lines.append("\t\(source) -> \(destination) [label=\(Self.quoted(edge.text)) color=\"gold2\" fontcolor=\"darkgreen\"]")
        }
        return lines.joined(separator: "\n") + "\n}\n"
    }

    private func node(_ peer: Int, _ colour: String, _ label: String) -> String {
        "\(Self.quoted(peers[peer].title)) [label=\(Self.quoted(label)) color=\"\(colour)\" fontcolor=\"\(colour)\"]"
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// One column of sources and one of destinations, namespaces together, a curve for each connection; what it allows is
    /// told where the pointer rests. Needs no other program to be drawn.
    var svg: String {
        let rowHeight = 22
        let width = 1100
        let columns = (left: 360, right: 740)
        let order = groups.flatMap(\.peers)
        let height = (order.count + 2) * rowHeight
        var row: [Int: Int] = [:]
        for (index, peer) in order.enumerated() { row[peer] = (index + 1) * rowHeight }
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" viewBox=\"0 0 \(width) \(height)\" "
                + "font-family=\"sans-serif\" font-size=\"12\">"
        ]
        for edge in edges {
            guard let from = row[edge.source], let to = row[edge.destination] else { continue }
            let middle = (columns.left + columns.right) / 2
            lines.append(
                "<path d=\"M\(columns.left) \(from) C\(middle) \(from) \(middle) \(to) \(columns.right) \(to)\" fill=\"none\" "
                    + "stroke=\"#c9a400\" stroke-opacity=\"0.6\"><title>"
                    + Self.escaped("\(peers[edge.source].title) => \(peers[edge.destination].title) : \(edge.text)") + "</title></path>")
        }
        for peer in order {
            let y = (row[peer] ?? 0) + 4
            let colour = peers[peer].isExternal ? "#cc0000" : "#0000cc"
            let title = Self.escaped(peers[peer].title)
            lines.append("<text x=\"\(columns.left - 8)\" y=\"\(y)\" text-anchor=\"end\" fill=\"\(colour)\">\(title)</text>")
            lines.append("<text x=\"\(columns.right + 8)\" y=\"\(y)\" fill=\"\(colour)\">\(title)</text>")
        }
        return lines.joined(separator: "\n") + "\n</svg>\n"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
}
