import ControlPlane
import Dataplane
import PolicyModel
import Synchronization

/// A node that answers what a test tells it to.
final class RecordedNode: NodeReporting {
    struct Wait: Sendable, Hashable {
        var revision: Int64
        var endpoint: EndpointKey?
        var timeoutSeconds: Double
    }

    let waits = Mutex<[Wait]>([])
    let result = Mutex<EnforcementResult>(.enforced(revision: 7, milliseconds: 1.5))
    let world = Mutex(PolicyWorld())
    let enforces = Mutex(true)

    func report() async -> NodeReport {
        NodeReport(
            node: "node-a", observing: false, storeRevision: 9, kernelRevision: 8,
            endpoints: [
                .init(
                    key: EndpointKey(namespace: "shop", name: "web"), interfaceName: "veth1",
                    addresses: [IPAddress(v4: 0x0a00_0001)], policed: true, message: "")
            ],
            dataplane: DataplaneStatus(
                revision: 8, policed: [:], maps: [.init(name: "flows", used: 3, capacity: 10)],
                systemCounts: [.spoofedSource: 4], eventsLost: 1, warnings: ["ring overrun"]),
            warnings: ["an interface is gone"])
    }

    func waitUntilEnforced(revision: Int64, endpoint: EndpointKey?, timeoutSeconds: Double) async -> EnforcementResult {
        waits.withLock { $0.append(Wait(revision: revision, endpoint: endpoint, timeoutSeconds: timeoutSeconds)) }
        return result.withLock { $0 }
    }

    func stateNumber() async -> UInt64 { 0 }

    func isEnforcing() async -> Bool { enforces.withLock { $0 } }

    func hostAddresses() async -> [IPAddress] { [IPAddress(v4: 0xc000_0201)] }

    func enforcedWorld() async -> (revision: Int64, world: PolicyWorld) { (8, world.withLock { $0 }) }
}
