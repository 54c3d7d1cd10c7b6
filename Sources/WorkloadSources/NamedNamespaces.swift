import Foundation

extension WorkloadInterface {
    /// The names that `ip netns` knows, in order.
    static func namedNamespaces() -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: NetworkNamespace.folder))?.sorted() ?? []
    }
}
