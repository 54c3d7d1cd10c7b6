import CLinux
import Foundation
import Glibc
import Testing

/// A router with two workloads behind veths, in network namespaces of its own: a = 10.77.0.2, fd77::2 behind va, b =
/// 10.78.0.2, fd78::2 behind vb. Or a bridge of the two with the same addresses, each on the other's link.
final class PacketLab: Sendable {
    let name: String
    let pins: String
    let state: String
    var router: String { name + "-r" }
    func namespace(_ workload: String) -> String { name + "-" + workload }

    init(bridged: Bool = false) throws {
        name = "dataplane-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        pins = "/sys/fs/bpf/" + name
        state = "/tmp/" + name
        try shell("ip netns add \(router)")
        // An address that is still being probed answers nobody.
        try shell("nsenter --net=/run/netns/\(router) sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0")
        for (workload, net) in [("a", 77), ("b", 78)] {
            let space = namespace(workload)
            try shell(
                """
                ip netns add \(space)
                ip -n \(router) link add v\(workload) type veth peer name eth0 netns \(space)
                nsenter --net=/run/netns/\(space) sysctl -qw net.ipv6.conf.eth0.accept_dad=0
                ip -n \(space) link set lo up
                ip -n \(space) addr add 10.\(net).0.2/24 dev eth0
                ip -n \(space) addr add fd\(net)::2/64 dev eth0 nodad
                ip -n \(space) link set eth0 up
                """)
            try shell(
                bridged
                    ? """
                    ip -n \(router) link show br0 >/dev/null 2>&1 || ip -n \(router) link add br0 type bridge forward_delay 0
                    ip -n \(router) link set br0 up
                    ip -n \(router) link set v\(workload) master br0 up
                    ip -n \(space) route add 10.0.0.0/8 dev eth0
                    ip -n \(space) route add fd00::/8 dev eth0
                    """
                    : """
                    ip -n \(router) addr add 10.\(net).0.1/24 dev v\(workload)
                    ip -n \(router) addr add fd\(net)::1/64 dev v\(workload) nodad
                    ip -n \(router) link set v\(workload) up
                    ip -n \(space) route add default via 10.\(net).0.1
                    ip -n \(space) route add default via fd\(net)::1
                    """)
        }
        try shell("nsenter --net=/run/netns/\(router) sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
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
