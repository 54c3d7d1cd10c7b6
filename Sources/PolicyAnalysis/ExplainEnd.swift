import PolicyModel

/// One end of a connection that is asked about.
public enum ExplainEnd: Sendable, Hashable {
    case endpoint(EndpointKey)
    /// An address that an endpoint claims means that endpoint; of several, the first by namespace and name.
    case address(IPAddress)
    /// The host on which the workloads run.
    case host
}

extension ExplainEnd: CustomStringConvertible {
    /// As a user writes it: `host`, an address, or `namespace/name`; nil for anything else.
    public init?(_ text: String) {
        if text == "host" {
            self = .host
        } else if let address = IPAddress(text) {
            self = .address(address)
        } else {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
            self = .endpoint(EndpointKey(namespace: String(parts[0]), name: String(parts[1])))
        }
    }

    public var description: String {
        switch self {
        case .endpoint(let key): key.description
        case .address(let address): address.description
        case .host: "host"
        }
    }
}

/// Why a question has no answer.
public enum ExplainError: Error, Sendable, Hashable, CustomStringConvertible {
    case unknownEndpoint(EndpointKey)
    case noAddress(EndpointKey)
    /// The ends, and the IP versions that each has.
    case noCommonVersion(
        source: ExplainEnd, sourceVersions: [IPVersion], destination: ExplainEnd, destinationVersions: [IPVersion])

    public var description: String {
        switch self {
        case .unknownEndpoint(let key):
            "there is no workload endpoint \(key); `bulkhead workload list` shows those that are known"
        case .noAddress(let key):
            "workload endpoint \(key) has no address yet; ask again when it has one, or name an address instead"
        case .noCommonVersion(let source, let sourceVersions, let destination, let destinationVersions):
            "no packet can go from \(source) (\(Self.names(sourceVersions))) to \(destination) "
                + "(\(Self.names(destinationVersions))): name two ends that share an IP version"
        }
    }

    private static func names(_ versions: [IPVersion]) -> String {
        versions.map { "IPv\($0.rawValue)" }.joined(separator: " and ")
    }
}
