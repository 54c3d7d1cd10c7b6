import Crypto
import Foundation
import Glibc
import Synchronization

/// The users of the state folder, as they are at the moment: a change of the folder counts from the next request on.
final class UserDirectory: Sendable {
    private struct State {
        var stamp: Stamp?
        var records: [UserRecord] = []
    }

    private struct Stamp: Equatable {
        var inode: UInt64
        var seconds: Int
        var nanoseconds: Int
    }

    private let stateDirectory: String
    private let directory: String
    private let administrator: BearerToken
    private let state = Mutex(State())

    init(stateDirectory: String, administrator: BearerToken) {
        self.stateDirectory = stateDirectory
        directory = UserRecord.directory(state: stateDirectory)
        self.administrator = administrator
    }

    /// Who sends the request, by token, else by certificate.
    func user(authorization: String?, certificateDigest: String?) throws(APIFailure) -> User {
        if let authorization {
            guard let token = BearerToken.token(authorization: authorization) else {
                throw .unauthorized("the Authorization header must be \"Bearer TOKEN\"")
            }
            let digest = SHA256.hash(data: Array(token.utf8))
            // Every digest is compared, each in constant time: how long it takes says nothing about any token.
            var found: User? = administrator.digest == digest ? .administrator : nil
            for record in records() {
                guard let known = record.tokenSHA256.flatMap({ Hexadecimal.bytes($0) }) else { continue }
                if digest == known { found = User(name: record.name, role: record.role) }
            }
            if let found { return found }
            throw .unauthorized(
                "this server does not know the token; use the kubeconfig that it wrote (STATE/kubeconfig), or ask for a new "
                    + "one: bulkhead user add NAME --role ROLE")
        }
        guard let certificateDigest else {
            throw .unauthorized(
                "no credentials were sent; use a kubeconfig of this server (STATE/kubeconfig, or bulkhead user add NAME --role ROLE)")
        }
        guard let record = records().first(where: { $0.certificateSHA256 == certificateDigest }) else {
            throw .unauthorized(
                "the client certificate belongs to no user of this server any more; ask for a new one: bulkhead user add NAME --role ROLE")
        }
        return User(name: record.name, role: record.role)
    }

    /// Whether the user still has that role; open watches ask.
    func isCurrent(_ user: User) -> Bool {
        user == .administrator || records().contains { $0.name == user.name && $0.role == user.role }
    }

    private func records() -> [UserRecord] {
        state.withLock { state in
            guard let stamp = Self.stamp(directory) else {
                // There is no folder: nobody was ever added.
                state.records = []
                state.stamp = nil
                return []
            }
            // A change in the same tick of the clock as a reading must not be missed: a fresh stamp is not trusted yet.
            if stamp != state.stamp {
                state.records = UserRecord.all(state: stateDirectory)
                state.stamp = Self.isSettled(stamp) ? stamp : nil
            }
            return state.records
        }
    }

    private static func stamp(_ path: String) -> Stamp? {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        return Stamp(
            inode: UInt64(information.st_ino), seconds: information.st_mtim.tv_sec, nanoseconds: information.st_mtim.tv_nsec)
    }

    private static func isSettled(_ stamp: Stamp) -> Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return now.tv_sec - stamp.seconds > 1
    }
}
