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
        try Self.enterNewNamespace()
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

    /// Moves the calling thread into a network namespace of its own: two dataplanes in one would be refused.
    static func enterNewNamespace() throws {
        let result = benchmark_enter_new_network_namespace()
        guard result == 0 else { throw BenchmarkError.system(operation: "make a network namespace", code: -result) }
    }

    /// Where the maps of the dataplane of that name are pinned.
    func pinFolder(_ name: String) -> String { "\(pins)/\(name)" }

    /// A dataplane with maps of its own.
    func dataplane(_ name: String) throws -> BPFDataplane {
        try BPFDataplane(configuration: .init(pinDirectory: pinFolder(name), stateDirectory: "\(state)/\(name)"))
    }

    /// Fresh veths; returns the index of the side that is policed, by the names given.
    func makeInterfaces(_ names: [String]) throws -> [String: Int32] {
        let lines = names.map { "link add \($0) type veth peer name \($0)p\nlink set \($0) up\n" }
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        let batch = state + "/interfaces"
        try lines.joined().write(toFile: batch, atomically: true, encoding: .utf8)
        try Self.run(["ip", "-batch", batch])
        return Dictionary(uniqueKeysWithValues: names.map { ($0, Int32(bitPattern: if_nametoindex($0))) })
    }

    /// Without Foundation's `Process`, whose run loop wants a loopback interface that is up.
    private static func run(_ words: [String]) throws {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child = pid_t()
        let error = posix_spawnp(&child, words[0], nil, nil, &arguments, environ)
        guard error == 0 else { throw BenchmarkError.system(operation: "run \(words[0])", code: error) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else { throw BenchmarkError.command(words.joined(separator: " "), status: status) }
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
