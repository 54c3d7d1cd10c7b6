/// What a client takes, best first (RFC 9110, 12.5.1).
struct AcceptHeader: Sendable {
    static let json = "application/json"

    /// By falling quality, and among equals in the order of the client, as Kubernetes reads them; without those refused.
    let ranges: [MediaRange]
    private let refused: [MediaRange]

    /// An empty text stands for a client that takes everything.
    init(_ text: String) {
        let all = text.split(separator: ",").map { MediaRange($0) }.filter { !$0.type.isEmpty }
        refused = all.filter { $0.quality == 0 }
        let wanted = all.isEmpty ? [MediaRange("*/*")] : all.filter { $0.quality > 0 }
        ranges = wanted.enumerated()
            .sorted { ($1.element.quality, $0.offset) < ($0.element.quality, $1.offset) }
            .map(\.element)
    }

    /// The one of `offered` that the client likes best; where it has no preference, the first. Throws 406.
    func choice(of offered: [String]) throws(APIFailure) -> String {
        for range in ranges {
            for type in offered where range.covers(type) && !refused.contains(where: { $0.type == type }) { return type }
        }
        throw .notAcceptable(offered)
    }
}
