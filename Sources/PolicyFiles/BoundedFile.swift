import Foundation
import Glibc

/// Reads files without ever waiting for one that has no end.
enum BoundedFile {
    /// What a path leads to.
    enum Kind {
        case file
        case folder
        /// In a word or two.
        case other(String)
    }

    /// Tells a file whatever the number of its names (inode(7)).
    struct Identity: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    /// Follows links; nil when there is nothing.
    static func look(at path: String) -> (kind: Kind, identity: Identity, bytes: Int)? {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        return (kind(information), Identity(device: UInt64(information.st_dev), inode: UInt64(information.st_ino)), Int(information.st_size))
    }

    /// At most `limit` bytes, or why there are none, in half a sentence.
    static func read(_ path: String, limit: Int) -> Result<Data, Refusal> {
        // A FIFO that nobody writes would keep an open without O_NONBLOCK waiting.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(Refusal("cannot be read: \(String(cString: strerror(errno)))")) }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var information = stat()
        guard fstat(descriptor, &information) == 0, case .file = kind(information) else {
            return .failure(Refusal("is no regular file"))
        }
        return read(handle, limit: limit, length: Int(information.st_size))
    }

    static func readStandardInput(limit: Int) -> Result<Data, Refusal> {
        read(FileHandle.standardInput, limit: limit, length: 0)
    }

    /// - Parameter length: what is known of it; what a file says of itself need not be true.
    private static func read(_ handle: FileHandle, limit: Int, length: Int) -> Result<Data, Refusal> {
        guard length <= limit else {
            return .failure(Refusal("has \(length) bytes, and \(limit) more are read at most: split it, or ask for less"))
        }
        var data = Data()
        do {
            while data.count <= limit, let part = try handle.read(upToCount: limit + 1 - data.count), !part.isEmpty {
                data.append(part)
            }
        } catch {
            return .failure(Refusal("cannot be read: \(error)"))
        }
        guard data.count <= limit else {
            return .failure(Refusal("goes on after \(limit) bytes, more than are read: split it, or ask for less"))
        }
        return .success(data)
    }

    private static func kind(_ information: stat) -> Kind {
        switch information.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        case S_IFIFO: .other("a FIFO")
        case S_IFCHR, S_IFBLK: .other("a device")
        case S_IFSOCK: .other("a socket")
        default: .other("no regular file")
        }
    }
}

/// Why a file is not read, in half a sentence.
struct Refusal: Error {
    var sentence: String

    init(_ sentence: String) { self.sentence = sentence }
}
