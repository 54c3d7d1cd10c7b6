import Glibc

/// An open file descriptor that is closed with its owner.
package struct Descriptor: ~Copyable {
    /// Valid while the owner lives.
    package let raw: Int32

    package init(owning raw: Int32) { self.raw = raw }

    deinit { close(raw) }
}
