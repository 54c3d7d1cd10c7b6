import Glibc

/// What an interface is, as far as policing a workload behind it goes.
public enum InterfaceNature: Sendable, Hashable {
    case veth
    case tap
    /// A tun without Ethernet frames.
    case tun
    case loopback
    /// Names no kind of its own, as network cards do.
    case hardware
    /// The kernel's name of any other kind: `bridge`, `vlan`, `macvtap`.
    case other(String)

    /// Stand on another device and have no host side.
    private static let upperDevices: Set<String> = ["macvlan", "macvtap", "ipvlan", "ipvtap"]
    private static let aggregates: Set<String> = ["bond", "team"]
    private static let tunnels: Set<String> = [
        "vxlan", "geneve", "gre", "gretap", "ip6gre", "ip6gretap", "ipip", "ip6tnl", "sit", "wireguard", "erspan",
    ]

    /// Whether one workload, and nothing else, is on the other side, and its Ethernet frames pass here.
    public var belongsToWorkload: Bool { self == .veth || self == .tap }

    /// Why `name`, which is of this nature, is not policed and what to do; nil when it can be.
    public func refusal(of name: String) -> String? {
        let advice = "name the host side of the workload's own veth, or its tap"
        return switch self {
        case .veth, .tap: nil
        case .tun: "Interface \(name) is a tun without Ethernet frames and cannot be policed: \(advice)."
        case .loopback: "Interface \(name) is the loopback and cannot be policed: \(advice)."
        case .hardware: "Interface \(name) is the host's own and cannot be policed: \(advice)."
        case .other("bridge"):
            "Interface \(name) is a bridge and cannot be policed: \(advice), which is a port of the bridge."
        case .other(let kind) where Self.upperDevices.contains(kind):
            "Interface \(name) is a \(kind): its workload's frames pass the device below it and no interface that belongs to "
                + "the workload alone, so it cannot be policed: connect the workload by a veth, or a tap on a bridge."
        case .other(let kind) where Self.aggregates.contains(kind):
            "Interface \(name) is a \(kind) of the host's own interfaces and cannot be policed: \(advice)."
        case .other(let kind) where Self.tunnels.contains(kind):
            "Interface \(name) is a tunnel (\(kind)) between hosts and cannot be policed: \(advice), whose frames are policed "
                + "before they enter the tunnel."
        case .other(let kind): "Interface \(name) is of the kind \(kind) and cannot be policed: \(advice)."
        }
    }
}

extension NetworkInterface {
    public var nature: InterfaceNature {
        switch kind {
        case "veth": .veth
        case "tun": hasEthernetFrames ? .tap : .tun
        case "": isLoopback ? .loopback : .hardware
        default: .other(kind)
        }
    }
}

/// What a watch tells of an interface.
public struct InterfaceIdentity: Sendable, Hashable {
    public var index: Int32
    public var nature: InterfaceNature

    public init(index: Int32, nature: InterfaceNature) {
        self.index = index
        self.nature = nature
    }
}
