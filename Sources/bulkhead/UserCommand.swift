import ArgumentParser
import ControlPlane
import Foundation
import KubernetesClient
import PolicyModel

struct UserCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Let other people in, each with a role.",
        discussion: """
            Works on the state folder, beside a running server or without one; the server follows at once. Roles: viewer reads \
            policies and workloads; analyst also connections, and proposes staged policies; author also writes policies, \
            tiers, sets and profiles; responder is an analyst who writes network sets and the labels of workloads; admin \
            does everything. The kubeconfig of a new user goes to standard output, or to --output.
            """,
        subcommands: [UserAddCommand.self, UserListCommand.self, UserRemoveCommand.self])
}

extension Role: ExpressibleByArgument {}

struct UserAddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "add", abstract: "Add a user and write a kubeconfig.",
        discussion: """
            EXAMPLES
              bulkhead user add anna --role viewer --output anna.kubeconfig
              bulkhead user add ci --role author --token
            """)

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
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the users and their roles.",
        discussion: """
            EXAMPLES
              bulkhead user list
              bulkhead user list -o json
            """)

    @OptionGroup var format: OutputOptions
    @Option(help: "The state folder of the server.") var state = Locations.stateDirectory

    func run() {
        let users = UserRegistry(stateDirectory: state).list()
        let document = JSONValue.object([
            "users": .array(
                users.map {
                    ["name": .string($0.name), "role": .string($0.role.rawValue), "credential": .string($0.credential)]
                })
        ])
        switch format.output {
        case .json: Output.line(document.text(pretty: true))
        case .yaml: print(YAMLDocuments.text(document), terminator: "")
        case .table:
            var table = TextTable("NAME", "ROLE", "CREDENTIAL")
            for user in users { table.append(user.name, user.role.rawValue, user.credential) }
            Output.line(users.isEmpty ? "No users but the administrator." : table.render())
        }
    }
}

struct UserRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Let a user in no more.",
        discussion: """
            EXAMPLES
              bulkhead user remove anna
            """)

    @Argument(help: "The name of the user.") var name: String
    @Option(help: "The state folder of the server.") var state = Locations.stateDirectory

    func run() throws { try UserRegistry(stateDirectory: state).remove(name: name) }
}
