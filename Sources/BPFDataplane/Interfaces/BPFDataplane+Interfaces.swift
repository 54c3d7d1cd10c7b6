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
        _ program: NodeProgram, _ attachments: [EndpointKey: NodeProgram.Attachment]
    ) -> [EndpointKey: String] {
        var failures: [EndpointKey: String] = [:]
        // An endpoint may leave an interface while another takes it: hooks and entry are the other's then.
        let inUse = Set(attachments.values.map(\.interfaceIndex))
        var ingress: [UInt32: [KernelNumber]] = [:]
        for (key, leg) in state.legs { ingress[key.slot, default: []].append(leg.ingress) }
        for (key, attachment) in attachments.sorted(by: { $0.key < $1.key }) {
            guard let present = slots.policed[key] else { continue }
            setFlags(present.slot, isOpen: isOpenForIngress(ingress[present.slot] ?? [], program.tables))
            if present.attachment == attachment, !unhooked.contains(key) { continue }
            do {
                try hook(key, present.slot, attachment)
                unhooked.remove(key)
            } catch {
                failures[key] = "interface \(attachment.interfaceName) is not policed: \(error)"
            }
            if let old = present.interface, old != attachment.interfaceIndex, !inUse.contains(old) {
                letGo(old, present.slot)
            }
        }
        for (key, present) in slots.policed where attachments[key] == nil {
            slots.remove(key)
            unhooked.remove(key)
            if let index = present.interface, !inUse.contains(index) {
                letGo(index, present.slot)
            } else {
                free(present.slot)
            }
        }
        if !program.keepsUnclaimedInterfaces {
            for (index, slot) in slots.takeUnclaimed() { letGo(index, slot) }
        }
        letGoOfAbandoned()
        return failures
    }

    public func request(_ endpoint: EndpointKey, on attachment: NodeProgram.Attachment) throws {
        let marker = ReleaseMarker(stateDirectory: configuration.stateDirectory)
        guard marker.content.interfaces.contains(attachment) else { return }
        try marker.remove(attachment)
        // The release may have taken the hooks without a program since.
        unhooked.insert(endpoint)
    }

    private func hook(_ key: EndpointKey, _ slot: UInt32, _ attachment: NodeProgram.Attachment) throws {
        if kernel.slots.load(Int(slot) * 2) == 0 {
            kernel.slots.store(configuration.bootTime(), at: Int(slot) * 2)
        }
        slots.note(nil, for: key)
        try kernel.interfaces.setPayload(slot, for: Self.entry(attachment.interfaceIndex))
        slots.noteInterface(attachment.interfaceIndex, for: key)
        try Hooks.attach(&control, index: attachment.interfaceIndex, interface: attachment.interfaceName, programs)
        slots.note(attachment, for: key)
        losses.noteInPlace(key)
    }

    /// The slot has no use for the interface any more: without our hooks its packets pass again.
    private func letGo(_ index: Int32, _ slot: UInt32) {
        do {
            // With another's slot, its hooks are that one's by now.
            if try kernel.interfaces.payload(of: Self.entry(index)) ?? slot == slot {
                try Hooks.detach(&control, index: index, interface: Self.name(of: index))
                try kernel.interfaces.delete(Self.entry(index))
            }
            abandoned[index] = nil
            free(slot)
        } catch {
            abandoned[index] = Abandoned(slot: slot, reason: "\(error)")
        }
    }

    /// Tries once more.
    func letGoOfAbandoned() {
        for (index, interface) in abandoned { letGo(index, interface.slot) }
    }

    /// Unless an endpoint or an interface still has it.
    private func free(_ slot: UInt32) {
        guard !slots.isInUse(slot), !abandoned.values.contains(where: { $0.slot == slot }) else { return }
        kernel.slots.store(0, at: Int(slot) * 2)
        kernel.slots.store(0, at: Int(slot) * 2 + 1)
        slots.leave(slot, serial: serial)
    }

    private static func entry(_ index: Int32) -> bulkhead_interface_key {
        bulkhead_interface_key(ifindex: UInt32(bitPattern: index))
    }

    /// nil: there is no such interface any more.
    static func currentName(of index: Int32) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { room in
            guard let start = room.baseAddress, if_indextoname(UInt32(bitPattern: index), start) != nil else { return nil }
            return String(cString: start)
        }
    }

    /// For a person.
    static func name(of index: Int32) -> String { currentName(of: index) ?? "number \(index)" }

    private func setFlags(_ slot: UInt32, isOpen: Bool) {
        let flags = isOpen ? UInt64(BULKHEAD_SLOT_OPEN_INGRESS) : 0
        let word = flags << 32 | UInt64(onlyZone)
        if kernel.slots.load(Int(slot) * 2 + 1) != word { kernel.slots.store(word, at: Int(slot) * 2 + 1) }
    }

    /// Whether no policy selects the endpoint for ingress: all its tables are a profile's Allow alone.
    private func isOpenForIngress(_ numbers: [KernelNumber], _ tables: VerdictTables) -> Bool {
        let stacks = numbers.compactMap { state.stackMeanings[$0] }
        guard !stacks.isEmpty else { return false }
        return stacks.allSatisfy { id in
            guard let stack = tables.stacks[id], stack.pairCount == 0, let row = tables.rows[stack.base] else { return false }
            return row.ranges.allSatisfy { range in
                guard case .decide(let number) = range.outcome, let decision = tables.decisions[number] else { return false }
                guard case .profile = decision.reason else { return false }
                return decision.verdict == .allow
            }
        }
    }
}
