import Foundation

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Files that only their owner may read, written so that a reader sees the whole old or the whole new one.
enum PrivateFiles {
    enum Failure: Error, CustomStringConvertible {
        case cannotWrite(path: String, reason: String)
        case cannotCreateDirectory(path: String, reason: String)

        var description: String {
            switch self {
            case .cannotWrite(let path, let reason):
                "cannot write \(path): \(reason); check the permissions and free space of the state directory"
            case .cannotCreateDirectory(let path, let reason):
                "cannot create the directory \(path): \(reason); name another with --state, or make its parent writable"
            }
        }
    }

    /// Makes the directory with mode 0700, or narrows the mode of one that exists.
    static func makeDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure.cannotCreateDirectory(path: path, reason: error.localizedDescription)
        }
        guard chmod(path, 0o700) == 0 else {
            throw Failure.cannotCreateDirectory(path: path, reason: reasonOfLastError())
        }
    }

    /// The content, or nil when there is no such file.
    static func read(_ path: String) -> [UInt8]? {
        FileManager.default.contents(atPath: path).map { Array($0) }
    }

    /// Mode 0600 from the first byte on, flushed to the disk, then renamed over `path`.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let temporary = "\(path).\(getpid()).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure.cannotWrite(path: temporary, reason: reasonOfLastError()) }
        do {
            defer { close(descriptor) }
            guard fchmod(descriptor, 0o600) == 0 else {
                throw Failure.cannotWrite(path: temporary, reason: reasonOfLastError())
            }
            do {
                try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: Data(bytes))
            } catch {
                throw Failure.cannotWrite(path: temporary, reason: error.localizedDescription)
            }
            guard fsync(descriptor) == 0 else {
                throw Failure.cannotWrite(path: temporary, reason: reasonOfLastError())
            }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let reason = reasonOfLastError()
            unlink(temporary)
            throw Failure.cannotWrite(path: path, reason: reason)
        }
    }

    private static func reasonOfLastError() -> String { String(cString: strerror(errno)) }
}
