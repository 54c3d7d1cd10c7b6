import Foundation
import Glibc
import PolicyFiles
import PolicyModel
import Testing

/// Files that would take for ever, or all memory.
@Suite struct HostileFileTests {
    private func problems(_ folder: TemporaryFolder, _ name: String? = nil) -> [String] {
        let path = name.map { "\(folder.path)/\($0)" } ?? folder.path
        return FileReading([path]).problems.map { $0.description.replacingOccurrences(of: folder.path + "/", with: "") }
    }

    @Test func refusesWhatIsNoRegularFile() throws {
        let folder = try TemporaryFolder()
        #expect(mkfifo(folder.path + "/pipe.yaml", 0o600) == 0)
        #expect(symlink("/dev/zero", folder.path + "/zero.yaml") == 0)
        #expect(
            problems(folder) == [
                "pipe.yaml: is a FIFO: only regular files are read", "zero.yaml: is a device: only regular files are read",
            ])
        #expect(problems(folder, "pipe.yaml") == ["pipe.yaml: is a FIFO: only files, folders and - (standard input) are read"])
        #expect(problems(folder, "nothing.yaml") == ["nothing.yaml: no such file or folder"])
    }

    @Test func refusesAGigabyteBeforeReadingIt() throws {
        let folder = try TemporaryFolder(["big.yaml": ""])
        #expect(truncate(folder.path + "/big.yaml", 1 << 30) == 0)
        #expect(problems(folder) == ["big.yaml: has 1073741824 bytes, and 10485760 more are read at most: split it, or ask for less"])
    }

    @Test func readsLinkedFoldersOnce() throws {
        let folder = try TemporaryFolder(["a/one.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n"])
        // Without memory of what was read: 3^64 ways.
        for name in ["p", "q", "r"] { #expect(symlink("..", folder.path + "/a/" + name) == 0) }
        #expect(symlink("one.yaml", folder.path + "/a/two.yaml") == 0)
        let reading = FileReading([folder.path])
        #expect(reading.objects.count == 1)
        #expect(reading.problems.isEmpty)
        #expect(reading.skipped.count == 4)
    }

    @Test func boundsAliasesAndDepth() throws {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            bomb += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
        }
        let folder = try TemporaryFolder([
            "bomb.yaml": bomb, "deep.yaml": String(repeating: "[", count: 500) + String(repeating: "]", count: 500),
            "good.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n",
        ])
        let found = problems(folder)
        #expect(found.count == 2)
        #expect(found.first == "bomb.yaml:1: the file holds more than 250000 values (aliases counted): split it")
        #expect(found.last == "deep.yaml:1: objects and lists are nested deeper than 64")
        #expect(FileReading([folder.path]).objects.count == 1)
    }
}
