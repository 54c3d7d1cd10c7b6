import PolicyModel

/// What a person calls one workload: a controller with all its replicas, a pod of its own, or an endpoint.
public struct Workload: Sendable, Hashable {
    public var namespace: String
    public var name: String
    public var kind: String
    /// One for a controller whose pods are not known, else its pods; never empty.
    public var endpoints: [EndpointKey]

    public init(namespace: String, name: String, kind: String, endpoints: [EndpointKey]) {
        self.namespace = namespace
        self.name = name
        self.kind = kind
        self.endpoints = endpoints
    }

    /// The kind of a pod that is not there yet and stands for all that have its labels.
    static let newKind = "New"

    /// `NAMESPACE/NAME[KIND]`.
    public var title: String { Self.title(namespace, name, kind) }

    static func title(_ namespace: String, _ name: String, _ kind: String) -> String { "\(namespace)/\(name)[\(kind)]" }

    /// Whether a person means this workload: by `NAMESPACE/NAME[KIND]`, `NAMESPACE/NAME`, or its name alone.
    public func isMeant(by text: String) -> Bool { text == title || text == "\(namespace)/\(name)" || text == name }
}
