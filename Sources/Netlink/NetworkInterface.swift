import Glibc

/// A network interface as the kernel lists it.
public struct NetworkInterface: Sendable, Hashable {
    public var index: Int32
    public var name: String
    /// `veth`, `tun`, `bridge`; empty for hardware and others that name no kind.
    public var kind: String
    /// The index of the other side of a veth, in `linkNamespaceID`.
    public var linkIndex: Int32?
    /// The number that this network namespace gives to the one of the other side; nil: the same namespace.
    public var linkNamespaceID: Int32?
    public var isLoopback: Bool
    public var isUp: Bool
    /// Tells a tap from a tun: both are of the kind `tun`.
    public var hasEthernetFrames: Bool

    public init(
        index: Int32, name: String, kind: String = "", linkIndex: Int32? = nil, linkNamespaceID: Int32? = nil,
        isLoopback: Bool = false, isUp: Bool = true, hasEthernetFrames: Bool = true
    ) {
        self.index = index
        self.name = name
        self.kind = kind
        self.linkIndex = linkIndex
        self.linkNamespaceID = linkNamespaceID
        self.isLoopback = isLoopback
        self.isUp = isUp
        self.hasEthernetFrames = hasEthernetFrames
    }

    /// All interfaces of the calling thread's network namespace, by index.
    public static func all() throws(RouteError) -> [NetworkInterface] {
        var socket = try RouteSocket()
        let messages = try socket.dump(
            RouteNumber.getLink, payload: [UInt8](repeating: 0, count: 16), operation: "list the network interfaces")
        return messages.compactMap(Self.init).sorted { $0.index < $1.index }
    }

    /// nil for a message of another kind.
    init?(_ message: RouteMessage) {
        guard message.type == RouteNumber.newLink || message.type == RouteNumber.deleteLink,
            message.payload.count >= 16, message.payload[0] != RouteNumber.bridgeFamily
        else { return nil }
        let attributes = message.attributes(after: 16)
        guard let name = attributes[RouteNumber.interfaceNameAttribute] else { return nil }
        let flags = message.payload.number(at: 8, as: UInt32.self)
        let information = RouteMessage.attributes(attributes[RouteNumber.linkInfoAttribute] ?? [], from: 0)
        self.init(
            index: message.payload.number(at: 4, as: Int32.self), name: name.text,
            kind: information[RouteNumber.linkKindAttribute]?.text ?? "",
            linkIndex: attributes[RouteNumber.linkAttribute]?.number(at: 0, as: Int32.self),
            linkNamespaceID: attributes[RouteNumber.linkNamespaceAttribute]?.number(at: 0, as: Int32.self),
            isLoopback: flags & UInt32(bitPattern: Int32(IFF_LOOPBACK)) != 0,
            isUp: flags & UInt32(bitPattern: Int32(IFF_UP)) != 0,
            hasEthernetFrames: message.payload.number(at: 2, as: UInt16.self) == RouteNumber.ethernetType)
    }
}
