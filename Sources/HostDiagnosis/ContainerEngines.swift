import Foundation
import PolicyModel

/// Container engines of the host, and whether their containers are policed from the first instruction on.
public enum ContainerEngines {
    /// - Parameters:
    ///   - hookFiles: the files that `bulkhead hook install` writes.
    ///   - sockets: where Docker may listen.
    public static func findings(hookFiles: [String], sockets: [String] = ["/run/docker.sock", "/var/run/docker.sock"]) -> [Finding] {
        var found: [Finding] = []
        if Tool.path("podman") != nil { found.append(podman(hookFiles)) }
        let running = Tool.running()
        let hasDocker = sockets.contains { FileManager.default.fileExists(atPath: $0) } || running.contains("dockerd")
        if hasDocker {
            found.append(
                Finding(
                    "docker", .costs, "runs here, and calls no hook before a container's first instruction",
                    cost: "open start: a container is policed some milliseconds after its start (bulkhead status has them measured)",
                    mend: "use podman for workloads that must not send a single packet, or start them on a network that is connected later"))
        }
        if running.contains("containerd"), !hasDocker {
            found.append(
                Finding(
                    "containerd", .costs, "runs here, and calls no hook before a container's first instruction",
                    cost: "open start: a container is policed some milliseconds after its start (bulkhead status has them measured)",
                    mend: "use podman for workloads that must not send a single packet"))
        }
        return found.isEmpty ? [Finding("container engines", .fine, "none found")] : found
    }

    private static func podman(_ files: [String]) -> Finding {
        let install = "bulkhead hook install"
        let present = files.filter { FileManager.default.fileExists(atPath: $0) }
        guard present.count == files.count else {
            return Finding(
                "podman hook", .costs, present.isEmpty ? "not installed" : "only \(present.joined(separator: ", ")) is there",
                cost: "podman's containers are not policed from their first instruction on", mend: install)
        }
        for file in files {
            let hook = FileManager.default.contents(atPath: file).flatMap { try? JSONValue(parsing: $0) }?["hook"]
            let executable = hook?["path"]?.stringValue ?? ""
            guard FileManager.default.isExecutableFile(atPath: executable) else {
                return Finding(
                    "podman hook", .costs, "\(file) calls \(executable.isEmpty ? "nothing" : executable), which cannot be run",
                    cost: "podman refuses every container", mend: "\(install), or bulkhead hook remove")
            }
        }
        return Finding("podman hook", .fine, "installed in \(URL(fileURLWithPath: files[0]).deletingLastPathComponent().path)")
    }
}
