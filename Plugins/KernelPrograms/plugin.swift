import Foundation
import PackagePlugin

/// Compiles `Kernel/*.bpf.c` with the toolchain's own clang and hands the object to the target as Swift source, so that
/// the executable carries its kernel programs.
@main
struct KernelPrograms: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        let folder = context.package.directoryURL.appending(path: "Kernel")
        // Headers are inputs too: a changed layout must rebuild the object.
        let sources = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { ["c", "h"].contains($0.pathExtension) }
            .sorted { $0.path < $1.path }
        let output = context.pluginWorkDirectoryURL.appending(path: "EmbeddedKernelProgram.swift")
        return [
            .buildCommand(
                displayName: "Compiling the kernel program",
                executable: try context.tool(named: "EmbedKernelProgram").url,
                arguments: [try context.tool(named: "clang").url.path, folder.path, output.path],
                inputFiles: sources,
                outputFiles: [output])
        ]
    }
}
