import Foundation
import PolicyModel

/// When hooks were seen in place, and how often others removed them.
struct HookLosses {
    private var seen: [EndpointKey: Date] = [:]
    /// Interfaces whose hooks were lost and came back, since the agent started.
    private(set) var count = 0
    private var last: String?
    /// Endpoints that the round of checks has not come to yet.
    private var round: ArraySlice<EndpointKey> = []
    /// What the log was not told yet.
    private var news: [String] = []

    mutating func noteInPlace(_ key: EndpointKey) { seen[key] = Date() }

    mutating func noteMended(_ key: EndpointKey, interface: String) {
        let now = Date()
        let since = seen[key] ?? now
        last = "interface \(interface) between \(since.ISO8601Format()) and \(now.ISO8601Format())"
        news.append(
            "interface \(interface) had lost its hooks since \(since.ISO8601Format()) or later: packets may have passed "
                + "unpoliced; they are attached again")
        count += 1
        seen[key] = now
    }

    /// The same text for as long as it goes on.
    mutating func noteFailure(_ key: EndpointKey, interface: String, _ error: any Error) {
        let since = seen[key].map { " since " + $0.ISO8601Format() + " or later" } ?? ""
        news.append("interface \(interface) has lost its hooks\(since) and packets pass unpoliced: \(error)")
    }

    mutating func takeNews() -> [String] {
        defer { news = [] }
        return news
    }

    /// The endpoints to check now, each once a round.
    mutating func next(_ limit: Int, of present: some Collection<EndpointKey>) -> ArraySlice<EndpointKey> {
        if round.isEmpty {
            round = present.sorted()[...]
            if seen.count > round.count {
                let known = Set(round)
                seen = seen.filter { known.contains($0.key) }
            }
        }
        defer { round = round.dropFirst(limit) }
        return round.prefix(limit)
    }

    /// There are endpoints that the round has not come to.
    var isWithinRound: Bool { !round.isEmpty }

    /// For a report.
    var warning: String? {
        last.map {
            "hooks were removed by another tool and attached again \(count) times since this agent started, last on \($0): "
                + "packets may have passed unpoliced meanwhile"
        }
    }
}
