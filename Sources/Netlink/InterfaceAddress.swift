/// An address of an interface.
public struct InterfaceAddress: Sendable, Hashable {
    public enum Scope: UInt8, Sendable, Hashable {
        case global = 0
        case site = 200
        case link = 253
        case host = 254
    }

    public var interfaceIndex: Int32
    /// Network byte order: 4 or 16 bytes.
    public var bytes: [UInt8]
    public var prefixLength: UInt8
    /// nil for a scope of the administrator's own.
    public var scope: Scope?

    /// All addresses of the calling thread's network namespace, also tentative ones, in the kernel's order.
    public static func all() throws(RouteError) -> [InterfaceAddress] {
        var socket = try RouteSocket()
        let messages = try socket.dump(
            RouteNumber.getAddress, payload: [UInt8](repeating: 0, count: 8), operation: "list the addresses")
        return messages.compactMap(Self.init)
    }

    private init?(_ message: RouteMessage) {
        guard message.type == RouteNumber.newAddress, message.payload.count >= 8 else { return nil }
        let attributes = message.attributes(after: 8)
        // For a point-to-point interface IFA_ADDRESS is the other side's.
        guard let bytes = attributes[RouteNumber.localAddressAttribute] ?? attributes[RouteNumber.addressAttribute],
            bytes.count == 4 || bytes.count == 16
        else { return nil }
        self.bytes = bytes
        prefixLength = message.payload[1]
        scope = Scope(rawValue: message.payload[3])
        interfaceIndex = message.payload.number(at: 4, as: Int32.self)
    }
}

/// The interfaces that default routes of the main table leave by.
public enum DefaultRoutes {
    /// Of the calling thread's network namespace, both IP versions.
    public static func interfaceIndexes() throws(RouteError) -> Set<Int32> {
        var socket = try RouteSocket()
        let messages = try socket.dump(
            RouteNumber.getRoute, payload: [UInt8](repeating: 0, count: 12), operation: "list the routes")
        var indexes: Set<Int32> = []
        for message in messages where message.type == RouteNumber.newRoute && message.payload.count >= 12 {
            let attributes = message.attributes(after: 12)
            let table = attributes[RouteNumber.tableAttribute]?.number(at: 0, as: UInt32.self) ?? UInt32(message.payload[4])
            guard message.payload[1] == 0, message.payload[7] == RouteNumber.unicastRoute,
                table == RouteNumber.mainTable,
                let index = attributes[RouteNumber.outputInterfaceAttribute]?.number(at: 0, as: Int32.self)
            else { continue }
            indexes.insert(index)
        }
        return indexes
    }
}

/// Numbers by which one network namespace knows another.
public enum NamespaceID {
    /// The number that the calling thread's network namespace gives to the one behind `descriptor`; nil if it has given
    /// it none.
    public static func of(descriptor: Int32) throws(RouteError) -> Int32? {
        var socket = try RouteSocket()
        let payload =
            [UInt8](repeating: 0, count: 4)
            + RouteMessage.attribute(RouteNumber.namespaceDescriptorAttribute, UInt32(bitPattern: descriptor))
        let answer = try socket.ask(
            RouteNumber.getNamespaceID, payload: payload, operation: "ask for the number of a network namespace")
        guard answer.type == RouteNumber.newNamespaceID,
            let identifier = answer.attributes(after: 4)[RouteNumber.namespaceIDAttribute]?.number(at: 0, as: Int32.self),
            identifier >= 0
        else { return nil }
        return identifier
    }
}
