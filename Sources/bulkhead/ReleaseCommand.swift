import ArgumentParser
import BPFDataplane

struct ReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Take enforcement away: packets pass as if Bulkhead were not there. Needs no running daemon.",
        discussion: """
            A running agent does not attach again what was released; the next start of `bulkhead up` enforces again, and so does \
            `bulkhead workload add` of the same workload.

            EXAMPLES
              bulkhead release --interface tap0
              bulkhead release --all
            """)

    @Option(help: "Only from this interface.") var interface: String?
    @Flag(help: "From every interface, and remove all kernel state.") var all = false
    @Option(help: "The state folder of the instance.") var state = Locations.stateDirectory
    @Option(help: "The folder of the instance in the BPF file system.") var pin = Locations.pinDirectory

    func validate() throws {
        guard (interface != nil) != all else { throw ValidationError("Give either --interface IF or --all.") }
    }

    func run() throws {
        let released = try Release.release(pinDirectory: pin, stateDirectory: state, interface: interface)
        Output.line(
            released.isEmpty
                ? "nothing was policed" : "no longer policed: \(released.sorted().joined(separator: ", "))")
    }
}
