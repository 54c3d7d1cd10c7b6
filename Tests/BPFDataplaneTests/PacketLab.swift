import CLinux
import Foundation
import Glibc
import Testing

/// A router with two workloads behind veths, in network namespaces of its own: a = 10.77.0.2 behind va, b =
/// 10.78.0.2 behind vb.
final class PacketLab: Sendable {
    let name: String
    let pins: String
    let state: String
    var router: String { name + "-r" }
    func namespace(_ workload: String) -> String { name + "-" + workload }

    init() throws {
        name = "dataplane-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        pins = "/sys/fs/bpf/" + name
        state = "/tmp/" + name
        try shell("ip netns add \(router)")
        for (workload, net) in [("a", 77), ("b", 78)] {
            let space = namespace(workload)
            try shell(
                """
                ip netns add \(space)
                ip -n \(router) link add v\(workload) type veth peer name eth0 netns \(space)
                ip -n \(router) addr add 10.\(net).0.1/24 dev v\(workload)
                ip -n \(router) link set v\(workload) up
                ip -n \(space) link set lo up
                ip -n \(space) addr add 10.\(net).0.2/24 dev eth0
                ip -n \(space) link set eth0 up
                ip -n \(space) route add default via 10.\(net).0.1
                """)
        }
        try shell("nsenter --net=/run/netns/\(router) sysctl -qw net.ipv4.ip_forward=1")
    }

    func remove() {
        for space in [router, namespace("a"), namespace("b")] { _ = try? shell("ip netns del \(space)") }
        _ = try? shell("rm -rf \(pins) \(state)")
    }

    /// Runs `body` on a thread of its own in the router's namespace.
    func inRouter<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        let path = "/run/netns/" + router
        return try await withCheckedThrowingContinuation { continuation in
            Thread {
                let descriptor = open(path, O_RDONLY | O_CLOEXEC)
                guard bulkhead_enter_network_namespace(descriptor) == 0 else {
                    continuation.resume(throwing: ShellError(text: "cannot enter \(path)"))
                    return
                }
                close(descriptor)
                continuation.resume(with: Swift.Result { try body() })
            }.start()
        }
    }

    func index(_ interface: String) throws -> Int32 {
        let text = try shell("ip -n \(router) -o link show \(interface)")
        guard let index = Int32(text.prefix { $0 != ":" }) else { throw ShellError(text: "no index in \(text)") }
        return index
    }

    /// Whether one echo request is answered.
    func ping(from workload: String = "a", _ address: String = "10.78.0.2") -> Bool {
        (try? shell("nsenter --net=/run/netns/\(namespace(workload)) ping -n -c 1 -W 1 \(address)")) != nil
    }
}

struct ShellError: Error { var text: String }

/// The standard output; throws unless every command succeeds.
@discardableResult
func shell(_ script: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-ec", script]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.standardError
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let text = String(decoding: data, as: UTF8.self)
    guard process.terminationStatus == 0 else { throw ShellError(text: "\(script): \(text)") }
    return text
}
