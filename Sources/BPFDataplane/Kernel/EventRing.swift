import CBPF
import Glibc

/// The reading end of the programs' ring buffer (Documentation/bpf/ringbuf.rst of the kernel). One reader at a time, who
/// looks on its own clock: no record wakes it.
struct EventRing: ~Copyable {
    private let size: Int
    /// Ours to write: how far we have read.
    private let consumer: SharedMemory
    /// The kernel's: how far it has written, and a page on, the data. They could be had twice in a row, so that no record is in
    /// two pieces, but would count twice as this process's memory.
    private let producer: SharedMemory
    private let descriptor: Descriptor

    init(name: String, descriptor: consuming Descriptor) throws {
        var shape = bulkhead_map_shape()
        let result = bulkhead_map_shape(descriptor.raw, &shape)
        guard result == 0 else { throw KernelError.map(name: name, operation: "open", errno: -result) }
        let page = SharedMemory.pageSize
        let size = Int(shape.capacity)
        let consumer = try SharedMemory(map: name, descriptor: descriptor, offset: 0, size: page, writable: true)
        let producer = try SharedMemory(
            map: name, descriptor: descriptor, offset: page, size: page + size, writable: false)
        self.size = size
        self.consumer = consumer
        self.producer = producer
        self.descriptor = descriptor
    }

    /// Hands over the complete records that are there now, oldest first and at most `limit`, and frees the room of each
    /// after `body` returns. Never blocks, and ends however fast the programs write. Returns how many there were.
    @discardableResult
    func drain(limit: Int = .max, _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows -> Int {
        let busy: UInt32 = 1 << 31
        let discarded: UInt32 = 1 << 30
        let headerSize = 8
        let consumer = self.consumer.start.assumingMemoryBound(to: UInt64.self)
        let producer = self.producer.start.assumingMemoryBound(to: UInt64.self)
        let data = UnsafeRawPointer(self.producer.start) + SharedMemory.pageSize
        var position = bulkhead_load64(consumer)
        let end = bulkhead_load64(producer)
        var records = 0
        while position < end, records < limit {
            let header = data + Int(position & UInt64(size - 1))
            let length = bulkhead_load32(header.assumingMemoryBound(to: UInt32.self))
            if length & busy != 0 { break }
            let bytes = Int(length & ~discarded)
            position += UInt64((bytes + headerSize + 7) & ~7)
            // Also when `body` throws: the record was handed over.
            defer { bulkhead_store64(consumer, position) }
            if length & discarded == 0 {
                records += 1
                try withRecord(in: data, at: header + headerSize - data, count: bytes, body)
            }
        }
        return records
    }

    /// In one piece.
    private func withRecord(
        in data: UnsafeRawPointer, at offset: Int, count: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        let beginning = offset & (size - 1)
        guard beginning + count > size else { return try body(UnsafeRawBufferPointer(start: data + beginning, count: count)) }
        try withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { whole in
            whole.copyMemory(from: UnsafeRawBufferPointer(start: data + beginning, count: size - beginning))
            UnsafeMutableRawBufferPointer(rebasing: whole[(size - beginning)...]).copyMemory(
                from: UnsafeRawBufferPointer(start: data, count: count - (size - beginning)))
            try body(UnsafeRawBufferPointer(whole))
        }
    }
}
