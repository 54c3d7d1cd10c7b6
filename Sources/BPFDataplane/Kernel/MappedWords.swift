import CBPF
import Glibc

/// An array map of the kernel in this process's memory, as 64-bit words: reads and writes are single instructions, and
/// seen by programs at once.
struct MappedWords: ~Copyable {
    let name: String
    /// Words, not elements.
    let count: Int
    private let memory: SharedMemory
    private var words: UnsafeMutablePointer<UInt64> { memory.start.assumingMemoryBound(to: UInt64.self) }

    init(name: String, descriptor: borrowing Descriptor) throws {
        var shape = bulkhead_map_shape()
        let result = bulkhead_map_shape(descriptor.raw, &shape)
        guard result == 0 else { throw KernelError.map(name: name, operation: "open", errno: -result) }
        let size = Int(shape.capacity) * Int(shape.value_size)
        let page = SharedMemory.pageSize
        memory = try SharedMemory(
            map: name, descriptor: descriptor, offset: 0, size: (size + page - 1) / page * page, writable: true)
        self.name = name
        count = size / 8
    }

    /// With acquire order.
    func load(_ index: Int) -> UInt64 {
        precondition(index >= 0 && index < count, "\(name)[\(index)] of \(count)")
        return bulkhead_load64(words + index)
    }

    /// With release order: what was written before is seen by whoever sees this.
    func store(_ value: UInt64, at index: Int) {
        precondition(index >= 0 && index < count, "\(name)[\(index)] of \(count)")
        bulkhead_store64(words + index, value)
    }

    /// Not atomic as a whole; for words that nothing refers to yet.
    func store(contentsOf values: [UInt64], at index: Int) {
        precondition(index >= 0 && index + values.count <= count, "\(name)[\(index)] of \(count)")
        for (offset, value) in values.enumerated() { bulkhead_store64(words + index + offset, value) }
    }
}
