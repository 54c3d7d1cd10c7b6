import CBPF
import Dataplane
import Glibc
import Netlink
import PolicyModel

/// From the maps of a build with another layout to ours: ours are filled beside them, connections copied, programs replaced
/// one by one, and theirs removed when no packet can be in their programs. Whoever dies in between leaves each interface to
/// one of both; the next agent goes on.
extension BPFDataplane {
    /// Before our programs are attached to `attachments`, and once more after that.
    func upgrade(_ attachments: [EndpointKey: NodeProgram.Attachment], attach: () -> [EndpointKey: String]) -> [EndpointKey: String] {
        guard !former.isEmpty, formerReplaced == nil else { return attach() }
        var targets: [Int32: UInt32] = [:]
        for (key, attachment) in attachments { targets[attachment.interfaceIndex] = slots.policed[key]?.slot }
        let began = configuration.bootTime() &- UInt64(BULKHEAD_CLOCK_LAG)
        var failures: [EndpointKey: String] = [:]
        var isAttached = false
        do {
            try takeOverFlows(targets, since: nil)
            failures = attach()
            isAttached = true
            try takeOverFlows(targets, since: began)
            if try replaceFormerPrograms() {
                serial += 1
                formerReplaced = serial
                grace.request(serial)
            }
        } catch {
            trouble = "connections of an earlier build could not be taken over, and are learnt as if they were older than the hooks: \(error)"
            if !isAttached { failures = attach() }
        }
        return failures
    }

    /// Connections, to be decided anew at their next packet. `targets`: interface's index to our slot. `since`: only those
    /// with a packet after that time that are not in our table.
    private func takeOverFlows(_ targets: [Int32: UInt32], since: UInt64?) throws {
        let now = configuration.bootTime()
        for maps in former {
            var translation: [UInt32: UInt32] = [:]
            for (index, slot) in try maps.slots() { translation[slot] = targets[index] }
            var confirmed = (keys: [bulkhead_flow_key](), flows: [bulkhead_flow]())
            var halfOpen = confirmed
            try maps.forEachFlow { key, flow, isConfirmed in
                guard let slot = translation[key.slot], since.map({ flow.last_seen >= $0 }) ?? true,
                    flow.last_seen &+ bulkhead_flow_timeout(key.protocol, flow.state) > now
                else { return }
                var key = key
                var flow = flow
                key.slot = slot
                // Of no epoch: nothing in our tables has decided it.
                let flags = UInt64(UInt32(truncatingIfNeeded: flow.word >> 32) & (1 << BULKHEAD_FLOW_TAG_SHIFT - 1))
                let tag = UInt64(KernelTag.of(key) & 0x0fff_ffff)
                flow.word = (tag << UInt64(BULKHEAD_FLOW_TAG_SHIFT) | flags) << 32
                if isConfirmed {
                    confirmed.keys.append(key)
                    confirmed.flows.append(flow)
                } else {
                    halfOpen.keys.append(key)
                    halfOpen.flows.append(flow)
                }
            }
            if since == nil {
                try kernel.flows.update(keys: confirmed.keys, values: confirmed.flows)
                try kernel.halfOpen.update(keys: halfOpen.keys, values: halfOpen.flows)
            } else {
                for (key, flow) in zip(confirmed.keys, confirmed.flows) where try kernel.halfOpen.lookup(key) == nil {
                    try addFlow(key, flow, to: kernel.flows)
                }
                for (key, flow) in zip(halfOpen.keys, halfOpen.flows) where try kernel.flows.lookup(key) == nil {
                    try addFlow(key, flow, to: kernel.halfOpen)
                }
            }
        }
    }

    private func addFlow(
        _ key: bulkhead_flow_key, _ flow: bulkhead_flow, to table: borrowing HashMapHandle<bulkhead_flow_key, bulkhead_flow>
    ) throws {
        do {
            try table.update(key, flow, mode: .onlyNew)
        } catch KernelError.map(_, _, EEXIST) {
            // A packet was faster.
        }
    }

    /// Whether none of their programs is anywhere. Interfaces that nobody claims lose theirs.
    private func replaceFormerPrograms() throws -> Bool {
        let inUse = Set(slots.policed.values.compactMap(\.interface))
        var isDone = true
        for maps in former {
            for index in try maps.slots().keys {
                guard let name = Self.currentName(of: index) else { continue }
                let ours = try control.filters(index: index, interface: name).filter(Hooks.isOurs)
                if ours.isEmpty || Hooks.areComplete(ours, programs) { continue }
                if inUse.contains(index) {
                    isDone = false
                } else {
                    try Hooks.detach(&control, index: index, interface: name)
                }
            }
        }
        return isDone
    }

    /// Removes the others' maps after the grace period that follows their last program.
    func retireFormer() {
        guard let replaced = formerReplaced, grace.completed >= replaced else { return }
        do {
            for maps in former { try maps.remove() }
            former = []
            formerReplaced = nil
        } catch {
            trouble = "the maps of an earlier build could not be removed: \(error)"
        }
    }
}
