import Netlink
import PolicyModel

/// The network interfaces of the agent's network namespace.
public protocol LinkSource: Sendable {
    /// Calls `handler` with every interface by name: once before it returns, then after each change, on a
    /// thread of the source's own, until `stop()`. `onFailure` tells of changes that may have been missed; the source
    /// then starts over by itself.
    func start(
        _ handler: @escaping @Sendable ([String: InterfaceIdentity]) -> Void,
        onFailure: @escaping @Sendable (String?) -> Void
    ) throws
    /// After it returns the handler is not called any more.
    func stop()
    /// The global addresses of the host's interfaces, in the kernel's order.
    func addresses() throws -> [IPAddress]
}
