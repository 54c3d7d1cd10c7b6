import CBPF
import Glibc

/// An array map of the kernel in this process's memory, as 64-bit words: reads and writes are single instructions, and
/// seen by programs at once.
///
/// Memory of the kernel counts as this process's from its mapping on, used or not, so it is mapped a megabyte at a time where it is
/// touched first. Where the process has no room for that it ends, as it does where it has none for its own memory.
struct MappedWords: ~Copyable {
    let name: String
    /// Words, not elements.
    let count: Int
    private let descriptor: Descriptor
    private let segments: Segments

    /// Words that are mapped together; whole pages.
    private static let segmentWords = 1 << 17

    init(name: String, descriptor: consuming Descriptor) throws {
        var shape = bulkhead_map_shape()
        let result = bulkhead_map_shape(descriptor.raw, &shape)
        guard result == 0 else { throw KernelError.map(name: name, operation: "open", errno: -result) }
        let count = Int(shape.capacity) * Int(shape.value_size) / 8
        let page = SharedMemory.pageSize
        let segments = Segments(bytes: (count * 8 + page - 1) / page * page, each: Self.segmentWords * 8)
        // Whether it can be mapped at all shows here.
        try segments.map(0, descriptor, name: name)
        self.name = name
        self.count = count
        self.segments = segments
        self.descriptor = descriptor
    }

    /// With acquire order.
    func load(_ index: Int) -> UInt64 { bulkhead_load64(place(index)) }

    /// With release order: what was written before is seen by whoever sees this.
    func store(_ value: UInt64, at index: Int) { bulkhead_store64(place(index), value) }

    /// Not atomic as a whole; for words that nothing refers to yet.
    func store(contentsOf values: [UInt64], at index: Int) {
        for (offset, value) in values.enumerated() { store(value, at: index + offset) }
    }

    private func place(_ index: Int) -> UnsafeMutablePointer<UInt64> {
        precondition(index >= 0 && index < count, "\(name)[\(index)] of \(count)")
        let (segment, offset) = index.quotientAndRemainder(dividingBy: Self.segmentWords)
        if let start = segments.starts[segment] { return start + offset }
        do {
            return try segments.map(segment, descriptor, name: name) + offset
        } catch {
            preconditionFailure("\(error)")
        }
    }

    private final class Segments {
        private(set) var starts: [UnsafeMutablePointer<UInt64>?]
        private let bytes: Int
        private let each: Int

        init(bytes: Int, each: Int) {
            self.bytes = bytes
            self.each = each
            starts = Array(repeating: nil, count: (bytes + each - 1) / each)
        }

        @discardableResult
        func map(_ segment: Int, _ descriptor: borrowing Descriptor, name: String) throws -> UnsafeMutablePointer<UInt64> {
            let memory = mmap(
                nil, size(of: segment), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.raw, segment * each)
            guard let memory, memory != MAP_FAILED else { throw KernelError.map(name: name, operation: "mmap", errno: errno) }
            let start = memory.assumingMemoryBound(to: UInt64.self)
            starts[segment] = start
            return start
        }

        private func size(of segment: Int) -> Int { min(each, bytes - segment * each) }

        deinit {
            for (segment, start) in starts.enumerated() { if let start { munmap(start, size(of: segment)) } }
        }
    }
}
