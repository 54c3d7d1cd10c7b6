import Crypto
import Foundation
import PolicyModel

/// Adds and removes the users of a state folder; a running server follows at once. For the command line.
public struct UserRegistry: Sendable {
    public struct Entry: Sendable, Hashable {
        public var name: String
        public var role: Role
        /// `certificate` or `token`.
        public var credential: String
    }

    public enum Credential: Sendable, Hashable {
        case certificate
        case token
    }

    public enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        case name(String)
        case exists(String)
        case unknown(String)
        case noServer(String)
        case damaged(String)

        public var description: String {
            switch self {
            case .name(let name):
                "\"\(name)\" is no name for a user: use up to 63 letters, digits, '-', '_', '.' and '@', with a letter or digit first"
            case .exists(let name): "the user \(name) exists already: remove it first, or choose another name"
            case .unknown(let name): "there is no user \(name)"
            case .noServer(let path): "\(path) is missing: start `bulkhead up` once, it makes the keys and says where it listens"
            case .damaged(let reason): reason
            }
        }
    }

    private let state: String

    public init(stateDirectory: String) { state = stateDirectory }

    /// Sorted by name.
    public func list() -> [Entry] {
        UserRecord.all(state: state).map {
            Entry(name: $0.name, role: $0.role, credential: $0.tokenSHA256 == nil ? "certificate" : "token")
        }
    }

    /// The new user's kubeconfig. Its secret is nowhere else: it cannot be written a second time.
    public func add(name: String, role: Role, credential: Credential, now: Date) throws -> String {
        guard UserRecord.isValid(name: name), name != User.administrator.name else { throw Failure.name(name) }
        let directory = UserRecord.directory(state: state)
        let path = directory + "/\(name).json"
        guard !FileManager.default.fileExists(atPath: path) else { throw Failure.exists(name) }
        let server = try server()
        guard let authority = PrivateFiles.read(state + "/ca.crt") else { throw Failure.noServer(state + "/ca.crt") }
        var record = UserRecord(name: name, role: role)
        let user: String
        switch credential {
        case .token:
            guard let token = BearerToken.random() else { throw Failure.damaged("no random token could be made") }
            record.tokenSHA256 = Hexadecimal.text(token.digest)
            user = "token: \(token.text)"
        case .certificate:
            let made = try ServerIdentity.makeClientCertificate(directory: state, name: name, role: role, now: now)
            record.certificateSHA256 = Hexadecimal.text(SHA256.hash(data: made.der))
            let certificate = Data(made.certificatePEM.utf8).base64EncodedString()
            let key = Data(made.keyPEM.utf8).base64EncodedString()
            user = "client-certificate-data: \(certificate)\n    client-key-data: \(key)"
        }
        try PrivateFiles.makeDirectory(directory)
        try PrivateFiles.write(Array(try JSONEncoder().encode(record)), to: path)
        return Kubeconfig.text(
            server: server, authorityPEM: String(decoding: authority, as: UTF8.self), userName: name, user: user)
    }

    /// From the next request on the user is nobody; open watches end within seconds.
    public func remove(name: String) throws {
        let path = UserRecord.directory(state: state) + "/\(name).json"
        guard UserRecord.isValid(name: name), FileManager.default.fileExists(atPath: path) else { throw Failure.unknown(name) }
        try FileManager.default.removeItem(atPath: path)
    }

    /// Where the administrator's kubeconfig says that the server is.
    private func server() throws -> String {
        let path = state + "/kubeconfig"
        guard let bytes = PrivateFiles.read(path) else { throw Failure.noServer(path) }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let text = line.trimmingCharacters(in: .whitespaces)
            if text.hasPrefix("server: ") { return String(text.dropFirst("server: ".count)) }
        }
        throw Failure.damaged("\(path) names no server: restart `bulkhead up`, it writes the file anew")
    }
}
