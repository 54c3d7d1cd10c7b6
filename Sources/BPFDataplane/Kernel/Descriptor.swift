import Glibc

/// An open file descriptor that is closed with its owner.
struct Descriptor: ~Copyable {
    /// Valid while the owner lives.
    let raw: Int32

    init(owning raw: Int32) { self.raw = raw }

    deinit { close(raw) }
}
