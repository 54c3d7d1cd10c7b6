import ArgumentParser
import ControlPlane
import Foundation

struct UserCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Let other people in, each with a role.",
        discussion: """
            Works on the state folder, beside a running server or without one; the server follows at once. Roles: viewer reads \
            policies and workloads; analyst also connections, and proposes staged policies; author also writes policies, \
            tiers, sets and profiles; responder is an analyst who writes network sets and the labels of workloads; admin \
            does everything. The kubeconfig of a new user goes to standard output, or to --output.

            bulkhead user add anna --role viewer --output anna.kubeconfig
            bulkhead user list
            bulkhead user remove anna
            """,
        subcommands: [UserAddCommand.self, UserListCommand.self, UserRemoveCommand.self])
}

extension Role: ExpressibleByArgument {}

struct UserAddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "add", abstract: "Add a user and write a kubeconfig.")

    @Argument(help: "The name of the user.") var name: String
    @Option(help: "viewer, analyst, author, responder or admin.") var role: Role
    @Option(help: "The state folder of the server.") var state = Locations.stateDirectory
    @Option(name: .shortAndLong, help: "The file for the kubeconfig, readable by its owner alone; standard output without it.")
    var output: String?
    @Flag(help: "A bearer token instead of a client certificate.") var token = false

    func run() throws {
        if let output, FileManager.default.fileExists(atPath: output) {
            throw CommandFailure("\(output) exists already: name another file with --output")
        }
        let text = try UserRegistry(stateDirectory: state).add(
            name: name, role: role, credential: token ? .token : .certificate, now: Date())
        guard let output else {
            print(text, terminator: "")
            return
        }
        guard
            FileManager.default.createFile(
                atPath: output, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        else {
            try UserRegistry(stateDirectory: state).remove(name: name)
            throw CommandFailure("\(output) cannot be written: name another file with --output")
        }
    }
}

struct UserListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the users and their roles.")

    @Option(help: "The state folder of the server.") var state = Locations.stateDirectory

    func run() {
        for entry in UserRegistry(stateDirectory: state).list() {
            Output.line("\(entry.name)\t\(entry.role.rawValue)\t\(entry.credential)")
        }
    }
}

struct UserRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Let a user in no more.")

    @Argument(help: "The name of the user.") var name: String
    @Option(help: "The state folder of the server.") var state = Locations.stateDirectory

    func run() throws { try UserRegistry(stateDirectory: state).remove(name: name) }
}
