import PolicyModel

/// `engines` and `containers` of the status document.
enum ContainerDocument {
    static func engines(_ report: ContainerReport) -> JSONValue {
        .array(
            report.engines.map { engine in
                .object([
                    "name": .string(engine.name), "socket": .string(engine.socket), "connected": .bool(engine.isConnected),
                    "start": .string(engine.hasOpenStart ? "open" : "closed"), "starts": .integer(Int64(engine.starts)),
                    "lastWindowMilliseconds": engine.lastWindowMilliseconds.map { .number($0) } ?? .null,
                    "longestWindowMilliseconds": engine.longestWindowMilliseconds.map { .number($0) } ?? .null,
                    "message": .string(engine.message),
                ])
            })
    }

    static func containers(_ report: ContainerReport) -> JSONValue {
        .array(
            report.containers.map { container in
                .object([
                    "engine": .string(container.engine), "name": .string(container.name), "id": .string(container.identifier),
                    "policed": .bool(!container.endpoints.isEmpty), "endpoints": .array(container.endpoints.map { .string($0) }),
                    "message": .string(container.message), "publishedPorts": .array(container.publishedPorts.map { .string($0) }),
                ])
            })
    }
}
