import Foundation

/// Runs clang for the BPF target.
struct KernelCompiler {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let clang: String
    let folder: URL

    /// The ELF object of one source file.
    func object(of source: String) throws -> Data {
        let output = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).o")
        defer { try? FileManager.default.removeItem(at: output) }
        _ = try run(["-c", folder.appending(path: source).path, "-o", output.path])
        return try Data(contentsOf: output)
    }

    /// A header after the preprocessor: no comments, no line numbers.
    func preprocessed(_ header: String) throws -> Data {
        try run(["-E", "-P", folder.appending(path: header).path])
    }

    private func run(_ arguments: [String]) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: clang)
        // -g for BTF; tags are computed over keys as words, whatever the types of their fields. No standard headers: the programs bring the few kernel declarations they need.
        process.arguments =
            [
                "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-fno-strict-aliasing", "-nostdinc", "-Wall", "-Wextra",
                "-Werror",
                "-DBULKHEAD_KERNEL", "-fdebug-prefix-map=\(folder.path)=Kernel",
            ] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(
                description: "\(clang) ended with \(process.terminationStatus) for \(arguments.joined(separator: " "))")
        }
        return output
    }
}
