/// `nft list ruleset`, as far as it says who drops.
struct NftablesRuleset {
    /// `inet filter`, each with those of its chains that drop what no rule of theirs accepts: `forward`.
    private(set) var tables: [(name: String, dropping: [String])] = []

    init(_ text: String) {
        var chain = ""
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            if words.count >= 3, words[0] == "table" {
                tables.append(("\(words[1]) \(words[2])", []))
            } else if words.count >= 2, words[0] == "chain" {
                chain = words[1]
            } else if words.first == "type", let hook = words.firstIndex(of: "hook"), hook + 1 < words.count, !tables.isEmpty,
                line.contains("policy drop")
            {
                tables[tables.count - 1].dropping.append("\(chain) at \(words[hook + 1])")
            }
        }
    }

    var findings: [Finding] {
        tables.map { name, dropping in
            guard !dropping.isEmpty else {
                return Finding("nftables", .note, "table \(name); \(OtherDeciders.bothDecide)")
            }
            return Finding(
                "nftables", .costs, "table \(name) drops what no rule of its own accepts: chain \(dropping.joined(separator: ", "))",
                cost: "connections that policies allow are dropped there, and Bulkhead does not see why",
                mend: "accept the workloads' interfaces in that chain")
        }
    }
}
