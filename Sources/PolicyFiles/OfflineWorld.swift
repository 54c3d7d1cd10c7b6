import PolicyAnalysis
import PolicyModel

/// The world that files describe.
public struct OfflineWorld: Sendable {
    /// nil when `problems` is not empty: a world of which a part is missing has other answers.
    public private(set) var world: AnalysisWorld?
    /// Every object that could be read, also those that are wrong.
    public private(set) var objects: [FileObject]
    /// Everything that is wrong, in the order of files and lines.
    public private(set) var problems: [FileProblem]
    /// What was left out, each with the reason: files that are no manifests, objects that no policy decides.
    public private(set) var leftOut: [String]

    /// - Parameter reading: told of every file before it is read.
    public init(_ paths: [String], reading: @escaping @Sendable (String) -> Void = { _ in }) {
        self.init(FileReading(paths, reading: reading))
    }

    public init(_ reading: FileReading) {
        objects = reading.objects
        problems = reading.problems
        leftOut = reading.skipped
        var builder = WorldBuilder()
        for object in objects {
            do throws(ValidationError) {
                if case .leftOut(let why) = try builder.add(object.value) {
                    leftOut.append("\(object.file): \(object.title) (\(why))")
                }
            } catch {
                problems += error.errors.map(object.problem)
            }
        }
        problems += builder.missing.map { objects[$0.object].problem($0.error) }
        if problems.isEmpty, objects.isEmpty {
            problems.append(FileProblem(file: "", message: "no objects found"))
        }
        if problems.isEmpty {
            do {
                world = try builder.finish()
            } catch {
                problems.append(FileProblem(file: "", message: error.description))
            }
        }
        // By file and line, whichever check found them first.
        problems.sort { ($0.file, $0.line) < ($1.file, $1.line) }
    }
}
