import ArgumentParser
import Foundation
import PolicyAnalysis
import PolicyFiles
import PolicyModel

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Run PolicyTests against the policies and workloads of files, without a server.",
        discussion: """
            Files hold manifests of workloads, namespaces, services and policies, and PolicyTests \
            (bulkhead.io/v1alpha1) that say what must be allowed and denied between them. A case holds when every end that \
            `from` picks and every end that `to` picks are so.

            EXIT CODES
              0 all holds; 1 an object is wrong, or a file cannot be read; 3 something does not hold, or --require-coverage \
            found a rule that no test needs.

            EXAMPLES
              bulkhead verify -f policies/
              bulkhead verify -f policies/ -f tests/ --junit report.xml
              bulkhead verify -f policies/ --coverage
            """)

    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .singleValue,
        help: ArgumentHelp("A file, a folder, or - for standard input.", valueName: "path"), completion: .file())
    var file: [String]
    @Option(help: ArgumentHelp("Write the results as JUnit XML.", valueName: "path"), completion: .file())
    var junit: String?
    @Flag(help: "Also list policies and rules that no test needs: each is taken away in turn.")
    var coverage = false
    @Flag(help: "As --coverage, and fail when there are any.")
    var requireCoverage = false

    func run() throws {
        let offline = try AnalysedWorld.read(file)
        var problems = offline.problems
        var tests: [PolicyTest] = []
        var places: [String: FileObject] = [:]
        for object in offline.objects where Kinds.policyTest.isKind(of: object.value) {
            do throws(PolicyModel.ValidationError) {
                let test = try PolicyTest(object: object.value)
                if let other = places.updateValue(object, forKey: test.name) {
                    problems.append(
                        object.problem(
                            FieldError(path: "metadata.name", message: "the PolicyTest in \(other.file) has the same name: rename one")))
                }
                tests.append(test)
            } catch {
                problems += error.errors.map(object.problem)
            }
        }
        for problem in problems { Output.failure(problem.description) }
        guard problems.isEmpty, let world = offline.world else { throw ExitCode(1) }
        guard !tests.isEmpty else { throw CommandFailure("\(file.joined(separator: ", ")): no PolicyTest found: there is nothing to verify") }

        let verification = Verification(world, tests: tests)
        let results = verification.results()
        if let junit { try write(JUnitReport.text(results), to: junit) }
        let failed = results.filter { $0.failure != nil }
        for result in failed {
            guard let object = places[result.test], let failure = result.failure else { continue }
            Output.line("\(object.file):\(object.line(of: result.path)): \(result.test): \(result.name): \(failure)")
        }
        let needless = coverage || requireCoverage ? verification.needless() : []
        for part in needless {
            Output.line("no test needs \(part.path.isEmpty ? "" : "\(part.path) of ")\(part.policy.words)")
        }
        Output.line("\(results.count - failed.count) of \(results.count) hold")
        if !failed.isEmpty || (requireCoverage && !needless.isEmpty) { throw ExitCode(3) }
    }

    private func write(_ text: String, to path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw CommandFailure("\(path): cannot be written: \(error.localizedDescription)")
        }
    }
}
