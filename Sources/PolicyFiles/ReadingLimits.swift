import PolicyModel

/// What files may ask for while they are read offline. A file beyond these is refused with a sentence; none makes a command
/// take more than `memoryMegabytes` or `seconds`.
public enum ReadingLimits {
    /// All files of one reading together.
    public static let bytes = 32 * 1024 * 1024
    public static let files = 20_000
    /// Folders inside each other.
    public static let folderDepth = 64
    /// Values of one document, aliases counted as often as they are used.
    public static let valuesPerDocument = 250_000
    /// Values of all objects together.
    public static let values = 1_000_000
    /// Checked by `ReadingGuard` while the files are read.
    public static let memoryMegabytes = 256
    public static let seconds = 10

    /// All of them, for people.
    public static let all: [Limit] = [
        limit("length of all files together", bytes, "bytes", "ask for parts of the folder"),
        limit("files of one reading", files, "", "ask for parts of the folder"),
        limit("folders inside each other", folderDepth, "", "deeper is a mistake"),
        limit("values of one document, aliases counted", valuesPerDocument, "", "a few lines of aliases can mean billions; split it"),
        limit("values of all objects together", values, "", "ask for parts of the folder"),
        limit("memory while files are read", memoryMegabytes, "MB", "whatever the files hold; refused"),
        limit("time while files are read", seconds, "s", "whatever the files hold; refused"),
    ]

    private static func limit(_ name: String, _ value: Int, _ unit: String, _ reason: String) -> Limit {
        Limit("offline reading", name, value, unit: unit, reason: reason)
    }
}
