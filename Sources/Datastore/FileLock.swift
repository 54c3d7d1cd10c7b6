import Glibc

/// Holds a file locked against every other process, and every other holder in this one, for as long as it lives.
struct FileLock: ~Copyable {
    private let descriptor: Int32

    enum Failure: Error {
        case held
        /// `errno` of the call that failed.
        case unavailable(Int32)
    }

    /// Makes the file, readable by its owner alone, where it does not exist.
    init(path: String) throws(Failure) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unavailable(errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            close(descriptor)
            throw reason == EWOULDBLOCK ? .held : .unavailable(reason)
        }
        self.descriptor = descriptor
    }

    deinit {
        // A child that another thread has just forked has the descriptor too, until it becomes its program.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
