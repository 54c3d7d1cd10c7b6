/// What an endpoint may send or get beside plain frames from and to its own addresses. Policy decides what is admitted as it
/// decides everything else.
public struct EndpointAdmissions: Sendable, Hashable {
    public enum Frame: String, Sendable, Hashable, CaseIterable {
        /// One VLAN tag, passed over: the same address in two VLANs is one.
        case tagged = "Tagged"
        /// VXLAN, and IP in IP from the endpoint: what is inside is not judged.
        case tunnels = "Tunnels"
    }

    /// On a WorkloadEndpoint: names of `Frame`, with commas between them.
    public static let annotation = "bulkhead.io/admitted-frames"

    public var frames: Set<Frame>
    /// Blocks from which it may send although they are not its own.
    public var sources: [AddressBlock]

    public init(frames: Set<Frame> = [], sources: [AddressBlock] = []) {
        self.frames = frames
        self.sources = sources
    }

    /// nil when one of the names is none of `Frame`.
    static func frames(_ text: String) -> Set<Frame>? {
        var frames: Set<Frame> = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            let name = name.drop { $0 == " " }
            guard let frame = Frame(rawValue: String(name)) else { return nil }
            frames.insert(frame)
        }
        return frames
    }
}
