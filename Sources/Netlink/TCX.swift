import CLinux
import Glibc

/// Programs attached by TCX to interfaces of the calling thread's network namespace.
public enum TCX {
    /// What the kernel answers that has no TCX.
    private static let isMissing: Set<Int32> = [EINVAL, EOPNOTSUPP]
    /// The kernel's own bound of programs at one hook (include/linux/bpf_mprog.h).
    private static let mostPrograms = 64

    /// In the order in which they decide; none where the interface is gone or the kernel has no TCX.
    static func programs(index: Int32, hook: HookPoint) -> [Filter] {
        var numbers = [UInt32](repeating: 0, count: mostPrograms)
        let count = bulkhead_tcx_programs(
            UInt32(bitPattern: index), hook.tcx, &numbers, UInt32(mostPrograms))
        return numbers.prefix(max(0, Int(count))).map { number in
            Filter(hook: hook, kind: Filter.tcx, priority: 0, handle: 0, name: name(of: number), program: number)
        }
    }

    /// Empty when the program is gone.
    private static func name(of program: UInt32) -> String {
        var bytes = [CChar](repeating: 0, count: 16)
        guard bulkhead_program_name(program, &bytes) == 0 else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Attaches a program before all others, or in the place of one; false where the kernel has no TCX. Takes some 12 ms
    /// unless it replaces.
    ///
    /// - Parameters:
    ///   - name: for errors.
    ///   - program: an open file descriptor.
    ///   - replaced: the number of the one whose place it takes.
    public static func attach(
        index: Int32, interface: String, hook: HookPoint, name: String, program: Int32, replacing replaced: UInt32? = nil
    ) throws(TrafficControlError) -> Bool {
        let result = bulkhead_tcx_attach(UInt32(bitPattern: index), hook.tcx, program, replaced ?? 0)
        guard result < 0 else { return true }
        if replaced == nil, isMissing.contains(-result) { return false }
        throw TrafficControlError(operation: "attach \(name)", interface: interface, code: -result)
    }

    /// False when it is not there.
    static func detach(_ filter: Filter, index: Int32, interface: String) throws(TrafficControlError) -> Bool {
        let result = bulkhead_tcx_detach(UInt32(bitPattern: index), filter.hook.tcx, filter.program)
        if result == 0 { return true }
        if [ENOENT, ENODEV].contains(-result) { return false }
        throw TrafficControlError(operation: "remove the program \(filter.name)", interface: interface, code: -result)
    }
}

extension HookPoint {
    fileprivate var tcx: bulkhead_tcx_hook { self == .ingress ? BULKHEAD_TCX_INGRESS : BULKHEAD_TCX_EGRESS }
}
