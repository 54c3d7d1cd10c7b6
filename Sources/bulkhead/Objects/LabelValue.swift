import ArgumentParser

/// The value of a label, as Kubernetes takes it ("Labels and Selectors"); never empty.
struct LabelValue: ExpressibleByArgument {
    static let maximumLength = 63

    var text: String

    init?(argument: String) {
        let allowed = argument.utf8.allSatisfy { Self.isAlphanumeric($0) || "-_.".utf8.contains($0) }
        guard allowed, argument.utf8.count <= Self.maximumLength, let first = argument.utf8.first, let last = argument.utf8.last,
            Self.isAlphanumeric(first), Self.isAlphanumeric(last)
        else { return nil }
        text = argument
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
