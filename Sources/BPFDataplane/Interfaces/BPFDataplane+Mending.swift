import CLinux
import Dataplane
import Glibc
import Netlink
import PolicyModel

/// Hooks that other tools remove.
extension BPFDataplane {
    /// Interfaces that one call looks at: two short dumps each, some tens of microseconds.
    private static let checksInOneCall = 32

    /// Attaches hooks that vanished.
    public func maintain(_ tell: (String) -> Void) -> Bool {
        bulkhead_answer_namespace_lock(namespaceLock.raw)
        if !abandoned.isEmpty {
            // Packets that are in a program now still have their slots.
            serial += 1
            letGoOfAbandoned()
            grace.request(serial)
        }
        for key in losses.next(Self.checksInOneCall, of: slots.policed.keys) {
            guard let attachment = slots.policed[key]?.attachment else { continue }
            mend(key, attachment)
        }
        losses.takeNews().forEach(tell)
        return losses.isWithinRound
    }

    /// Whether the hooks are in place now, or need not be.
    @discardableResult
    func mend(_ key: EndpointKey, _ attachment: NodeProgram.Attachment) -> Bool {
        let (index, name) = (attachment.interfaceIndex, attachment.interfaceName)
        do {
            if Hooks.areComplete(try control.filters(index: index, interface: name), programs) {
                losses.noteInPlace(key)
                return true
            }
            // Read after the loss was seen: a release notes what it takes before it takes it.
            let released = ReleaseMarker(stateDirectory: configuration.stateDirectory).content
            if released.includes(attachment) { return true }
            try Hooks.attach(&control, index: index, interface: name, programs)
        } catch {
            // The interface itself is gone: its endpoint will be told to leave or to wait.
            if error.code == ENODEV { return true }
            unhooked.insert(key)
            losses.noteFailure(key, interface: name, error)
            return false
        }
        // What began while nobody looked is older than the hooks, and learnt as such.
        if let slot = slots.policed[key]?.slot { kernel.slots.store(configuration.bootTime(), at: Int(slot) * 2) }
        unhooked.remove(key)
        losses.noteMended(key, interface: name)
        return true
    }
}
