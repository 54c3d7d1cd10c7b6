import Glibc

/// What can go wrong between this process and the kernel's BPF subsystem. Numbers are errno values.
enum KernelError: Error, Equatable {
    /// The object that the executable carries is damaged.
    case object(errno: Int32)
    /// Pins can only live in a BPF file system, and none could be mounted at this folder.
    case notBPFFileSystem(path: String)
    case directory(path: String, errno: Int32)
    /// The kernel did not take the maps or the programs. The log is the end of the verifier's.
    case load(errno: Int32, log: String)
    /// The pinned maps are of another layout than their folder says.
    case layout(path: String, found: UInt64)
    /// The object has no map or program of this name.
    case missing(name: String, errno: Int32)
    case map(name: String, operation: String, errno: Int32)
    case testRun(errno: Int32)
}

extension KernelError: CustomStringConvertible {
    var description: String {
        switch self {
        case .object(let number):
            "the embedded kernel program cannot be read (\(Self.text(number))); rebuild bulkhead"
        case .notBPFFileSystem(let path):
            "\(path) is not in a BPF file system; mount one with: mount -t bpf bpf /sys/fs/bpf"
        case .directory(let path, let number):
            "cannot create \(path): \(Self.text(number))"
        case .load(let number, let log):
            "the kernel refused the program or its maps: \(Self.text(number))"
                + (number == EPERM ? "; root, or CAP_BPF with CAP_NET_ADMIN and CAP_PERFMON, is needed" : "")
                + (log.isEmpty ? "" : "\n" + log)
        case .layout(let path, let found):
            "the maps pinned in \(path) have layout \(found); remove the folder when no other bulkhead uses it"
        case .missing(let name, let number):
            "the embedded kernel program has no \(name) (\(Self.text(number))); rebuild bulkhead"
        case .map(let name, let operation, let number):
            "\(operation) in the kernel map \(name): \(Self.text(number))"
                + (number == E2BIG ? "; the map is full" : "")
        case .testRun(let number):
            "BPF_PROG_TEST_RUN: \(Self.text(number))"
        }
    }

    private static func text(_ number: Int32) -> String { String(cString: strerror(number)) }
}
