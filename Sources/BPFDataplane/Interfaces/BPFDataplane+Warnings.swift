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
        for name in released.sorted() {
            warnings.append(
                name == ReleaseMarker.everything
                    ? "enforcement was released on all interfaces; restart bulkhead to enforce again"
                    : "interface \(name) was released and is not policed; restart bulkhead to enforce again")
        }
        for (key, present) in slots.policed.sorted(by: { $0.key < $1.key }) {
            guard let attachment = present.attachment else {
                warnings.append("endpoint \(key) is not policed: its hooks could not be attached")
                continue
            }
            if released.contains(attachment.interfaceName) || released.contains(ReleaseMarker.everything) { continue }
            mend(key, attachment)
            do {
                let faults = try Hooks.faults(
                    &control, index: attachment.interfaceIndex, interface: attachment.interfaceName)
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
