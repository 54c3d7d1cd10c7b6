import CBPF
import Dataplane
import Glibc
import Netlink
import PolicyEngine
import PolicyModel

/// Interfaces: adopted, hooked, let go.
extension BPFDataplane {
    /// Takes over the interfaces that still have our hooks; what an earlier agent says of others is removed.
    func adoptInterfaces(_ slotsInUse: Set<UInt32>) throws {
        var entries: [Int32: UInt32] = [:]
        try kernel.interfaces.forEach { key, value in
            entries[Int32(bitPattern: key.ifindex)] = UInt32(truncatingIfNeeded: value)
        }
        let links = entries.isEmpty ? [:] : try linksByIndex()
        var adopted: [Int32: UInt32] = [:]
        for (index, slot) in entries {
            if let name = links[index]?.name,
                try control.filters(index: index, interface: name).contains(where: Hooks.isOurs)
            {
                adopted[index] = slot
            } else {
                try kernel.interfaces.delete(bulkhead_interface_key(ifindex: UInt32(bitPattern: index)))
            }
        }
        slots.adopt(adopted, alsoTaken: slotsInUse)
    }

    private func linksByIndex() throws(RouteError) -> [Int32: NetworkInterface] {
        var found: [Int32: NetworkInterface] = [:]
        for link in try NetworkInterface.all() { found[link.index] = link }
        return found
    }

    /// After the tables are in force: hooks for endpoints that need them, none for those that left. Returns what failed.
    func police(
        _ program: NodeProgram, _ attachments: [EndpointKey: NodeProgram.Attachment], _ released: Set<String>
    ) throws -> [EndpointKey: String] {
        var failures: [EndpointKey: String] = [:]
        // An endpoint may leave an interface while another takes it: hooks and entry are the other's then.
        let inUse = Set(attachments.values.map(\.interfaceIndex))
        for (key, attachment) in attachments.sorted(by: { $0.key < $1.key }) {
            guard let present = slots.policed[key] else { continue }
            setFlags(present.slot, isOpen: isOpenForIngress(key, program.tables))
            if present.attachment == attachment, !unhooked.contains(key) { continue }
            do {
                if let old = present.attachment?.interfaceIndex, !inUse.contains(old) {
                    try kernel.interfaces.delete(bulkhead_interface_key(ifindex: UInt32(bitPattern: old)))
                }
                try hook(key, present, attachment)
                unhooked.remove(key)
            } catch {
                failures[key] = "interface \(attachment.interfaceName) is not policed: \(error)"
            }
        }
        let leaving = slots.policed.filter { attachments[$0.key] == nil }
        let unclaimed = slots.takeUnclaimed()
        if leaving.isEmpty, unclaimed.isEmpty { return failures }
        let links = try linksByIndex()
        for (key, present) in leaving {
            if let index = present.attachment?.interfaceIndex, !inUse.contains(index) { try unhook(index, links) }
            clear(present.slot)
            slots.remove(key, serial: serial)
            unhooked.remove(key)
        }
        for (index, slot) in unclaimed {
            try unhook(index, links)
            clear(slot)
            slots.leave(slot, serial: serial)
        }
        return failures
    }

    private func hook(
        _ key: EndpointKey, _ present: EndpointSlots.Policed, _ attachment: NodeProgram.Attachment
    ) throws {
        let slot = present.slot
        if kernel.slots.load(Int(slot) * 2) == 0 {
            kernel.slots.store(configuration.bootTime(), at: Int(slot) * 2)
        }
        let entry = bulkhead_interface_key(ifindex: UInt32(bitPattern: attachment.interfaceIndex))
        try kernel.interfaces.setPayload(slot, for: entry)
        do {
            try Hooks.attach(
                &control, index: attachment.interfaceIndex, interface: attachment.interfaceName,
                from: kernel.fromWorkload.raw, to: kernel.toWorkload.raw)
        } catch {
            slots.note(nil, for: key)
            throw error
        }
        slots.note(attachment, for: key)
        losses.noteInPlace(key)
    }

    /// The endpoint was taken out of Bulkhead, or its interface is gone.
    private func unhook(_ index: Int32, _ links: [Int32: NetworkInterface]) throws {
        if let link = links[index] {
            try Hooks.detach(&control, index: index, interface: link.name)
        }
        try kernel.interfaces.delete(bulkhead_interface_key(ifindex: UInt32(bitPattern: index)))
    }

    private func clear(_ slot: UInt32) {
        kernel.slots.store(0, at: Int(slot) * 2)
        kernel.slots.store(0, at: Int(slot) * 2 + 1)
    }

    private func setFlags(_ slot: UInt32, isOpen: Bool) {
        let flags = isOpen ? UInt64(BULKHEAD_SLOT_OPEN_INGRESS) : 0
        let word = flags << 32 | UInt64(onlyZone)
        if kernel.slots.load(Int(slot) * 2 + 1) != word { kernel.slots.store(word, at: Int(slot) * 2 + 1) }
    }

    /// Whether no policy selects the endpoint for ingress: all its tables are a profile's Allow alone.
    private func isOpenForIngress(_ key: EndpointKey, _ tables: VerdictTables) -> Bool {
        let stacks = slots.policed[key].map { present in
            state.legs.filter { $0.key.slot == present.slot }.compactMap { state.stackMeanings[$0.value.ingress] }
        }
        guard let stacks, !stacks.isEmpty else { return false }
        return stacks.allSatisfy { id in
            guard let stack = tables.stacks[id], stack.pairs.isEmpty, let row = tables.rows[stack.base] else { return false }
            return row.ranges.allSatisfy { range in
                guard case .decide(let number) = range.outcome, let decision = tables.decisions[number] else { return false }
                guard case .profile = decision.reason else { return false }
                return decision.verdict == .allow
            }
        }
    }
}
