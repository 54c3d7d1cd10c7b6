import Glibc

/// The write-ahead log beside a SQLite file, as far as it concerns us when it is on the disk.
///
/// SQLite itself syncs it before it carries it over into the file, which keeps the file whole; that commits outlive a loss of
/// power is ours to see to. Its locks are on other files, so that they do not depend on this descriptor.
struct WriteAheadLog: ~Copyable, Sendable {
    struct Failure: Error {
        var errno: Int32
    }

    private let descriptor: Int32
    private let sync: @Sendable (Int32) -> Int32

    /// - Parameters:
    ///   - path: the SQLite file's, which is open for writing.
    ///   - sync: fdatasync(2), or what a test puts in its place.
    init(of path: String, sync: @escaping @Sendable (Int32) -> Int32) throws(Failure) {
        let descriptor = open(path + "-wal", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(errno: errno) }
        self.descriptor = descriptor
        self.sync = sync
    }

    deinit { close(descriptor) }

    /// Returns when all that was committed before is on the disk.
    func makeDurable() throws(Failure) {
        guard sync(descriptor) == 0 else { throw Failure(errno: errno) }
    }
}
