import Glibc

/// Memory of a kernel map in this process, unmapped with its owner.
struct SharedMemory: ~Copyable {
    /// Valid while the owner lives.
    let start: UnsafeMutableRawPointer
    private let size: Int

    static var pageSize: Int { Int(sysconf(Int32(_SC_PAGESIZE))) }

    /// `map` names the map in errors.
    init(map: String, descriptor: borrowing Descriptor, offset: Int, size: Int, writable: Bool) throws {
        let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
        let memory = mmap(nil, size, protection, MAP_SHARED, descriptor.raw, offset)
        guard let memory, memory != MAP_FAILED else {
            throw KernelError.map(name: map, operation: "mmap", errno: errno)
        }
        start = memory
        self.size = size
    }

    deinit { munmap(start, size) }
}
