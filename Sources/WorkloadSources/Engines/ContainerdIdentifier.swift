/// A container of containerd: its identifier means something within one of containerd's namespaces only.
struct ContainerdIdentifier: Sendable, Hashable {
    var namespace: String
    var name: String

    init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// What `text` made.
    init?(_ text: String) {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "-") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            bytes.append(code)
            rest = rest.dropFirst(2)
        }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        self.init(namespace: parts[0], name: parts[1])
    }

    /// Letters, digits and hyphens, which is all that an endpoint's `containerID` may have: `default-2fweb`. Every other byte is a
    /// hyphen and its two hexadecimal digits, so that no two containers share one.
    var text: String {
        "\(namespace)/\(name)".utf8.map { byte -> String in
            let character = Character(UnicodeScalar(byte))
            if character.isASCII, character.isLetter || character.isNumber { return String(character) }
            return "-" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
