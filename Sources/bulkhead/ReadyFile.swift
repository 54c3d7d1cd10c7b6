import Foundation

/// `STATE/ready`: there while the process serves and enforces.
struct ReadyFile: Sendable {
    let path: String

    func write() throws { try Data("ready\n".utf8).write(to: URL(fileURLWithPath: path), options: .atomic) }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
