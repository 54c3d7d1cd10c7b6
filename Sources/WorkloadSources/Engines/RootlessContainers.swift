import Foundation
import Glibc

/// Containers that users run without root: their engines do not tell us, but each has a monitor process of its own.
public enum RootlessContainers {
    /// Containers of users other than root, as `conmon` (the monitor of podman and CRI-O) was started for them.
    ///
    /// O(processes of the host). A name is what its user gave it: not unique, and not to be trusted.
    public static func running() -> [ContainerBoard.Container] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.filter { $0.allSatisfy(\.isNumber) }.compactMap { container(process: $0) }.sorted { $0.name < $1.name }
    }

    private static func container(process: String) -> ContainerBoard.Container? {
        var information = stat()
        guard stat("/proc/\(process)", &information) == 0, information.st_uid != 0,
            let command = FileManager.default.contents(atPath: "/proc/\(process)/comm"),
            String(decoding: command, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) == "conmon",
            let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline")
        else { return nil }
        let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        func option(_ name: String) -> String? {
            guard let position = words.firstIndex(of: name), position + 1 < words.count else { return nil }
            return words[position + 1]
        }
        guard let identifier = option("-c") else { return nil }
        return ContainerBoard.Container(
            engine: "podman of user \(information.st_uid)", name: option("-n") ?? String(identifier.prefix(12)),
            identifier: identifier, endpoints: [], message: ContainerPlacement.rootlessReason, publishedPorts: [])
    }
}
