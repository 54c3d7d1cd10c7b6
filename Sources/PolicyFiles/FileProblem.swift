import PolicyModel

/// One thing that is wrong with a file, told as `FILE:LINE: OBJECT: FIELD: SENTENCE`.
public struct FileProblem: Sendable, Hashable, CustomStringConvertible {
    public var file: String
    /// From 1; 0 when it is about the whole file.
    public var line: Int
    /// `NetworkPolicy shop/web`; empty when no object could be read.
    public var object: String
    /// As in a `FieldError`; empty when it is about the whole object.
    public var path: String
    public var message: String

    public init(file: String, line: Int = 0, object: String = "", path: String = "", message: String) {
        self.file = file
        self.line = line
        self.object = object
        self.path = path
        self.message = message
    }

    public var description: String {
        // Refusals of what is not enforced yet name the path themselves.
        let path = message.contains(path) ? "" : path
        let place = line > 0 ? "\(file):\(line)" : file
        return [place, object, path, message].filter { !$0.isEmpty }.joined(separator: ": ")
    }
}
