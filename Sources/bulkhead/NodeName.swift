import Foundation
import Glibc

/// The name by which objects say that something belongs to this node.
enum NodeName {
    /// The host's name in lower case, as Kubernetes names nodes.
    static func current() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).lowercased()
        return name.isEmpty ? "localhost" : name
    }
}
