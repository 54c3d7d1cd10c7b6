import Netlink

/// The interfaces as the kernel tells of them.
public struct KernelLinkSource: LinkSource {
    private let watch = InterfaceWatch()

    public init() {}

    public func start(
        _ handler: @escaping @Sendable ([String: Int32]) -> Void,
        onFailure: @escaping @Sendable (String?) -> Void
    ) throws {
        try watch.start(handler, onFailure: onFailure)
    }

    public func stop() { watch.stop() }
}
