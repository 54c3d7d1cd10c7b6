import ArgumentParser
import HostDiagnosis
import KubernetesClient
import PolicyModel
import WorkloadSources

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look at this host: what works, what is lost and how to mend it. Changes nothing.",
        discussion: """
            Looks at the network namespace that it is started in, before or after `bulkhead up`. What the kernel can do is \
            found by trying it, in a network namespace of its own. Exits with 3 when something is lost or missing.

            EXAMPLES
              bulkhead doctor
              bulkhead doctor -o json
            """)

    @OptionGroup var format: OutputOptions
    @Option(help: "The state folder of the instance.", completion: .directory) var state = Locations.stateDirectory
    @Option(help: "The folder of the instance in the BPF file system.", completion: .directory) var pin = Locations.pinDirectory
    @Option(help: "Where podman looks for hooks.", completion: .directory) var hooks = HookConfiguration.defaultDirectory

    func run() throws {
        let files = HookConfiguration.Stage.allCases.map { "\(hooks)/\(HookConfiguration.fileName($0))" }
        let findings =
            Surroundings.findings(state: state, pin: pin) + KernelAbilities.findings() + OtherDeciders.findings()
            + ContainerEngines.findings(hookFiles: files)
        let hasTrouble = findings.contains(where: \.isTrouble)
        switch format.output {
        case .json: print(Self.document(findings).text(pretty: true))
        case .yaml: print(YAMLDocuments.text(Self.document(findings)), terminator: "")
        case .table: print(Self.text(findings))
        }
        if hasTrouble { throw ExitCode(3) }
    }

    private static func document(_ findings: [Finding]) -> JSONValue {
        .object([
            "kind": "Diagnosis", "apiVersion": "bulkhead.io/v1alpha1", "fine": .bool(!findings.contains(where: \.isTrouble)),
            "findings": .array(
                findings.map {
                    .object([
                        "check": .string($0.check), "state": .string($0.state.rawValue), "what": .string($0.what),
                        "cost": .string($0.cost), "mend": .string($0.mend),
                    ])
                }),
        ])
    }

    private static func text(_ findings: [Finding]) -> String {
        var table = TextTable("CHECK", "STATE", "FOUND")
        for finding in findings { table.append(finding.check, finding.state.rawValue, finding.what) }
        var parts = [table.render()]
        for finding in findings where finding.isTrouble {
            parts.append(
                ["\(finding.check): \(finding.what)", "  costs: \(finding.cost)", "  mend: \(finding.mend)"]
                    .map { Paragraph.wrapped($0, indentation: 9) }.joined(separator: "\n"))
        }
        let count = findings.filter(\.isTrouble).count
        parts.append(count == 0 ? "Nothing to mend." : "\(count) to mend.")
        return parts.joined(separator: "\n\n")
    }
}
