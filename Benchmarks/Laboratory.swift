import BPFDataplane
import CBenchmarks
import Foundation
import Glibc

/// A network namespace of the process's own, and folders that go when it ends.
///
/// The namespace goes with the process, however it ends. The folder in the BPF file system would not: it is removed at the
/// end, on SIGINT and SIGTERM, and what a killed run left is removed by the next.
final class Laboratory {
    private static let pinRoot = "/sys/fs/bpf"
    private static let prefix = "bulkhead-benchmarks-"

    private let pins: String
    private let state: String
    private var signals: [any DispatchSourceSignal] = []

    /// Call it on the main thread before there are others: they shall be in the namespace too.
    init() throws {
        let result = benchmark_enter_new_network_namespace()
        guard result == 0 else { throw BenchmarkError.system(operation: "make a network namespace", code: -result) }
        let name = Self.prefix + String(getpid())
        pins = Self.pinRoot + "/" + name
        state = NSTemporaryDirectory() + name
        Self.removeLeftovers()
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [pins, state] in
                Self.remove(pins, state)
                exit(128 + number)
            }
            source.resume()
            signals.append(source)
        }
    }

    deinit { Self.remove(pins, state) }

    /// A dataplane with maps of its own.
    func dataplane(_ name: String) throws -> BPFDataplane {
        try BPFDataplane(configuration: .init(pinDirectory: "\(pins)/\(name)", stateDirectory: "\(state)/\(name)"))
    }

    /// Fresh veths; returns the index of the side that is policed, by the names given.
    func makeInterfaces(_ names: [String]) throws -> [String: Int32] {
        let lines = names.map { "link add \($0) type veth peer name \($0)p\nlink set \($0) up\n" }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["ip", "-batch", "-"]
        let input = Pipe()
        process.standardInput = input
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(lines.joined().utf8))
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchmarkError.command("ip -batch", status: process.terminationStatus)
        }
        return Dictionary(uniqueKeysWithValues: names.map { ($0, Int32(bitPattern: if_nametoindex($0))) })
    }

    private static func remove(_ folders: String...) {
        for folder in folders { try? FileManager.default.removeItem(atPath: folder) }
    }

    private static func removeLeftovers() {
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: pinRoot)) ?? [] where entry.hasPrefix(prefix) {
            guard let process = pid_t(entry.dropFirst(prefix.count)), kill(process, 0) != 0 else { continue }
            remove(pinRoot + "/" + entry, NSTemporaryDirectory() + entry)
        }
    }
}
