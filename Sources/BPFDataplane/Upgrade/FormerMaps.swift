import CBPF
import Foundation
import PolicyModel

/// The maps that a build with another layout pinned beside ours. Its programs decide by them until ours take their place.
///
/// What is read here has kept its form in every layout: the interfaces, the first words of `meta`, and flow records, which
/// only ever grow. Where a map has another form nevertheless, it is left alone.
final class FormerMaps {
    let directory: String
    private let meta: Descriptor
    private let interfaces: HashMapHandle<bulkhead_interface_key, UInt64>
    private let tables: FlowTables?

    private final class FlowTables {
        let flows: HashMapHandle<bulkhead_flow_key, bulkhead_flow>
        let halfOpen: HashMapHandle<bulkhead_flow_key, bulkhead_flow>

        init(directory: String) throws {
            flows = try HashMapHandle(name: "flows", descriptor: FormerMaps.open(directory, "flows"))
            halfOpen = try HashMapHandle(name: "half_open", descriptor: FormerMaps.open(directory, "half_open"))
        }
    }

    /// Throws when there are no such maps in the folder.
    private init(directory: String) throws {
        self.directory = directory
        meta = try Self.open(directory, "meta")
        interfaces = try HashMapHandle(name: "interfaces", descriptor: Self.open(directory, "interfaces"))
        tables = try? FlowTables(directory: directory)
    }

    private static func open(_ directory: String, _ name: String) throws(KernelError) -> Descriptor {
        let result = bulkhead_map_open(directory + "/" + name)
        guard result >= 0 else { throw .map(name: name, operation: "open", errno: -result) }
        return Descriptor(owning: result)
    }

    /// All in the pin folder but those of this build.
    static func all(in pinDirectory: String) -> [FormerMaps] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: pinDirectory)) ?? []
        return entries.sorted()
            .filter { $0 != KernelObject.schemaDirectory && $0.count == 16 && $0.allSatisfy { $0.isHexDigit && !$0.isUppercase } }
            .compactMap { try? FormerMaps(directory: pinDirectory + "/" + $0) }
    }

    /// Interface's index to the slot that its flows have.
    func slots() throws -> [Int32: UInt32] {
        var slots: [Int32: UInt32] = [:]
        try interfaces.forEach { key, word in slots[Int32(bitPattern: key.ifindex)] = UInt32(truncatingIfNeeded: word) }
        return slots
    }

    /// The number that the next decision would have had.
    func nextDecision() -> UInt32 {
        var index = UInt32(BULKHEAD_META_NEXT_DECISION.rawValue)
        var value: UInt64 = 0
        return bulkhead_map_lookup(meta.raw, &index, &value) == 0 ? UInt32(truncatingIfNeeded: value) : 0
    }

    /// Connections, confirmed or not.
    func forEachFlow(_ body: (bulkhead_flow_key, bulkhead_flow, _ isConfirmed: Bool) throws -> Void) throws {
        guard let tables else { return }
        try tables.flows.forEach { try body($0, $1, true) }
        try tables.halfOpen.forEach { try body($0, $1, false) }
    }

    /// Once no program of theirs runs any more.
    func remove() throws { try FileManager.default.removeItem(atPath: directory) }
}
