import ArgumentParser
import BPFDataplane
import ControlPlane
import Datastore
import FlowLogs
import KubernetesClient
import NodeAgent
import PolicyAnalysis
import PolicyEngine
import PolicyFiles
import PolicyModel

struct LimitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: "Show what this release refuses, and every limit that it sets; asks no server.",
        discussion: """
            EXAMPLES
              bulkhead limits
              bulkhead limits -o json
            """)

    @OptionGroup var format: OutputOptions

    func run() {
        switch format.output {
        case .json: Output.line(Self.document.text(pretty: true))
        case .yaml: print(YAMLDocuments.text(Self.document), terminator: "")
        case .table: Output.line(Self.text)
        }
    }

    /// From the code of every module: what a module checks is what is printed.
    static let limits =
        PolicyModelLimits.all + CompilerLimits.all + ControlPlane.Limits.all + StoreLimits.all + NodeAgentLimits.all
        + KernelLimits.all + FlowLimits.all + ClientLimits.all + ReadingLimits.all + AnalysisLimits.all
        + LintLimits.all + PolicyTestLimits.all

    private static var document: JSONValue {
        [
            "refused": .array(
                RefusedFeature.all.map { feature in
                    [
                        "kinds": .array(feature.kinds.map { .string($0) }), "path": .string(feature.path),
                        "description": .string(feature.description),
                    ]
                }),
            "limits": .array(
                limits.map { limit in
                    [
                        "area": .string(limit.area), "name": .string(limit.name), "value": .integer(limit.value),
                        "unit": .string(limit.unit), "reason": .string(limit.reason),
                    ]
                }),
        ]
    }

    private static var text: String {
        var lines = ["Refused (\"not enforced yet: PATH\"):"]
        for feature in RefusedFeature.all {
            let path = feature.path.isEmpty ? "every object" : feature.path
            lines.append(wrap("\(path) of \(feature.kinds.joined(separator: ", ")): \(feature.description)"))
        }
        var area = ""
        for limit in limits {
            if limit.area != area {
                area = limit.area
                lines += ["", "Limits: \(area)"]
            }
            let value = limit.unit.isEmpty ? "\(limit.value)" : "\(limit.value) \(limit.unit)"
            lines.append(wrap("\(limit.name): \(value); \(limit.reason)."))
        }
        return lines.joined(separator: "\n")
    }

    /// Two blanks, broken between words; further lines are indented.
    private static func wrap(_ text: String) -> String {
        var lines: [String] = []
        var line = " "
        for word in text.split(separator: " ") {
            if line.count + 1 + word.count > TextTable.maximumWidth {
                lines.append(line)
                line = "     "
            }
            line += " \(word)"
        }
        return (lines + [line]).joined(separator: "\n")
    }
}
