import Foundation
import PolicyModel

/// What podman can be asked while it starts a container.
public struct PodmanEngine: Sendable {
    /// Reads the container's name and labels.
    public var identify: @Sendable (OCIState) throws -> ContainerIdentity

    public init(identify: @escaping @Sendable (OCIState) throws -> ContainerIdentity) { self.identify = identify }

    /// The podman that calls the hook.
    public static let caller = PodmanEngine { state in try askEvents(of: state) }

    private static func askEvents(of state: OCIState) throws -> ContainerIdentity {
        guard let executable = executable() else {
            throw WorkloadSourceError("There is no podman on the path: the container's name and labels cannot be read.")
        }
        // The bundle is ROOT/overlay-containers/ID/userdata. A podman with another root has other records, and asking
        // it would make it write a database of its own.
        let root = URL(fileURLWithPath: state.bundle).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        var arguments = ["--root", root, "events", "--stream=false", "--format", "json", "--filter", "container=" + state.containerID]
        if let created = creationTime(bundle: state.bundle) { arguments += ["--since", created] }
        let output = try run(executable, arguments)
        guard let identity = ContainerIdentity(podmanEvents: output, containerID: state.containerID) else {
            throw WorkloadSourceError(
                "podman has no record of container \(state.containerID): events_logger in containers.conf must be file or "
                    + "journald.")
        }
        return identity
    }

    /// As podman writes it into the container's configuration; nil when it does not.
    private static func creationTime(bundle: String) -> String? {
        BundleConfiguration(bundle: bundle)?.annotations["io.kubernetes.cri-o.Created"]
    }

    private static func executable() -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/podman" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func run(_ executable: String, _ arguments: [String]) throws -> String {
        let process = Process()
        let output = Pipe()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        do { try process.run() } catch { throw WorkloadSourceError("Cannot run \(executable): \(error).") }
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let reason = String(decoding: complaint, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            throw WorkloadSourceError("podman events failed: \(reason).")
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// What a hook needs of a container's `config.json` (runtime-spec, "Configuration").
struct BundleConfiguration {
    var annotations: [String: String]
    /// Empty when the runtime makes a new one.
    var networkNamespacePath: String

    /// nil when there is none to be read.
    init?(bundle: String) {
        guard let data = FileManager.default.contents(atPath: bundle + "/config.json"),
            let value = try? JSONValue(parsing: data)
        else { return nil }
        annotations = value["annotations"]?.objectValue?.compactMapValues(\.stringValue) ?? [:]
        let namespaces = value["linux"]?["namespaces"]?.arrayValue ?? []
        networkNamespacePath =
            namespaces.first { $0["type"]?.stringValue == "network" }?["path"]?.stringValue ?? ""
    }

    /// Whether the container lives in the network namespace of another one (a pod, `--network container:`): podman names
    /// that by its process, and its own by a file.
    var joinsOther: Bool { networkNamespacePath.hasPrefix("/proc/") }
}
