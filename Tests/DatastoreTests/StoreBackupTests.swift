import Datastore
import Foundation
import PolicyModel
import Testing

@Suite struct StoreBackupTests {
    let folder = try! TemporaryFolder()
    var path: String { folder.path + "/store.sqlite" }
    var backup: String { folder.path + "/backup" }

    private func failure(_ body: () throws -> Void) -> String {
        do { try body() } catch StoreError.failed(let sentence) { return sentence } catch { return "\(error)" }
        return ""
    }

    /// A copy made between writes is what was there, and putting it back makes it so again.
    @Test func aCopyOfAStoreInUseIsWhole() async throws {
        let store = try SQLiteStore(path: path)
        for number in 0..<50 { _ = try await put(store, policyKey("p\(number)"), Int64(number)) }
        let writer = Task {
            var round: Int64 = 0
            while !Task.isCancelled {
                _ = try await put(store, policyKey("busy"), round)
                round += 1
            }
        }
        let summary = try StoreBackup.write(store: path, files: ["ca.key": [1, 2, 3]], to: backup)
        writer.cancel()
        try await writer.value
        #expect(summary.objects >= 50 && summary.files == ["ca.key"])
        let mode = try FileManager.default.attributesOfItem(atPath: backup)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600)
        for number in 0..<50 { _ = try await store.delete(policyKey("p\(number)"), expected: nil) }
        let seen = try await store.revision()

        // While it runs nothing is put back.
        #expect(failure { _ = try StoreBackup.restore(from: backup, store: path) }.contains("stop `bulkhead up` first"))
        try store.close()
        let restored = try StoreBackup.restore(from: backup, store: path)
        #expect(restored.files == ["ca.key": [1, 2, 3]] && restored.summary == summary)

        let again = try SQLiteStore(path: path)
        let list = try await again.list(resource: policyResource, namespace: nil)
        #expect(list.objects.filter { $0.key.name.hasPrefix("p") }.count == 50)
        // No revision that a client has seen comes again, and its watch begins anew.
        #expect(list.revision == seen + StoreBackup.revisionGap)
        let compacted = await #expect(throws: StoreError.self) {
            for try await _ in again.watch(resource: nil, namespace: nil, after: seen) {}
        }
        #expect(compacted == .compacted(oldest: list.revision + 1))
        #expect(try await put(again, policyKey("p0"), 9).revision == list.revision + 1)
        try again.close()
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        // SQLite's own files beside the store may stay; of the restored copy nothing does.
        #expect(Set(files).subtracting(["store.sqlite-shm", "store.sqlite-wal"]) == ["backup", "store.sqlite", "store.sqlite-lock"])
    }

    @Test func replacesADamagedStore() async throws {
        let store = try SQLiteStore(path: path)
        _ = try await put(store, policyKey("one"), 1)
        _ = try StoreBackup.write(store: path, files: [:], to: backup)
        try store.close()
        try Data(repeating: 0x5a, count: 10_000).write(to: URL(fileURLWithPath: path))
        _ = try StoreBackup.restore(from: backup, store: path)
        #expect(try await SQLiteStore(path: path).get(policyKey("one")) != nil)
    }

    @Test func refusesWhatIsNoBackup() async throws {
        let store = try SQLiteStore(path: path)
        _ = try await put(store, policyKey("one"), 1)
        #expect(failure { _ = try StoreBackup.restore(from: backup, store: path) } == "There is no backup at \(backup).")
        _ = try StoreBackup.write(store: path, files: [:], to: backup)
        #expect(failure { _ = try StoreBackup.write(store: path, files: [:], to: backup) }.contains("exists already"))
        #expect(
            failure { _ = try StoreBackup.write(store: folder.path + "/absent", files: [:], to: backup + "2") }
                .contains("There is no store"))
        try store.close()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: backup))
        bytes.replaceSubrange(4096..<8192, with: Data(repeating: 0x11, count: 4096))
        try bytes.write(to: URL(fileURLWithPath: backup))
        #expect(failure { _ = try StoreBackup.restore(from: backup, store: path) }.contains("damaged"))
        try Data("text".utf8).write(to: URL(fileURLWithPath: backup))
        #expect(failure { _ = try StoreBackup.restore(from: backup, store: path) } != "")
        // Nothing of that touched the store.
        #expect(try await SQLiteStore(path: path).get(policyKey("one")) != nil)
    }
}
