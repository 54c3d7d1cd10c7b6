import ArgumentParser
import Foundation
import HostDiagnosis
import WorkloadSources

struct HookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hook",
        abstract: "Police containers from their first instruction on, by OCI hooks.",
        subcommands: [HookInstallCommand.self, HookRemoveCommand.self, HookCreateRuntimeCommand.self, HookPoststopCommand.self])
}

struct HookInstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Have podman call Bulkhead for every container that it starts from now on.",
        discussion: """
            While `bulkhead up` does not run, containers with a network of their own are then refused. Engines that call no \
            hook before a container's first instruction are named: they have an open start.

            EXAMPLES
              bulkhead hook install
              bulkhead hook install --directory /etc/containers/oci/hooks.d
            """)

    @Option(help: "Where the engine looks for hooks.") var directory = HookConfiguration.defaultDirectory
    @Option(help: "How the hook finds the server.") var kubeconfig = Locations.kubeconfig

    func run() throws {
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let kubeconfig = URL(fileURLWithPath: self.kubeconfig).standardizedFileURL.path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for file in HookConfiguration.files(executable: executable, kubeconfig: kubeconfig) {
            let path = directory + "/" + file.name
            try file.text.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            Output.line("wrote \(path)")
        }
        let files = HookConfiguration.Stage.allCases.map { "\(directory)/\(HookConfiguration.fileName($0))" }
        for finding in ContainerEngines.findings(hookFiles: files) where finding.isTrouble {
            Output.error("bulkhead: \(finding.check) \(finding.what): \(finding.cost)")
        }
    }
}

struct HookRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take back what `hook install` wrote; containers are no longer policed at their start.",
        discussion: """
            EXAMPLES
              bulkhead hook remove
            """)

    @Option(help: "Where the engine looks for hooks.") var directory = HookConfiguration.defaultDirectory

    func run() throws {
        for stage in HookConfiguration.Stage.allCases {
            let path = directory + "/" + HookConfiguration.fileName(stage)
            guard FileManager.default.fileExists(atPath: path) else { continue }
            try FileManager.default.removeItem(atPath: path)
            Output.line("removed \(path)")
        }
    }
}

struct HookCreateRuntimeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: HookConfiguration.Stage.createRuntime.rawValue,
        abstract: "Called by an OCI runtime before a container's process begins; fails when it cannot be policed.")

    @OptionGroup var server: ServerOptions

    func run() async throws {
        let state = try OCIState(parsing: HookInput.read())
        let hook = ContainerHook(log: Output.error) { [server] in APIWorkloadRegistry(client: try server.client()) }
        if case .notPoliced(let reason) = try await hook.createRuntime(state) {
            Output.error("bulkhead: container \(state.containerID) is not policed: \(reason)")
        }
    }
}

struct HookPoststopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: HookConfiguration.Stage.poststop.rawValue,
        abstract: "Called by an OCI runtime after a container has stopped; forgets its endpoint.")

    @OptionGroup var server: ServerOptions

    func run() async throws {
        let state = try OCIState(parsing: HookInput.read())
        let hook = ContainerHook(log: Output.error) { [server] in APIWorkloadRegistry(client: try server.client()) }
        _ = try await hook.poststop(state)
    }
}

enum HookInput {
    static func read() -> String { String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self) }
}
