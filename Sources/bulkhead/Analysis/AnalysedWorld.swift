import ArgumentParser
import Foundation
import Glibc
import KubernetesClient
import PolicyAnalysis
import PolicyFiles
import PolicyModel

/// Where the world comes from that an analysis is about.
enum AnalysedWorld {
    /// Reads files, folders or standard input. What is wrong with them is told line by line on standard error.
    static func files(_ paths: [String]) throws -> AnalysisWorld {
        let offline = try read(paths)
        guard let world = offline.world else {
            for problem in offline.problems { Output.failure(problem.description) }
            throw ExitCode(1)
        }
        return world
    }

    /// The same, errors left to the caller. Ends the process when the files take too long or too much memory.
    static func read(_ paths: [String]) throws -> OfflineWorld {
        let watch = ReadingGuard { sentence in
            Output.failure(sentence)
            _exit(1)
        }
        let offline = OfflineWorld(paths) { watch.reading($0) }
        watch.done()
        if !offline.leftOut.isEmpty { Output.error("bulkhead: left out \(summary(offline.leftOut))") }
        return offline
    }

    /// Everything that says something of policy at a server, kind by kind.
    static func live(_ client: KubernetesClient) async throws -> AnalysisWorld {
        var builder = WorldBuilder()
        for kind in Kinds.all where PolicyWorld.resources.contains(kind.resource) {
            for item in try await client.list(kind)["items"]?.arrayValue ?? [] {
                var object = item
                // Elements of a list need not say what they are.
                object["apiVersion"] = .string(kind.apiVersion)
                object["kind"] = .string(kind.kind)
                do throws(ValidationError) {
                    _ = try builder.add(object)
                } catch {
                    let name = object["metadata"]?["name"]?.stringValue ?? ""
                    let sentences = error.errors.map { "\($0.path): \($0.message)" }
                    throw CommandFailure("the server's \(kind.kind) \(name) cannot be read: \(sentences.joined(separator: "; "))")
                }
            }
        }
        return try builder.finish()
    }

    /// For pods that are not there yet.
    static let incomplete =
        "bulkhead: selectors tell more classes of labels apart than stand for pods that are not there yet; see `bulkhead limits`, area analysis"

    private static let shownItems = 8

    private static func summary(_ items: [String]) -> String {
        let shown = items.prefix(shownItems).joined(separator: ", ")
        return items.count > shownItems ? "\(shown) and \(items.count - shownItems) more" : shown
    }
}

/// Files or the live store.
struct WorldOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .singleValue,
        help: ArgumentHelp("A file, a folder, or - for standard input.", valueName: "path"), completion: .file())
    var file: [String] = []
    @Flag(help: "Ask the server for its objects instead of reading files.")
    var live = false
    @OptionGroup var server: ServerOptions

    func validate() throws {
        guard file.isEmpty == live else {
            throw ValidationError(live ? "--live takes no -f: the objects are the server's" : "name files with -f PATH, or give --live")
        }
    }

    func world() async throws -> AnalysisWorld {
        live ? try await AnalysedWorld.live(try server.client()) : try AnalysedWorld.files(file)
    }
}

extension ConnectivityFormat: ExpressibleByArgument {}
