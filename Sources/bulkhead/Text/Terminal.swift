import Foundation
import Glibc

/// What the reader of our output can show.
enum Terminal {
    /// The widest line that help and tables have.
    static let maximumColumns = 100

    /// Colour is for people: never in a pipe or a file, nor where it is not wanted (no-color.org).
    static func showsColour(_ descriptor: Int32) -> Bool {
        let environment = ProcessInfo.processInfo.environment
        return isatty(descriptor) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// ArgumentParser wraps help at the terminal's width; examples are written for `maximumColumns`.
    static func limitHelpWidth() {
        var size = winsize()
        let isNarrow = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 && size.ws_col < maximumColumns
        setenv("COLUMNS", String(isNarrow ? Int(size.ws_col) : maximumColumns), 1)
    }
}

/// A way to print a text (ECMA-48, "Select Graphic Rendition").
enum Paint: String {
    case bold = "1"
    case red = "31"
    case green = "32"
    case yellow = "33"

    func on(_ text: String) -> String { "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" }
}
