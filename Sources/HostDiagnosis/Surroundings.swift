import CBPF
import CHostProbes
import Foundation
import Glibc

/// What Bulkhead stands on besides the kernel's abilities.
public enum Surroundings {
    /// Below this the store and the flow records have no room to grow.
    static let wantedFreeBytes: Int64 = 1 << 30
    /// A write of an object waits for one.
    static let wantedSyncMilliseconds = 20.0
    private static let syncTrials = 15

    /// - Parameters:
    ///   - state: the state folder, which need not exist yet.
    ///   - pin: the folder in a BPF file system, likewise.
    public static func findings(state: String, pin: String) -> [Finding] {
        [privilege, bpffs(pin), cgroups, clock] + disk(state)
    }

    private static var privilege: Finding {
        geteuid() == 0
            ? Finding("user", .fine, "root")
            : Finding("user", .missing, "not root", cost: "nothing can be policed", mend: "run as root: sudo bulkhead doctor")
    }

    private static func bpffs(_ pin: String) -> Finding {
        let place = existing(pin)
        if bulkhead_is_bpf_filesystem(place) == 1 { return Finding("BPF file system", .fine, "mounted at or above \(pin)") }
        return Finding(
            "BPF file system", .costs, "\(pin) is in none", cost: "`bulkhead up` has to mount one; where it may not, it does not start",
            mend: "mount -t bpf bpf /sys/fs/bpf")
    }

    private static var cgroups: Finding {
        let mounts = FileManager.default.contents(atPath: "/proc/self/mountinfo").map { String(decoding: $0, as: UTF8.self) } ?? ""
        let version2 = mounts.contains(" - cgroup2 ")
        let version1 = mounts.contains(" - cgroup ")
        switch (version1, version2) {
        case (false, true): return Finding("cgroups", .fine, "version 2")
        case (true, _):
            return Finding(
                "cgroups", .note, version2 ? "version 1, with a tree of version 2 beside it" : "version 1",
                mend: "nothing for Bulkhead; crun refuses it: let podman use runc")
        case (false, false):
            return Finding("cgroups", .note, "not mounted here", mend: "container engines need them; Bulkhead does not")
        }
    }

    private static var clock: Finding {
        let now = Date.now.timeIntervalSince1970
        // Certificates are made for times after 2020.
        guard now > 1_577_836_800 else {
            return Finding(
                "clock", .costs, "it is \(Date.now.formatted(.iso8601))", cost: "certificates are refused, flow records lie about the time",
                mend: "set the clock: timedatectl set-ntp true")
        }
        return bulkhead_probe_clock() == 1
            ? Finding("clock", .fine, "synchronised")
            : Finding(
                "clock", .note, "the kernel does not know of a synchronisation",
                mend: "run chrony or systemd-timesyncd, so that flow records of several hosts compare")
    }

    // MARK: Disk

    private static func disk(_ state: String) -> [Finding] {
        let folder = existing(state)
        var found: [Finding] = []
        var information = statvfs()
        if statvfs(folder, &information) == 0 {
            let free = Int64(information.f_bavail) * Int64(information.f_frsize)
            let text = "\(free >> 20) MiB free for \(state)"
            found.append(
                free >= wantedFreeBytes
                    ? Finding("disk space", .fine, text)
                    : Finding(
                        "disk space", .costs, text, cost: "writes of objects and flow records fail when it is full",
                        mend: "make room, or name another folder with --state"))
        }
        switch syncMilliseconds(folder) {
        case .success(let milliseconds):
            let text = "a write is safe after \((milliseconds * 10).rounded() / 10) ms (median of \(syncTrials)) in \(folder)"
            found.append(
                milliseconds <= wantedSyncMilliseconds
                    ? Finding("disk latency", .fine, text)
                    : Finding(
                        "disk latency", .costs, text, cost: "every change of an object takes that much longer",
                        mend: "put --state on a faster disk"))
        case .failure(let error):
            found.append(
                Finding(
                    "disk latency", .costs, "\(folder) cannot be written: \(String(cString: strerror(error.code)))",
                    cost: "`bulkhead up` cannot keep its state there", mend: "run as root, or name another folder with --state"))
        }
        return found
    }

    private struct SystemError: Error { var code: Int32 }

    private static func syncMilliseconds(_ folder: String) -> Result<Double, SystemError> {
        var template = Array("\(folder)/.bulkhead-doctor-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { return .failure(SystemError(code: errno)) }
        unlink(template)
        defer { close(file) }
        let block = [UInt8](repeating: 0x5a, count: 4096)
        var times: [Double] = []
        for _ in 0..<syncTrials {
            let start = ContinuousClock.now
            guard write(file, block, block.count) == block.count, fdatasync(file) == 0 else {
                return .failure(SystemError(code: errno == 0 ? ENOSPC : errno))
            }
            let took = ContinuousClock.now - start
            times.append(Double(took.components.attoseconds) / 1e15 + Double(took.components.seconds) * 1000)
        }
        return .success(times.sorted()[syncTrials / 2])
    }

    /// The folder, or the nearest one above it that exists.
    private static func existing(_ path: String) -> String {
        var place = URL(fileURLWithPath: path).standardizedFileURL
        while place.path != "/", !FileManager.default.fileExists(atPath: place.path) { place.deleteLastPathComponent() }
        return place.path
    }
}
