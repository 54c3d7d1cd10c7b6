/// What one object may hold at most. Beyond these an object is refused with the path of the field, before it costs
/// memory on every node.
public enum ObjectLimits {
    /// Rules of a policy for one direction: Calico's limit.
    public static let rulesPerDirection = 1024
    /// Nets of one side of a rule: Calico's limit; larger lists belong in a network set.
    public static let netsPerEntity = 256
    /// Ports and ranges of one side of a rule: Calico's limit.
    public static let portsPerEntity = 50
    /// Addresses of an endpoint: each has its own entry in the tables of its node.
    public static let addressesPerEndpoint = 64
    public static let portsPerEndpoint = 256
    /// Keys and values of all annotations together, in bytes: Kubernetes' limit.
    public static let annotationBytes = 256 * 1024
}
