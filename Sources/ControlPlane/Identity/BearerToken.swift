import Crypto

/// The administrator's secret, and the comparison that does not tell how much of a guess was right.
struct BearerToken: Sendable {
    /// 64 lower-case hexadecimal digits: 32 random bytes.
    let text: String
    let digest: SHA256.Digest

    init?(text: String) {
        guard text.utf8.count >= 64 else { return nil }
        self.text = text
        digest = SHA256.hash(data: Array(text.utf8))
    }

    static func random() -> BearerToken? {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return BearerToken(text: Hexadecimal.text(bytes))
    }

    /// The token of an `Authorization` header; nil when it has another form.
    static func token(authorization: String) -> Substring? {
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts[1]
    }
}
