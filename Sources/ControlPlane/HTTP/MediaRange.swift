/// One element of an `Accept` header, or a `Content-Type`: a type and its parameters.
struct MediaRange: Sendable {
    /// Lower case.
    let type: String
    private let parameters: [String: String]

    init(_ text: some StringProtocol) {
        let parts = text.split(separator: ";").map { Self.trimmed($0) }
        type = parts.first?.lowercased() ?? ""
        var parameters: [String: String] = [:]
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { continue }
            parameters[Self.trimmed(pair[0]).lowercased()] = Self.trimmed(pair[1]).replacing("\"", with: "")
        }
        self.parameters = parameters
    }

    subscript(name: String) -> String? { parameters[name] }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var rest = Substring(text)
        while rest.first == " " || rest.first == "\t" { rest.removeFirst() }
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return String(rest)
    }
}
