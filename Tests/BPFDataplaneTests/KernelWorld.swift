import Foundation

enum KernelWorld {
    static func newPinDirectory() -> String { "/sys/fs/bpf/bulkhead-test-\(UUID().uuidString)" }

    static func remove(_ folder: String) { try? FileManager.default.removeItem(atPath: folder) }
}
