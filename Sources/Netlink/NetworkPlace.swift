import Foundation
import Glibc

/// Where an interface's index means something.
public enum NetworkPlace {
    /// From <asm-generic/socket.h>, which Swift does not import: a number that no other network namespace gets before the
    /// next boot (Linux 5.14).
    private static let namespaceCookie: Int32 = 71

    /// The boot of this machine and the calling thread's network namespace; another text for every other. Empty where the
    /// kernel does not tell them apart: then nothing may be concluded from an index of a process before.
    public static func current() -> String {
        guard let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8) else { return "" }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var cookie: UInt64 = 0
        var size = socklen_t(MemoryLayout<UInt64>.size)
        guard getsockopt(descriptor, SOL_SOCKET, namespaceCookie, &cookie, &size) == 0 else { return "" }
        return "\(boot.trimmingCharacters(in: .whitespacesAndNewlines)) \(cookie)"
    }
}
