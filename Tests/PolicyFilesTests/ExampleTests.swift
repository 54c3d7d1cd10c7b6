import Foundation
import PolicyAnalysis
import PolicyFiles
import PolicyModel
import Testing

/// The examples hold what their PolicyTests say, and the tests need every rule.
@Suite struct ExampleTests {
    static let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Examples").path

    @Test(arguments: [
        ("microservices", 23), ("pci-zone", 10), ("tenants", 5), ("default-deny-dns", 7), ("recipes", 18), ("bank", 17),
    ])
    func allHoldsAndDeletingAnyRuleOrPolicyMakesATestFail(_ name: String, parts: Int) throws {
        let offline = OfflineWorld(["\(Self.examples)/\(name)"])
        #expect(offline.problems == [])
        let tests = try offline.objects.filter { Kinds.policyTest.isKind(of: $0.value) }.map { try PolicyTest(object: $0.value) }
        let verification = Verification(try #require(offline.world), tests: tests)
        for result in verification.results() { #expect(result.failure == nil, "\(result.name): \(result.failure ?? "")") }
        let needless = verification.needless()
        #expect(needless.isEmpty, "\(needless.map { "\($0.policy.words) \($0.path)" })")
        #expect(NeedlessPart.all(of: verification.world.world).count == parts)
    }

    /// What `lint` finds in them: only what a recipe means to do.
    @Test(arguments: ["microservices", "pci-zone", "tenants", "default-deny-dns", "recipes", "bank"])
    func lintFindsNothingThatIsNotMeant(_ name: String) throws {
        let offline = OfflineWorld(["\(Self.examples)/\(name)"])
        let findings = Lint(world: try #require(offline.world).world, services: offline.objects.compactMap { LintService(object: $0.value) }).findings()
        let meant: Set<String> = [
            "cuts-dns no-egress", "cuts-dns web", "cuts-dns app", "cuts-dns data", "cuts-dns clearing",
        ]
        for finding in findings where !meant.contains("\(finding.code.rawValue) \(finding.object.name)") {
            Issue.record("\(finding.object.name) \(finding.path): \(finding.code.rawValue): \(finding.message)")
        }
    }
}
