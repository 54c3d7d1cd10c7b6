import CBPF
import Foundation
import Glibc

/// The kernel side, loaded: two programs and the maps they share with us.
///
/// The maps are pinned and outlive this value and this process; the programs live as long as they are attached, or
/// this value.
package struct KernelObject: ~Copyable {
    /// For tc ingress of a host-side interface.
    package let fromWorkload: Descriptor
    /// For tc egress of a host-side interface.
    package let toWorkload: Descriptor

    let meta: MappedWords
    /// Two words a slot: `attached`, then `flags << 32 | zone`.
    let slots: MappedWords
    /// By `BULKHEAD_STACK_INDEX`.
    let stacks: MappedWords
    let arena: MappedWords
    let shortcuts: KernelPrefixShortcuts
    let interfaces: HashMapHandle<bulkhead_interface_key, UInt64>
    /// By an interface's index modulo its count: index << 32 | slot, or 0.
    let interfaceSlots: MappedWords
    let legs: HashMapHandle<bulkhead_leg_key, UInt64>
    let admittedSources: HashMapHandle<bulkhead_source_key, UInt64>
    let exact: HashMapHandle<bulkhead_exact_key, UInt64>
    let prefixes: HashMapHandle<bulkhead_prefix_key, UInt64>
    let pairs: HashMapHandle<bulkhead_pair_key, UInt64>
    let flows: HashMapHandle<bulkhead_flow_key, bulkhead_flow>
    let halfOpen: HashMapHandle<bulkhead_flow_key, bulkhead_flow>
    let fragments: HashMapHandle<bulkhead_fragment_key, bulkhead_fragment>
    let events: EventRing
    let counters: CounterArray
    /// By slot, as `bulkhead_link_local`.
    let linkLocals: Descriptor

    /// The folder under the pin folder that this build's maps live in.
    static var schemaDirectory: String {
        let digits = String(EmbeddedKernelProgram.schema, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Takes the maps pinned in `PIN/<schema>/`, or makes and pins them, and loads both programs over them.
    /// Throws `KernelError`.
    init(pinDirectory: String) throws {
        let directory = pinDirectory + "/" + Self.schemaDirectory
        try BPFFileSystem.makeDirectory(directory)
        let loaded = try LoadedObject(pinDirectory: directory)

        // Owners are stored only when nothing can fail any more: a half-made value has no deinit.
        let fromWorkload = try loaded.program("bulkhead_from_workload")
        let toWorkload = try loaded.program("bulkhead_to_workload")
        let meta = try MappedWords(name: "meta", descriptor: loaded.map("meta"))
        let slots = try MappedWords(name: "slots", descriptor: loaded.map("slots"))
        let stacks = try MappedWords(name: "stacks", descriptor: loaded.map("stacks"))
        let prefixShortcuts = try MappedWords(name: "prefix_shortcuts", descriptor: loaded.map("prefix_shortcuts"))
        let prefixChunks = try MappedWords(name: "prefix_chunks", descriptor: loaded.map("prefix_chunks"))
        let arena = try MappedWords(name: "arena", descriptor: loaded.map("arena"))
        let interfaces = try HashMapHandle<bulkhead_interface_key, UInt64>(
            name: "interfaces", descriptor: loaded.map("interfaces"))
        let interfaceSlots = try MappedWords(name: "interface_slots", descriptor: loaded.map("interface_slots"))
        let legs = try HashMapHandle<bulkhead_leg_key, UInt64>(
            name: "legs", descriptor: loaded.map("legs"))
        let admittedSources = try HashMapHandle<bulkhead_source_key, UInt64>(
            name: "admitted_sources", descriptor: loaded.map("admitted_sources"))
        let exact = try HashMapHandle<bulkhead_exact_key, UInt64>(
            name: "exact", descriptor: loaded.map("exact"))
        let prefixes = try HashMapHandle<bulkhead_prefix_key, UInt64>(
            name: "prefixes", descriptor: loaded.map("prefixes"))
        let pairs = try HashMapHandle<bulkhead_pair_key, UInt64>(
            name: "pairs", descriptor: loaded.map("pairs"))
        let flows = try HashMapHandle<bulkhead_flow_key, bulkhead_flow>(
            name: "flows", descriptor: loaded.map("flows"))
        let halfOpen = try HashMapHandle<bulkhead_flow_key, bulkhead_flow>(
            name: "half_open", descriptor: loaded.map("half_open"))
        let fragments = try HashMapHandle<bulkhead_fragment_key, bulkhead_fragment>(
            name: "fragments", descriptor: loaded.map("fragments"))
        let events = try EventRing(name: "events", descriptor: loaded.map("events"))
        let counters = try CounterArray(name: "counters", descriptor: loaded.map("counters"))

        let linkLocals = try loaded.map("link_locals")

        switch meta.load(Int(BULKHEAD_META_LAYOUT.rawValue)) {
        case 0: meta.store(UInt64(BULKHEAD_LAYOUT_VERSION), at: Int(BULKHEAD_META_LAYOUT.rawValue))
        case UInt64(BULKHEAD_LAYOUT_VERSION): break
        case let found: throw KernelError.layout(path: directory, found: found)
        }

        self.fromWorkload = fromWorkload
        self.toWorkload = toWorkload
        self.meta = meta
        self.slots = slots
        self.stacks = stacks
        self.arena = arena
        shortcuts = KernelPrefixShortcuts(first: prefixShortcuts, second: prefixChunks)
        self.interfaces = interfaces
        self.interfaceSlots = interfaceSlots
        self.legs = legs
        self.admittedSources = admittedSources
        self.exact = exact
        self.prefixes = prefixes
        self.pairs = pairs
        self.flows = flows
        self.halfOpen = halfOpen
        self.fragments = fragments
        self.events = events
        self.counters = counters
        self.linkLocals = linkLocals
    }
}

/// libbpf's view of the object while it is loaded; what is taken from it outlives it.
private struct LoadedObject: ~Copyable {
    private let object: OpaquePointer
    private static let logSize = 1 << 20
    private static let shownLogSize = 4096

    init(pinDirectory: String) throws {
        guard let bytes = Data(base64Encoded: EmbeddedKernelProgram.base64) else {
            throw KernelError.object(errno: EINVAL)
        }
        let log = UnsafeMutablePointer<CChar>.allocate(capacity: Self.logSize)
        log.initialize(repeating: 0, count: Self.logSize)
        defer { log.deallocate() }
        let opened = bytes.withUnsafeBytes { bulkhead_object_open($0.baseAddress, $0.count, log, Self.logSize) }
        guard let opened else { throw KernelError.object(errno: errno) }
        var result = bulkhead_object_pin_maps(opened, pinDirectory)
        if result == 0 { result = bulkhead_object_load(opened) }
        guard result == 0 else {
            let text = String(cString: log)
            bulkhead_object_close(opened)
            throw KernelError.load(errno: -result, log: String(text.suffix(Self.shownLogSize)))
        }
        object = opened
    }

    deinit { bulkhead_object_close(object) }

    func map(_ name: String) throws -> Descriptor { try owned(bulkhead_object_map(object, name), name) }

    func program(_ name: String) throws -> Descriptor { try owned(bulkhead_object_program(object, name), name) }

    private func owned(_ result: Int32, _ name: String) throws -> Descriptor {
        guard result >= 0 else { throw KernelError.missing(name: name, errno: -result) }
        return Descriptor(owning: result)
    }
}
