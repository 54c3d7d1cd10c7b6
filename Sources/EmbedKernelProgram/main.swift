import Foundation

// Arguments: clang, the folder of kernel sources, the Swift file to write.
let arguments = CommandLine.arguments
guard arguments.count == 4 else {
    fail("usage: EmbedKernelProgram CLANG KERNEL-FOLDER OUTPUT.swift")
}
let compiler = KernelCompiler(clang: arguments[1], folder: URL(fileURLWithPath: arguments[2], isDirectory: true))
do {
    let object = try compiler.object(of: "bulkhead.bpf.c")
    // The maps as the compiler sees them, without comments, and without the kernel declarations before them: what
    // decides whether pinned maps of another build can be shared.
    let preprocessed = String(decoding: try compiler.preprocessed("maps.h"), as: UTF8.self)
    guard let layout = preprocessed.range(of: "bulkhead_") else {
        fail("maps.h has no layout")
    }
    let schema = fingerprint(Data(preprocessed[layout.lowerBound...].utf8))
    let source = """
        // Written by EmbedKernelProgram; not to be edited.

        enum EmbeddedKernelProgram {
            /// Changes whenever the maps' layout does; names the folder of pinned maps.
            static let schema: UInt64 = 0x\(String(schema, radix: 16))
            /// Of the object below.
            static let fingerprint: UInt64 = 0x\(String(fingerprint(object), radix: 16))
            /// The ELF object.
            static let base64 = "\(object.base64EncodedString())"
        }

        """
    try Data(source.utf8).write(to: URL(fileURLWithPath: arguments[3]), options: .atomic)
} catch {
    fail("\(error)")
}

func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("EmbedKernelProgram: \(message)\n".utf8))
    exit(1)
}

/// FNV-1a, 64 bits.
func fingerprint(_ bytes: Data) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
