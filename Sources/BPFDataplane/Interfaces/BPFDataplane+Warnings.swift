import Dataplane
import Foundation
import Netlink

extension BPFDataplane {
    /// Everything that makes enforcement less than promised, each a sentence.
    func warnings() -> [String] {
        var warnings: [String] = []
        if let trouble { warnings.append(trouble) }
        let maps = configuration.pinDirectory + "/" + KernelObject.schemaDirectory + "/pairs"
        if !FileManager.default.fileExists(atPath: maps) {
            warnings.append(
                "the pinned maps in \(configuration.pinDirectory) are gone: enforcement ends with this process; restart it")
        }
        let released = ReleaseMarker(stateDirectory: configuration.stateDirectory).content
        if released.isEverything {
            warnings.append("enforcement was released on all interfaces; restart bulkhead to enforce again")
        }
        for name in Set(released.interfaces.map(\.interfaceName)).sorted() {
            warnings.append("interface \(name) was released and is not policed; restart bulkhead to enforce again")
        }
        for (index, abandoned) in self.abandoned.sorted(by: { $0.key < $1.key }) {
            warnings.append(
                "interface \(Self.name(of: index)) keeps hooks that no workload claims, which drop its packets: "
                    + "\(abandoned.reason); their removal is tried again every second")
        }
        for (key, present) in slots.policed.sorted(by: { $0.key < $1.key }) {
            guard let attachment = present.attachment else {
                warnings.append("endpoint \(key) is not policed: its hooks could not be attached")
                continue
            }
            if released.includes(attachment) { continue }
            if let name = Self.currentName(of: attachment.interfaceIndex), name != attachment.interfaceName {
                warnings.append(
                    "interface \(attachment.interfaceName) is named \(name) now, and stays policed as endpoint \(key) while "
                        + "that endpoint exists")
            }
            mend(key, attachment)
            do {
                let faults = try Hooks.faults(
                    &control, index: attachment.interfaceIndex, interface: attachment.interfaceName, programs)
                if !faults.isEmpty { unhooked.insert(key) }
                warnings += faults
            } catch {
                warnings.append("endpoint \(key): \(error)")
            }
        }
        if let warning = losses.warning { warnings.append(warning) }
        return warnings
    }
}
