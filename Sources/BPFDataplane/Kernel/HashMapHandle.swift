import CBPF
import Glibc

/// A hash, LRU or longest-prefix map of the kernel, as typed entries.
///
/// Every call is a system call that acts at once; programs may read and write at the same time.
struct HashMapHandle<Key: BitwiseCopyable, Value: BitwiseCopyable>: ~Copyable {
    enum Mode: UInt64 {
        case any = 0
        /// Fails with EEXIST when the key is there.
        case onlyNew = 1
        /// Fails with ENOENT when it is not.
        case onlyExisting = 2
    }

    let name: String
    let capacity: Int
    let descriptor: Descriptor

    /// Throws when the map's keys or values are of another size.
    init(name: String, descriptor: consuming Descriptor) throws {
        var shape = bulkhead_map_shape()
        let result = bulkhead_map_shape(descriptor.raw, &shape)
        guard result == 0 else { throw KernelError.map(name: name, operation: "open", errno: -result) }
        guard Int(shape.key_size) == MemoryLayout<Key>.size, Int(shape.value_size) == MemoryLayout<Value>.size else {
            throw KernelError.map(name: name, operation: "open", errno: EINVAL)
        }
        self.name = name
        self.capacity = Int(shape.capacity)
        self.descriptor = descriptor
    }

    /// E2BIG: the map is full; ENOMEM: the kernel has no memory for the entry.
    func update(_ key: Key, _ value: Value, mode: Mode = .any) throws {
        try withUnsafePointer(to: key) { key in
            try withUnsafePointer(to: value) { value in
                try check(bulkhead_map_update(descriptor.raw, key, value, mode.rawValue), "update")
            }
        }
    }

    /// Writes all entries, replacing those that exist. When it throws, an unknown part is written.
    func update(keys: [Key], values: [Value]) throws {
        precondition(keys.count == values.count)
        var done = 0
        while done < keys.count {
            var count = UInt32(keys.count - done)
            let result = keys.withUnsafeBufferPointer { keys in
                values.withUnsafeBufferPointer { values in
                    bulkhead_map_update_batch(
                        descriptor.raw, keys.baseAddress.map { $0 + done }, values.baseAddress.map { $0 + done }, &count
                    )
                }
            }
            if result == -ENOTSUP || result == -EINVAL && count == UInt32(keys.count - done) {
                for index in done..<keys.count { try update(keys[index], values[index]) }
                return
            }
            try check(result, "update")
            done += Int(count)
        }
    }

    func lookup(_ key: Key) throws -> Value? {
        try withUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { room in
            guard let place = room.baseAddress else { return nil }
            let result = withUnsafePointer(to: key) { bulkhead_map_lookup(descriptor.raw, $0, place) }
            if result == -ENOENT { return nil }
            try check(result, "lookup")
            return place.pointee
        }
    }

    /// Whether the key was there.
    @discardableResult
    func delete(_ key: Key) throws -> Bool {
        let result = withUnsafePointer(to: key) { bulkhead_map_delete(descriptor.raw, $0) }
        if result == -ENOENT { return false }
        try check(result, "delete")
        return true
    }

    /// Every entry that is there throughout; one that programs add or remove meanwhile may be seen or not, and after
    /// many changes an entry may be seen twice.
    func forEach(_ body: (Key, Value) throws -> Void) throws {
        var cursor = Cursor()
        while try next(&cursor, body) {}
    }

    /// Where a walk is that goes on later.
    struct Cursor {
        /// The kernel's: a bucket number, or a key for maps without buckets; nil: the walk begins.
        fileprivate var token: [UInt8]?
        fileprivate var room = 4096
    }

    /// As `forEach`, for some thousand entries; returns whether the walk goes on. Maps whose kernel knows no batches are walked
    /// to the end.
    func next(_ cursor: inout Cursor, _ body: (Key, Value) throws -> Void) throws -> Bool {
        let keys = UnsafeMutablePointer<Key>.allocate(capacity: cursor.room)
        let values = UnsafeMutablePointer<Value>.allocate(capacity: cursor.room)
        defer {
            keys.deallocate()
            values.deallocate()
        }
        var token = cursor.token ?? Array(repeating: 0, count: max(8, MemoryLayout<Key>.size))
        var count = UInt32(cursor.room)
        let result = token.withUnsafeMutableBytes { token in
            bulkhead_map_lookup_batch(
                descriptor.raw, cursor.token == nil ? nil : token.baseAddress, token.baseAddress, keys, values, &count)
        }
        switch result {
        case 0, -ENOENT: break
        case -ENOSPC:
            // A bucket holds more than the room: nothing of it was told.
            cursor.room *= 8
            return true
        case -ENOTSUP where cursor.token == nil:
            try oneByOne(body)
            return false
        default: throw KernelError.map(name: name, operation: "read", errno: -result)
        }
        for index in 0..<Int(count) { try body(keys[index], values[index]) }
        cursor.token = token
        return result == 0
    }

    /// O(entries).
    func count() throws -> Int {
        var count = 0
        try forEach { _, _ in count += 1 }
        return count
    }

    /// Removes what is there; what programs add meanwhile may stay.
    func removeAll() throws {
        var keys: [Key] = []
        try forEach { key, _ in keys.append(key) }
        for key in keys { try delete(key) }
    }

    private func oneByOne(_ body: (Key, Value) throws -> Void) throws {
        let next = UnsafeMutablePointer<Key>.allocate(capacity: 1)
        defer { next.deallocate() }
        var current: Key?
        while true {
            let result =
                if let key = current {
                    withUnsafePointer(to: key) { bulkhead_map_next_key(descriptor.raw, $0, next) }
                } else {
                    bulkhead_map_next_key(descriptor.raw, nil, next)
                }
            if result == -ENOENT { return }
            try check(result, "read")
            let key = next.pointee
            current = key
            if let value = try lookup(key) { try body(key, value) }
        }
    }

    private func check(_ result: Int32, _ operation: String) throws {
        guard result == 0 else { throw KernelError.map(name: name, operation: operation, errno: -result) }
    }
}

extension HashMapHandle where Value == UInt64 {
    /// The word that steers: the payload, and the tag of the key (`Kernel/layout.h`).
    static func word(_ key: Key, payload: UInt32) -> UInt64 {
        bulkhead_word(payload, KernelTag.of(key))
    }

    func setPayload(_ payload: UInt32, for key: Key) throws {
        try update(key, Self.word(key, payload: payload))
    }

    func payload(of key: Key) throws -> UInt32? {
        try lookup(key).map { UInt32(truncatingIfNeeded: $0) }
    }
}

/// The tag that a program computes from a key.
enum KernelTag {
    static func of<Key: BitwiseCopyable>(_ key: Key) -> UInt32 {
        withUnsafePointer(to: key) { bulkhead_tag($0, UInt32(MemoryLayout<Key>.size)) }
    }
}
