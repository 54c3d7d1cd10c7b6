import PolicyEngine
import PolicyModel

extension Explanation {
    /// The answer for people: what was asked, then each end tier by tier, and why each rule matched or did not.
    /// Lines of at most 100 columns, the last one without a line break.
    public var text: String {
        var page = Page()
        page.add("\(title): \(verdict.word)")
        for note in notes { page.add(note, indent: 1) }
        if ends.isEmpty { page.add("neither end is a workload: no policy is asked", indent: 1) }
        for end in ends { add(end, to: &page) }
        if let pendingEnds, let pendingVerdict { add(pendingEnds, pendingVerdict, to: &page) }
        return page.lines.joined(separator: "\n")
    }

    private func add(_ end: End, to page: inout Page) {
        page.addBlank()
        page.add("\(end.direction.word) of \(end.endpoint): \(end.ruling.verdict.word), \(end.summary)")
        switch end.ruling {
        case .policy(let trace): EndText(trace: trace, explanation: self).add(to: &page)
        case .localHost: page.add("the host's own traffic to its workloads is always allowed", indent: 1)
        case .itself: page.add("no policy is asked about a workload that talks to itself", indent: 1)
        }
    }

    /// Only the ends that would be decided in another way are told once more.
    private func add(_ pending: [End], _ verdict: Verdict, to page: inout Page) {
        let changed = zip(ends, pending).filter { !$0.isDecided(as: $1) }.map(\.1)
        page.addBlank()
        page.add(
            "if the staged policies were enforced: \(verdict.word)" + (changed.isEmpty ? ", for the same reasons" : ""))
        for end in changed { add(end, to: &page) }
    }

    private var title: String {
        "\(name(of: source, sourceEndpoint, packet.source)) to "
            + "\(name(of: destination, destinationEndpoint, packet.destination)), \(transportText)"
    }

    private var notes: [String] {
        var notes: [String] = []
        if sourcePortAssumed, asksForSourcePorts {
            notes.append("rules name source ports and none was given: \(packet.sourcePort) is assumed")
        }
        for (end, address) in [(source, packet.source), (destination, packet.destination)] where end == .host {
            if address.high == 0, address.low == 0 {
                notes.append("the host's address is not known: nets are compared with \(address)")
            }
        }
        return notes
    }

    private var asksForSourcePorts: Bool {
        (ends + (pendingEnds ?? [])).contains { end in
            guard case .policy(let trace) = end.ruling else { return false }
            let rules = trace.tiers.flatMap(\.policies).flatMap(\.rules) + trace.profiles.flatMap(\.rules)
            return rules.contains { $0.rule.source.mentionsPorts }
        }
    }

    private func name(of end: ExplainEnd, _ endpoint: EndpointKey?, _ address: IPAddress) -> String {
        if let endpoint { return "\(endpoint) (\(address))" }
        return end == .host ? "host" : address.description
    }

    private var transportText: String {
        let transport = packet.transport
        if transport.hasTypeAndCode {
            return "\(transport) type \(packet.destinationPort >> 8) code \(packet.destinationPort & 0xff)"
        }
        if !transport.hasPorts { return "protocol \(transport)" }
        return "\(transport) port \(packet.destinationPort)"
    }

    /// What a rule's side is compared with: everybody who has the address, and the address; or the address alone.
    func name(of side: RuleMismatch.Side) -> String {
        let isSource = side == .source
        let names = isSource ? sourceNames : destinationNames
        let address = isSource ? packet.source : packet.destination
        if names.isEmpty { return (isSource ? source : destination) == .host ? "host" : address.description }
        return "\(names.joined(separator: ", ")) (\(address))"
    }
}

extension EntityRule {
    fileprivate var mentionsPorts: Bool {
        !ports.isEmpty || !namedPorts.isEmpty || !notPorts.isEmpty || !notNamedPorts.isEmpty
    }
}

extension Explanation.End {
    /// Whether verdict and reason are the same.
    fileprivate func isDecided(as other: Self) -> Bool {
        guard case .policy(let trace) = ruling, case .policy(let otherTrace) = other.ruling else { return true }
        return trace.decision.verdict == otherTrace.decision.verdict && trace.decision.reason == otherTrace.decision.reason
    }

    /// The deciding object in a few words.
    var summary: String {
        switch ruling {
        case .localHost: return "local host"
        case .itself: return "self"
        case .policy(let trace):
            switch trace.decision.reason {
            case .rule(let tier, let policy, let index): return "rule \(index) of \(policy.words) in tier \(tier)"
            case .endOfTier(let tier, _): return "end of tier \(tier)"
            case .profile(let name, let index):
                return name.hasPrefix(Profile.namespacePrefix) ? "profile \(name)" : "rule \(index) of profile \(name)"
            case .noProfile: return "no profile"
            }
        }
    }
}

extension PolicyReference {
    /// `NetworkPolicy shop/web`, `GlobalNetworkPolicy guard`.
    public var words: String { "\(kind) \(namespace.isEmpty ? name : "\(namespace)/\(name)")" }
}

/// Lines that are broken at blanks before they grow too long for a terminal.
struct Page {
    static let width = 100
    private(set) var lines: [String] = []

    mutating func addBlank() { lines.append("") }

    /// Two columns a step of `indent`; what does not fit goes on in the next line, four columns further in.
    mutating func add(_ text: String, indent: Int = 0) {
        var line = String(repeating: " ", count: 2 * indent)
        let continued = line + "    "
        var isFresh = true
        for word in text.split(separator: " ", omittingEmptySubsequences: false).map(String.init) {
            var rest = Substring(word)
            if !isFresh {
                if line.count + 1 + rest.count <= Self.width {
                    line += " " + rest
                    continue
                }
                lines.append(line)
                line = continued
            }
            isFresh = false
            // A word that is longer than a line alone: no blank to break it at.
            while line.count + rest.count > Self.width {
                let fitting = Self.width - line.count
                lines.append(line + rest.prefix(fitting))
                rest = rest.dropFirst(fitting)
                line = continued
            }
            line += rest
        }
        lines.append(line)
    }
}
