import Foundation
import Testing

@testable import ControlPlane

@Suite struct ServerIdentityTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.path + "/bulkhead-identity-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func keepsAuthorityAndTokenAndGuardsThem() throws {
        try withDirectory { directory in
            let first = try ServerIdentity.load(directory: directory, hosts: ["10.0.0.5", "api.example.org"], now: Date())
            let second = try ServerIdentity.load(directory: directory, hosts: [], now: Date())
            #expect(first.authorityPEM == second.authorityPEM)
            #expect(first.token.text == second.token.text)
            #expect(first.serverCertificatePEM != second.serverCertificatePEM)
            #expect(first.token.text.count == 64)
            #expect(try mode(directory) == 0o700)
            for file in ["ca.key", "ca.crt", "admin.token"] { #expect(try mode(directory + "/" + file) == 0o600) }
        }
    }

    @Test func saysWhichFileIsDamaged() throws {
        try withDirectory { directory in
            _ = try ServerIdentity.load(directory: directory, hosts: [], now: Date())
            try PrivateFiles.write(Array("nonsense".utf8), to: directory + "/ca.key")
            do {
                _ = try ServerIdentity.load(directory: directory, hosts: [], now: Date())
                Issue.record("a damaged key was accepted")
            } catch {
                #expect("\(error)".contains(directory + "/ca.key is damaged"))
            }
        }
    }

    @Test func comparesTokens() throws {
        let token = try #require(BearerToken.random())
        let users = UserDirectory(stateDirectory: "/nonexistent", administrator: token)
        for right in ["Bearer " + token.text, "bearer " + token.text] {
            #expect(try users.user(authorization: right, certificateDigest: nil) == .administrator)
        }
        for wrong in [nil, "", "Bearer", "Bearer ", token.text, "Basic " + token.text, "Bearer " + token.text.dropLast()] {
            #expect(throws: APIFailure.self) { () throws in
                _ = try users.user(authorization: wrong, certificateDigest: nil)
            }
        }
        #expect(BearerToken(text: "short") == nil)
    }

    @Test func readsListenAddresses() {
        #expect(HostAddress.split("127.0.0.1:7443") ?? ("", 0) == ("127.0.0.1", 7443))
        #expect(HostAddress.split("[::1]:0") ?? ("", 1) == ("::1", 0))
        #expect(HostAddress.split("localhost:80") ?? ("", 0) == ("localhost", 80))
        for wrong in ["", "127.0.0.1", "::1:80", ":80", "host:99999", "host:x"] { #expect(HostAddress.split(wrong) == nil) }
        #expect(HostAddress.urlHost("::") == "[::1]")
        #expect(HostAddress.urlHost("0.0.0.0") == "127.0.0.1")
    }

    @Test func writesTimes() {
        #expect(Timestamps.seconds(1_709_208_000) == "2024-02-29T12:00:00Z")
        #expect(Timestamps.seconds(-1) == "1969-12-31T23:59:59Z")
        #expect(Timestamps.milliseconds(nanoseconds: 1_709_208_000_123_999_999) == "2024-02-29T12:00:00.123Z")
        for seconds: Int64 in [0, 951_782_400, 1_709_208_000, 4_107_542_400] {
            #expect(Timestamps.parse(Timestamps.seconds(seconds)) == seconds)
        }
        #expect(Timestamps.parse("2024-02-29T14:00:00.5+02:00") == 1_709_208_000)
        #expect(Timestamps.parse("yesterday") == nil)
        #expect(HumanDuration.text(seconds: 119) == "119s")
        #expect(HumanDuration.text(seconds: 130) == "2m10s")
        #expect(HumanDuration.text(seconds: 4 * 3600) == "4h")
        #expect(HumanDuration.text(seconds: 3 * 86_400) == "3d")
    }
}
