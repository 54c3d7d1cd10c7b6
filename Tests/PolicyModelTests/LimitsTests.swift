import Foundation
import PolicyModel
import Testing

/// What `bulkhead limits` prints comes from the code, and leaves nothing out.
@Suite struct LimitsTests {
    /// Each constant of Limits.swift stands in a list: the file itself is read, so none can be forgotten.
    @Test func everyConstantIsListed() throws {
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/PolicyModel/Limits.swift")
        let text = try String(contentsOf: source, encoding: .utf8)
        let constants = text.matches(of: /public static let (\w+) = [0-9]/).map { String($0.output.1) }
        #expect(constants.count >= 25)
        var uses: [Substring: Int] = [:]
        for word in text.matches(of: /\b(\w+)\b/) { uses[word.output.1, default: 0] += 1 }
        // A name may stand in two types, each with its list.
        for (constant, declarations) in Dictionary(grouping: constants, by: { $0 }).mapValues(\.count) {
            #expect(uses[constant[...]] == 2 * declarations, "\(constant) must be declared and listed once")
        }
        #expect(PolicyModelLimits.all.count == constants.count)
    }

    @Test func limitsAreDescribed() {
        #expect(Set(PolicyModelLimits.all.map(\.name)).count == PolicyModelLimits.all.count)
        for limit in PolicyModelLimits.all {
            #expect(limit.value > 0 && !limit.area.isEmpty && !limit.name.isEmpty && limit.reason.count > 10)
        }
    }

    /// The language promises that nothing else is refused for not being enforced.
    @Test func refusedFeatures() {
        let refused = RefusedFeature.all
        #expect(
            Set(refused.map(\.path)) == [
                "spec.applyOnForward", "spec.doNotTrack", "spec.preDNAT", "spec.ingress[].http", "spec.egress[].http",
                "spec.ingress[].source.domains", "spec.ingress[].destination.domains", "spec.egress[].source.domains",
                "spec.egress[].destination.domains", "spec.allowedEgressDomains", "",
                "spec.egress[].to[].nodes", "spec.egress[].to[].domainNames",
            ])
        #expect(refused.filter { $0.path.isEmpty }.map(\.kinds) == [["HostEndpoint"]])
        let http = refused.first { $0.path == "spec.ingress[].http" }
        #expect(
            http?.kinds == ["NetworkPolicy", "GlobalNetworkPolicy", "StagedNetworkPolicy", "StagedGlobalNetworkPolicy", "Profile"])
        #expect(http?.description == "Only HTTP requests that match.")
    }
}
