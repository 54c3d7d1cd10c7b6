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

    /// Whether this range, which may be `*/*` or `application/*`, holds the type. Parameters are not looked at.
    func covers(_ type: String) -> Bool {
        if self.type == type || self.type == "*/*" { return true }
        return self.type.hasSuffix("/*") && type.hasPrefix(self.type.dropLast())
    }

    /// From 0 (never) to 1; 1 where the client gives none or one that is no number (RFC 9110, 12.4.2).
    var quality: Double {
        guard let value = parameters["q"].flatMap(Double.init), value.isFinite else { return 1 }
        return min(max(value, 0), 1)
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var rest = Substring(text)
        while rest.first == " " || rest.first == "\t" { rest.removeFirst() }
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return String(rest)
    }
}
