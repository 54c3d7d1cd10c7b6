import CBPF
import Foundation
import Testing

@testable import BPFDataplane

/// Each test loads maps of some hundred megabytes, so they run one after the other.
@Suite(.serialized) struct KernelTests {
    @Suite struct Loader {
        @Test func aSecondLoadAdoptsThePinnedMaps() throws {
            let folder = "/sys/fs/bpf/bulkhead-kernel-test-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let first = try KernelObject(pinDirectory: folder)
            let key = bulkhead_interface_key(ifindex: 7)
            try first.interfaces.setPayload(5, for: key)
            first.stacks.store(9, at: 3)
            let clock = ContinuousClock()
            let start = clock.now
            let second = try KernelObject(pinDirectory: folder)
            print("loading both programs over pinned maps:", clock.now - start)
            #expect(try second.interfaces.payload(of: key) == 5)
            #expect(try second.interfaces.count() == 1)
            #expect(second.stacks.load(3) == 9)
            #expect(second.meta.load(Int(BULKHEAD_META_LAYOUT.rawValue)) == UInt64(BULKHEAD_LAYOUT_VERSION))
        }

        @Test func refusesAFolderOutsideABPFFileSystem() {
            #expect(
                throws: KernelError.notBPFFileSystem(path: "/tmp/bulkhead-kernel-test/" + KernelObject.schemaDirectory)
            ) {
                _ = try KernelObject(pinDirectory: "/tmp/bulkhead-kernel-test")
            }
            try? FileManager.default.removeItem(atPath: "/tmp/bulkhead-kernel-test")
        }

        @Test func readsManyEntriesInBatches() throws {
            let world = try KernelWorld()
            let keys = (0..<20_000).map { bulkhead_pair_key(stack: UInt32($0), exact: 1, prefix: 2) }
            let words = keys.map { HashMapHandle<bulkhead_pair_key, UInt64>.word($0, payload: $0.stack + 1) }
            try world.kernel.pairs.update(keys: keys, values: words)
            var seen: Set<UInt32> = []
            try world.kernel.pairs.forEach { key, word in
                if key.exact == 1 {
                    #expect(UInt32(truncatingIfNeeded: word) == key.stack + 1)
                    seen.insert(key.stack)
                }
            }
            #expect(seen.count == 20_000)
            for index in UInt32(0)..<100 { try world.setPrefix("10.1.\(index).0", 24, index + 1) }
            #expect(try world.kernel.prefixes.count() == 100)
            try world.kernel.prefixes.removeAll()
            #expect(try world.kernel.prefixes.count() == 0)
        }

        @Test func tellsOfAFullMap() throws {
            let world = try KernelWorld()
            let keys = (0..<BULKHEAD_MAX_SLOTS).map { bulkhead_interface_key(ifindex: $0 + 100) }
            let error = #expect(throws: KernelError.self) {
                for key in keys { try world.kernel.interfaces.setPayload(1, for: key) }
            }
            #expect(error == .map(name: "interfaces", operation: "update", errno: E2BIG))
            #expect(
                "\(KernelError.map(name: "interfaces", operation: "update", errno: E2BIG))"
                    == "update in the kernel map interfaces: Argument list too long; the map is full")
        }
    }
}
