import CBPF

/// Runs a program on a packet that exists only for it (BPF_PROG_TEST_RUN): the same program, maps and verifier as on
/// an interface.
package enum TestRun {
    package struct Result {
        /// What the program returned: -1 lets the packet go on, 2 drops it.
        package var verdict: Int32
        /// Mean of the repetitions.
        package var nanoseconds: UInt32
        /// The packet as the program left it.
        package var packet: [UInt8] = []
        /// Its mark.
        package var mark: UInt32 = 0

        package var passed: Bool { verdict == -1 }
    }

    /// `packet` starts with the Ethernet header. The interfaces of the context must exist in this process's network
    /// namespace.
    package static func run(
        program: borrowing Descriptor, packet: [UInt8], context: bulkhead_test_context, repetitions: Int = 1
    ) throws -> Result {
        var result = Result(verdict: 0, nanoseconds: 0)
        let error = withUnsafePointer(to: context) { context in
            bulkhead_test_run(
                program.raw, packet, UInt32(packet.count), context, UInt32(repetitions), &result.verdict,
                &result.nanoseconds)
        }
        guard error == 0 else { throw KernelError.testRun(errno: -error) }
        return result
    }

    /// As `run`, once, for a program that may write to the packet.
    package static func rewrite(
        program: borrowing Descriptor, packet: [UInt8], context: bulkhead_test_context
    ) throws -> Result {
        var result = Result(verdict: 0, nanoseconds: 0)
        var written = [UInt8](repeating: 0, count: packet.count + Self.growth)
        var size = UInt32(written.count)
        let error = withUnsafePointer(to: context) { context in
            bulkhead_test_rewrite(
                program.raw, packet, UInt32(packet.count), context, &written, &size, &result.mark, &result.verdict)
        }
        guard error == 0 else { throw KernelError.testRun(errno: -error) }
        result.packet = Array(written.prefix(Int(size)))
        return result
    }

    /// More than a program of ours adds to a packet.
    private static let growth = 256
}
