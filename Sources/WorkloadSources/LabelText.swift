/// The forms of names and labels in Kubernetes ("Object Names and IDs", "Labels and Selectors").
enum LabelText {
    static func isName(_ text: String) -> Bool {
        isBounded(text, by: isLowerAlphanumeric) && text.utf8.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    static func isValue(_ text: String) -> Bool { text.isEmpty || isPart(text) }

    /// `NAME` or `PREFIX/NAME`.
    static func isKey(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: return isPart(parts[0])
        case 2:
            return parts[0].utf8.count <= 253 && isPart(parts[1])
                && parts[0].split(separator: ".", omittingEmptySubsequences: false).allSatisfy { isName(String($0)) }
        default: return false
        }
    }

    private static func isPart(_ text: String) -> Bool {
        isBounded(text, by: isAlphanumeric)
            && text.utf8.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
            }
    }

    private static func isBounded(_ text: String, by allowed: (UInt8) -> Bool) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 63 else { return false }
        return allowed(first) && allowed(last)
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}
