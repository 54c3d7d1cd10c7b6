import CBPF
import Dataplane
import Glibc
import PolicyModel

/// A block from which a slot may send although it is not its own.
struct AdmittedSource: Hashable {
    var slot: UInt32
    var block: AddressBlock
}

/// What single endpoints may do beside plain frames from and to their own addresses.
extension BPFDataplane {
    /// After the tables are in force. Returns what could not be admitted; nothing is admitted that the program does not name.
    func admit(_ program: NodeProgram) -> [EndpointKey: String] {
        var failures: [EndpointKey: String] = [:]
        for present in slots.policed { setFlags(present.value.slot, program.admissions[present.key]?.frames ?? []) }
        var wanted: [AdmittedSource: EndpointKey] = [:]
        for (key, admissions) in program.admissions {
            guard let slot = slots.policed[key]?.slot else { continue }
            for block in admissions.sources { wanted[AdmittedSource(slot: slot, block: block)] = key }
        }
        do {
            if admitted == nil {
                var found: Set<AdmittedSource> = []
                try kernel.admittedSources.forEach { key, _ in if let source = key.source { found.insert(source) } }
                admitted = found
            }
            let before = admitted ?? []
            for source in before where wanted[source] == nil {
                try kernel.admittedSources.delete(bulkhead_source_key(source))
                admitted?.remove(source)
            }
            // Connections from there are decided anew, and there is no address for them any more.
            if admitted != before {
                state.epoch += 1
                kernel.meta.store(state.epoch, at: Int(BULKHEAD_META_EPOCH.rawValue))
            }
        } catch {
            for key in program.admissions.keys { failures[key] = "sources that are not admitted any more may still send: \(error)" }
        }
        for (source, key) in wanted where admitted?.contains(source) != true {
            do {
                try kernel.admittedSources.update(bulkhead_source_key(source), 1)
                admitted?.insert(source)
            } catch {
                failures[key] = "\(source.block) is not admitted as a source: \(error)"
            }
        }
        return failures
    }

    private func setFlags(_ slot: UInt32, _ frames: Set<EndpointAdmissions.Frame>) {
        var flags: UInt64 = 0
        for frame in frames {
            switch frame {
            case .tagged: flags |= UInt64(BULKHEAD_SLOT_TAGGED)
            case .tunnels: flags |= UInt64(BULKHEAD_SLOT_TUNNELS)
            }
        }
        let word = flags << 32 | UInt64(onlyZone)
        if kernel.slots.load(Int(slot) * 2 + 1) != word { kernel.slots.store(word, at: Int(slot) * 2 + 1) }
    }
}
