import Foundation
import Testing

/// A host namespace and workloads in namespaces of their own, removed at the end.
final class NamespaceLab {
    struct Failure: Error { var text: String }

    let prefix = "bhs\(UInt32.random(in: 0..<1_000_000))"
    private var namespaces: [String] = []

    var host: String { prefix + "h" }

    init() throws {
        try add(host)
    }

    deinit { for name in namespaces { try? Self.shell("ip netns delete \(name)") } }

    @discardableResult
    func add(_ name: String) throws -> String {
        try Self.shell("ip netns add \(name) && ip -n \(name) link set lo up")
        namespaces.append(name)
        return name
    }

    /// In the host's namespace.
    func onHost(_ command: String) throws { try Self.shell("nsenter --net=/run/netns/\(host) sh -ec '\(command)'") }

    static func shell(_ command: String) throws {
        let process = Process()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-ec", command]
        process.standardError = errors
        try process.run()
        let text = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(text: "\(command): \(String(decoding: text, as: UTF8.self))")
        }
    }
}
