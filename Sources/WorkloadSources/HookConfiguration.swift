import PolicyModel

/// The files that make podman and CRI-O call the hook (oci-hooks(5)).
public enum HookConfiguration {
    /// The only folder that podman 4 reads when `hooks_dir` is not set. /etc/containers/oci/hooks.d has to be named there.
    public static let defaultDirectory = "/usr/share/containers/oci/hooks.d"

    public enum Stage: String, Sendable, CaseIterable {
        case createRuntime
        case poststop
    }

    /// - Parameter timeoutSeconds: how long the engine lets the hook run.
    /// - Returns: file names with their text.
    public static func files(
        executable: String, kubeconfig: String, timeoutSeconds: Int = 30
    ) -> [(name: String, text: String)] {
        Stage.allCases.map { stage in
            let value = JSONValue.object([
                "version": .string("1.0.0"),
                "hook": .object([
                    "path": .string(executable),
                    "args": .array(
                        ["bulkhead", "hook", stage.rawValue, "--kubeconfig", kubeconfig].map { .string($0) }),
                    "timeout": .integer(Int64(timeoutSeconds)),
                ]),
                "when": .object(["always": .bool(true)]),
                "stages": .array([.string(stage.rawValue)]),
            ])
            return (fileName(stage), value.text(pretty: true) + "\n")
        }
    }

    public static func fileName(_ stage: Stage) -> String { "50-bulkhead-\(stage.rawValue).json" }
}
