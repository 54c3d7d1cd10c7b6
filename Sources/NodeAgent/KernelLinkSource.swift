import Netlink
import PolicyModel

/// The interfaces as the kernel tells of them.
public struct KernelLinkSource: LinkSource {
    private let watch = InterfaceWatch()

    public init() {}

    public func start(
        _ handler: @escaping @Sendable ([String: InterfaceIdentity]) -> Void,
        onFailure: @escaping @Sendable (String?) -> Void
    ) throws {
        try watch.start(handler, onFailure: onFailure)
    }

    public func stop() { watch.stop() }

    public func addresses() throws -> [IPAddress] {
        try InterfaceAddress.all().filter { $0.scope == .global }.compactMap { IPAddress(bytes: $0.bytes) }
    }
}
