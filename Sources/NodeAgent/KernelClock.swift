import Foundation
import Glibc

/// The clock of the kernel's events.
enum KernelClock {
    /// Nanoseconds of CLOCK_BOOTTIME.
    static func boottime() -> UInt64 { UInt64(clamping: nanoseconds(of: CLOCK_BOOTTIME)) }

    /// What has to be added to CLOCK_BOOTTIME for nanoseconds since 1970. It changes when the wall clock is set.
    static func wallClockOffset() -> Int64 { nanoseconds(of: CLOCK_REALTIME) - nanoseconds(of: CLOCK_BOOTTIME) }

    /// Names the host's start that CLOCK_BOOTTIME counts from; nil where the kernel does not tell.
    static func boot() -> String? {
        guard let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8) else { return nil }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func nanoseconds(of clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
