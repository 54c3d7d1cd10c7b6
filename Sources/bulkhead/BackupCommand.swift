import ArgumentParser
import ControlPlane
import Datastore
import Foundation

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy all objects, keys and users into one file.",
        discussion: """
            Works beside a running server and holds nobody up. The file lets whoever reads it in as administrator: it is \
            readable by its owner alone, keep it so. Connection records are not in it.

            EXAMPLES
              bulkhead backup /root/bulkhead.backup
            """)

    @Argument(help: "The file to write; it must not exist.") var file: String
    @Option(help: "The state folder of the server.") var state = Locations.stateDirectory

    func run() throws {
        let summary = try StoreBackup.write(
            store: state + "/store.sqlite", files: StateFiles.read(stateDirectory: state), to: file)
        Output.line("backup of \(summary.objects) objects at revision \(summary.revision) written to \(file)")
    }
}

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make the store what a backup says.",
        discussion: """
            The server must not run. What the store holds is lost; keys and users become those of the backup, so that its \
            kubeconfigs work again. The kernel enforces what it has until the next `bulkhead up`.

            EXAMPLES
              bulkhead restore /root/bulkhead.backup
            """)

    @Argument(help: "The file that `bulkhead backup` wrote.") var file: String
    @Option(help: "The state folder of the server.") var state = Locations.stateDirectory

    func run() throws {
        try StateFiles.makeFolder(state)
        let restored = try StoreBackup.restore(from: file, store: state + "/store.sqlite")
        try StateFiles.write(restored.files, stateDirectory: state)
        Output.line("restored \(restored.summary.objects) objects; start `bulkhead up` to enforce them")
    }
}
