import Foundation

/// A person's editor.
enum Editor {
    /// Returns when the editor has ended.
    static func open(_ path: String) throws {
        let environment = ProcessInfo.processInfo.environment
        let command = ["KUBE_EDITOR", "VISUAL", "EDITOR"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? "vi"
        let process = Process()
        // Editors are given with arguments: `code --wait`.
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "\(command) \"$1\"", "bulkhead", path]
        do { try process.run() } catch { throw CommandFailure("the editor \(command) cannot be run: \(error)") }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CommandFailure(
                "the editor \(command) ended with \(process.terminationStatus): nothing was changed; name another with $EDITOR")
        }
    }
}
