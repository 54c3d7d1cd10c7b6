/// The forms of names in Kubernetes (RFC 1123, "Object Names and IDs", "Labels and Selectors") and Calico.
public enum NameRules {
    private static let maximumLabelLength = ObjectLimits.labelLength
    private static let maximumSubdomainLength = ObjectLimits.subdomainLength

    static let labelForm =
        "use lower case letters, digits and '-', beginning and ending with a letter or digit, at most 63 characters"
    static let subdomainForm =
        "use lower case letters, digits, '-' and '.', each part beginning and ending with a letter or digit, "
        + "at most 253 characters"
    public static let labelValueForm =
        "use at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, or leave it empty"
    public static let qualifiedNameForm =
        "use at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, "
        + "after an optional DNS prefix and '/'"

    /// DNS label of RFC 1123.
    static func isLabel(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= maximumLabelLength else { return false }
        return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
            && bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    /// DNS subdomain of RFC 1123: labels between dots. As in Kubernetes, the length of one label is not limited.
    static func isSubdomain(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= maximumSubdomainLength else { return false }
        return bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.first, let last = part.last else { return false }
            return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
                && part.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    /// A label key, annotation key or finalizer: `NAME` or `PREFIX/NAME`.
    public static func isQualifiedName(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return isQualifiedPart(parts[0])
        case 2: return isSubdomain(parts[0]) && isQualifiedPart(parts[1])
        default: return false
        }
    }

    /// The value of a label.
    public static func isLabelValue(_ text: String) -> Bool { text.isEmpty || isQualifiedPart(text) }

    private static func isQualifiedPart(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= maximumLabelLength else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
            }
    }

    /// The name of an endpoint's port (RFC 6335 section 5.1, lower case as in Kubernetes).
    static func isEndpointPortName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let hyphen = UInt8(ascii: "-")
        guard (1...15).contains(bytes.count), bytes.first != hyphen, bytes.last != hyphen,
            bytes.allSatisfy({ isLowerAlphanumeric($0) || $0 == hyphen }),
            bytes.contains(where: { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") })
        else { return false }
        return !zip(bytes, bytes.dropFirst()).contains { $0 == hyphen && $1 == hyphen }
    }

    /// What Calico takes for the name of a port in a rule.
    static func isCalicoPortName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
            }
    }

    /// The name of a network interface: at most 15 bytes (IFNAMSIZ less the final zero), in Calico's alphabet.
    static func isInterfaceName(_ text: String) -> Bool {
        (1...15).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
            }
    }

    /// Letters, digits and inner hyphens.
    static func isContainerID(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    /// The key of a Secret's or ConfigMap's data.
    static func isDataKey(_ text: String) -> Bool {
        (1...maximumSubdomainLength).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
            }
    }

    /// 6, 8 or 20 octets in hexadecimal between colons or hyphens.
    static func isHardwareAddress(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count > 2, bytes[2] == UInt8(ascii: ":") || bytes[2] == UInt8(ascii: "-") else { return false }
        let octets = bytes.split(separator: bytes[2], omittingEmptySubsequences: false)
        return [6, 8, 20].contains(octets.count)
            && octets.allSatisfy { $0.count == 2 && $0.allSatisfy { AddressText.hexadecimalDigit($0) != nil } }
    }

    static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")) || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z"))
    }
}

extension String {
    /// In double quotes, with what would end or hide them escaped.
    var quoted: String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
