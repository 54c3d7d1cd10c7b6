import Crypto

/// The administrator's secret, and the comparison that does not tell how much of a guess was right.
struct BearerToken: Sendable {
    /// 64 lower-case hexadecimal digits: 32 random bytes.
    let text: String
    private let digest: SHA256.Digest

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

    /// Whether an `Authorization` header carries this token. Digests are compared, in constant time, so neither the
    /// position of the first wrong byte nor the length shows in the time it takes.
    func accepts(authorization: String?) -> Bool {
        guard let authorization else { return false }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
        return SHA256.hash(data: Array(parts[1].utf8)) == digest
    }
}
