import Foundation
import PolicyTesting
import Testing

/// What `Scripts/fuzz` starts from, and what it found.
@Suite struct FuzzCorpusTests {
    private static func corpus(_ name: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fuzzing/Corpus/\(name)")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { file in
            (file, Array(try Data(contentsOf: folder.appendingPathComponent(file))))
        }
    }

    @Test func selectorsMeanTheSameToAll() throws {
        let corpus = try Self.corpus("selectors")
        #expect(corpus.count >= 15)
        for (name, bytes) in corpus { #expect(FuzzedSelector.finding(bytes) == nil, "\(name)") }
    }

    @Test func objectsThatAreValidCanBeRead() throws {
        let corpus = try Self.corpus("objects")
        #expect(corpus.count >= 6)
        for (name, bytes) in corpus { #expect(FuzzedObject.finding(bytes) == nil, "\(name)") }
    }
}
