import CBPF
import Glibc

/// The per-CPU counters, summed.
struct CounterArray: ~Copyable {
    private let name: String
    private let descriptor: Descriptor
    private let processors: Int

    init(name: String, descriptor: consuming Descriptor) throws {
        let processors = bulkhead_possible_cpus()
        guard processors > 0 else { throw KernelError.map(name: name, operation: "count CPUs", errno: -processors) }
        self.name = name
        self.processors = Int(processors)
        self.descriptor = descriptor
    }

    /// `index`: a system reason, or `enum bulkhead_counter`.
    func total(_ index: UInt32) throws -> UInt64 {
        try withUnsafeTemporaryAllocation(of: UInt64.self, capacity: processors) { room in
            let result = withUnsafePointer(to: index) { bulkhead_map_lookup(descriptor.raw, $0, room.baseAddress) }
            guard result == 0 else { throw KernelError.map(name: name, operation: "lookup", errno: -result) }
            return room.reduce(0, &+)
        }
    }
}
