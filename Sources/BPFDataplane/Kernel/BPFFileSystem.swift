import CBPF
import Glibc

/// Where pins live.
enum BPFFileSystem {
    static let standardMountPoint = "/sys/fs/bpf"

    /// Makes the folder and those above it, in mode 0700; mounts the BPF file system at its standard place if that is
    /// where the folder is to be and nothing is mounted there.
    static func makeDirectory(_ path: String) throws {
        if path == standardMountPoint || path.hasPrefix(standardMountPoint + "/"),
            bulkhead_is_bpf_filesystem(standardMountPoint) == 0
        {
            guard bulkhead_mount_bpf_filesystem(standardMountPoint) == 0 else {
                throw KernelError.notBPFFileSystem(path: path)
            }
        }
        var prefix = ""
        for part in path.split(separator: "/") {
            prefix += "/" + part
            if mkdir(prefix, 0o700) != 0, errno != EEXIST {
                throw KernelError.directory(path: prefix, errno: errno)
            }
        }
        guard bulkhead_is_bpf_filesystem(path) == 1 else { throw KernelError.notBPFFileSystem(path: path) }
    }
}

extension BPFFileSystem {
    static func contains(_ path: String) -> Bool { bulkhead_is_bpf_filesystem(path) == 1 }
}
