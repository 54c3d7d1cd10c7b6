import CBPF
import Testing

@testable import BPFDataplane

@Suite struct KernelObjectTests {
    @Test func loadsTwiceOverTheSameMaps() throws {
        let folder = KernelWorld.newPinDirectory()
        defer { KernelWorld.remove(folder) }
        let first = try KernelObject(pinDirectory: folder)
        let key = bulkhead_interface_key(ifindex: 7)
        try first.interfaces.setPayload(5, for: key)
        let second = try KernelObject(pinDirectory: folder)
        #expect(try second.interfaces.payload(of: key) == 5)
        #expect(try second.interfaces.count() == 1)
        first.stacks.store(9, at: 3)
        #expect(second.stacks.load(3) == 9)
    }
}
