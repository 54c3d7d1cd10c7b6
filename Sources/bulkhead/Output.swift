import Foundation
import Glibc

/// What commands print: results on standard output, everything else on standard error.
enum Output {
    static func line(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    static func error(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// Why a command failed, or a part of what it was asked for.
    static func failure(_ text: String) {
        let name = "bulkhead:"
        error((Terminal.showsColour(STDERR_FILENO) ? Paint.red.on(name) : name) + " " + text)
    }
}
