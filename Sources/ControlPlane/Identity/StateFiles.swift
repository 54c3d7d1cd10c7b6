import Foundation

/// The small files of a state folder that a backup holds: who the server is and who its users are.
public enum StateFiles {
    private static let names = ["ca.crt", "ca.key", "admin.token"]
    private static let users = "users/"

    /// By name; `users/NAME.json` for users.
    public static func read(stateDirectory: String) -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in names { files[name] = PrivateFiles.read(stateDirectory + "/" + name) }
        let folder = UserRecord.directory(state: stateDirectory)
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasSuffix(".json") {
            files[users + name] = PrivateFiles.read(folder + "/" + name)
        }
        return files
    }

    /// Makes the state folder, for its owner alone.
    public static func makeFolder(_ stateDirectory: String) throws { try PrivateFiles.makeDirectory(stateDirectory) }

    /// The files of a backup, and no users but those in it. Names that are not of such files are left out.
    public static func write(_ files: [String: [UInt8]], stateDirectory: String) throws {
        let folder = UserRecord.directory(state: stateDirectory)
        try PrivateFiles.makeDirectory(folder)
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where files[users + name] == nil {
            try FileManager.default.removeItem(atPath: folder + "/" + name)
        }
        for (name, content) in files {
            let isUser =
                name.hasPrefix(users) && name.hasSuffix(".json")
                && UserRecord.isValid(name: String(name.dropFirst(users.count).dropLast(".json".count)))
            guard names.contains(name) || isUser else { continue }
            try PrivateFiles.write(content, to: stateDirectory + "/" + name)
        }
    }
}
