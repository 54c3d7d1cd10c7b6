import ArgumentParser
import PolicyModel

extension IPAddress: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension NamedPort: ExpressibleByArgument {
    /// `http=tcp/8080`
    public init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let value = parts[1].split(separator: "/", maxSplits: 1)
        guard value.count == 2, let transport = TransportProtocol(name: String(value[0])), transport.hasPorts,
            let port = UInt16(value[1]), port > 0
        else { return nil }
        self.init(name: String(parts[0]), transport: transport, port: port)
    }
}
