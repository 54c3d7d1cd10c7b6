/// Why a patch cannot be applied.
public struct PatchError: Error, Sendable, Hashable, CustomStringConvertible {
    /// In the patch (`[2].path`) or in the document (`metadata.finalizers`).
    public var path: String
    /// What is wrong there.
    public var message: String

    public init(path: String, message: String) {
        self.path = path
        self.message = message
    }

    public var description: String { path.isEmpty ? message : "\(path): \(message)" }
}
