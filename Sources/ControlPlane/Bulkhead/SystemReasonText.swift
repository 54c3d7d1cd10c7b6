import Dataplane

/// The words for decisions that no policy made.
enum SystemReasonText {
    /// `spoofed source` for `spoofedSource`.
    static func words(_ reason: SystemReason) -> String {
        "\(reason)".reduce(into: "") { text, letter in
            if letter.isUppercase { text += " " }
            text += letter.lowercased()
        }
    }
}
