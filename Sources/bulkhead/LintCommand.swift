import ArgumentParser
import KubernetesClient
import PolicyAnalysis
import PolicyFiles
import PolicyModel

struct LintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint",
        abstract: "Find what is allowed in policies and hardly what was meant; from files, without a server.",
        discussion: """
            A line says FILE:LINE: FIELD: CODE: SENTENCE. That no packet reaches a rule is decided exactly, whatever workloads \
            there are; whom selectors pick is asked of the workloads in the files.

            EXIT CODES
              0 nothing found; 1 an object is wrong, or a file cannot be read; 3 findings.

            EXAMPLES
              bulkhead lint -f policies/
              bulkhead lint -f policies/ -f workloads/ --ignore cuts-dns -o json
            """)

    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .singleValue,
        help: ArgumentHelp("A file, a folder, or - for standard input.", valueName: "path"), completion: .file())
    var file: [String]
    @Option(parsing: .singleValue, help: ArgumentHelp("Leave out findings of this code.", valueName: "code"))
    var ignore: [String] = []
    @OptionGroup var format: OutputOptions

    func validate() throws {
        for code in ignore where LintFinding.Code(rawValue: code) == nil {
            let known = LintFinding.Code.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--ignore \(code): there is no such code; there are \(known)")
        }
    }

    func run() throws {
        let offline = try AnalysedWorld.read(file)
        for problem in offline.problems { Output.failure(problem.description) }
        guard let world = offline.world else { throw ExitCode(1) }
        let lines = Self.lines(of: offline.objects, world.world).filter { !ignore.contains($0.finding.code.rawValue) }
        switch format.output {
        case .json: Output.line(Self.document(lines).text(pretty: true))
        case .yaml: print(YAMLDocuments.text(Self.document(lines)), terminator: "")
        case .table:
            for line in lines {
                Output.line("\(line.file):\(line.line): \(line.finding.path): \(line.finding.code.rawValue): \(line.finding.message)")
            }
        }
        if !lines.isEmpty { throw ExitCode(3) }
    }

    private struct Line {
        var file: String
        var line: Int
        var finding: LintFinding
    }

    /// In the order of the files.
    private static func lines(of objects: [FileObject], _ world: PolicyWorld) -> [Line] {
        var places: [LintObject: Int] = [:]
        var findings: [LintFinding] = []
        for (index, object) in objects.enumerated() {
            guard let kind = Kinds.find(object.value) else { continue }
            let name = LintObject(object.value, kind: kind)
            places[name] = index
            findings += Validator.warnings(object.value, kind: kind).map { LintFinding(.asWritten, name, $0.path, $0.message) }
        }
        let services = objects.compactMap { LintService(object: $0.value) }
        findings += Lint(world: world, services: services).findings()
        return findings.compactMap { finding -> (place: Int, line: Line)? in
            guard let place = places[finding.object] else { return nil }
            let object = objects[place]
            return (place, Line(file: object.file, line: object.line(of: finding.path), finding: finding))
        }.sorted { ($0.place, $0.line.line, $0.line.finding) < ($1.place, $1.line.line, $1.line.finding) }.map(\.line)
    }

    private static func document(_ lines: [Line]) -> JSONValue {
        .array(
            lines.map { line in
                [
                    "file": .string(line.file), "line": .integer(Int64(line.line)), "path": .string(line.finding.path),
                    "code": .string(line.finding.code.rawValue), "message": .string(line.finding.message),
                    "namespace": .string(line.finding.object.namespace), "name": .string(line.finding.object.name),
                    "resource": .string(line.finding.object.resource),
                ]
            })
    }
}
