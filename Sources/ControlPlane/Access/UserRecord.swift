import Foundation
import PolicyModel

/// One user as the state folder keeps it: nothing in it lets anybody in.
struct UserRecord: Sendable, Hashable, Codable {
    var name: String
    var role: Role
    /// SHA-256 of the bearer token and of the certificate (DER), hexadecimal; either may be absent.
    var tokenSHA256: String?
    var certificateSHA256: String?

    static func directory(state: String) -> String { state + "/users" }

    /// Letters, digits, `-`, `_`, `.` and `@`, at most 63, none of the first four at the beginning but letters and digits.
    static func isValid(name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 63 else { return false }
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        return isAlphanumeric(first) && name.utf8.allSatisfy { isAlphanumeric($0) || [45, 46, 64, 95].contains($0) }
    }

    /// All records of a state folder, by name. Files that are none are left out: an unreadable record lets nobody in.
    static func all(state: String) -> [UserRecord] {
        let directory = directory(state: state)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted().compactMap { name in
            guard let bytes = PrivateFiles.read(directory + "/" + name) else { return nil }
            return try? JSONDecoder().decode(UserRecord.self, from: Data(bytes))
        }
    }
}
