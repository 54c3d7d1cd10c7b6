import ControlPlane
import Dataplane
import Datastore
import Foundation
import Netlink
import PolicyModel
import Testing

@testable import NodeAgent

/// What an agent knows of the one before it.
@Suite struct RestartTests {
    private static let policyKey = StoreKey(resource: "networkpolicies.projectcalico.org", namespace: "default", name: "none")
    private static let endpointKey = StoreKey(resource: TypedPlace.endpointResource, namespace: "default", name: "web")

    private static var brokenPolicy: JSONValue {
        var broken = Objects.denial("none", of: "web")
        broken["spec"]?["selector"] = "app == "
        return broken
    }

    private static var brokenEndpoint: JSONValue {
        var broken = Objects.endpoint("web", interface: "veth1", address: "10.1.0.1")
        broken["spec"]?["ipNetworks"] = ["nonsense"]
        return broken
    }

    /// An agent that accepted an endpoint and a policy that denies all it gets; its folder.
    private static func former() async throws -> URL {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.run(keeping: true) {
            try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            let revision = try await fixture.put(Objects.denial("none", of: "web"))
            _ = await fixture.enforced(revision, Objects.key("web"))
        }
        return fixture.folder
    }

    private static func forgetAccepted(_ folder: URL) {
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: folder.path + "/accepted.sqlite" + suffix)
        }
    }

    @Test func theLastGoodVersionIsKnownAfterARestart() async throws {
        let fixture = try AgentFixture(state: try await Self.former())
        fixture.links.set(["veth1": 7])
        try await fixture.put(Self.brokenPolicy)
        let revision = try await fixture.put(Self.brokenEndpoint)
        try await fixture.run {
            _ = await fixture.enforced(revision)
            let world = await fixture.agent.enforcedWorld().world
            #expect(world.endpoints[Objects.key("web")]?.addresses == [try #require(IPAddress("10.1.0.1"))])
            #expect(world.policies.count == 1)
            #expect(world.tiers.count == Tier.builtIn.count)
            let program = try #require(fixture.dataplane.last)
            #expect(program.attachments[Objects.key("web")]?.interfaceIndex == 7)
            #expect(!program.keepsUnclaimedInterfaces)
            #expect(Set(program.tables.legs.keys.map(\.endpoint)) == [Objects.key("web")])
            let report = await fixture.agent.report()
            #expect(Set(report.unreadable.keys) == [Self.policyKey, Self.endpointKey])
            #expect(report.warnings.count == 2)
            #expect(report.warnings.allSatisfy { $0.contains("cannot be read, its last good version stays in force: ") })
        }
    }

    /// Also the second process that cannot read them knows.
    @Test func theRecordOutlivesSeveralRestarts() async throws {
        let folder = try await Self.former()
        for round in 0..<2 {
            let fixture = try AgentFixture(state: folder)
            fixture.links.set(["veth1": 7])
            let revision = try await fixture.put(Self.brokenPolicy)
            try await fixture.run(keeping: round == 0) {
                _ = await fixture.enforced(revision)
                #expect(await fixture.agent.enforcedWorld().world.policies.count == 1)
                #expect(await fixture.agent.report().unreadable[Self.policyKey]?.hasPrefix("its last good version") == true)
            }
        }
    }

    @Test func whereNobodyRemembersNothingIsOpened() async throws {
        let folder = try await Self.former()
        Self.forgetAccepted(folder)
        for round in 0..<2 {
            let fixture = try AgentFixture(state: folder)
            fixture.links.set(["veth1": 7])
            try await fixture.put(Self.brokenPolicy)
            let revision = try await fixture.put(Self.brokenEndpoint)
            try await fixture.run(keeping: round == 0) {
                _ = await fixture.enforced(revision)
                let program = try #require(fixture.dataplane.last)
                // Hooked, and without an address of its own: everything is dropped.
                #expect(program.attachments[Objects.key("web")]?.interfaceIndex == 7)
                #expect(program.tables.legs.isEmpty)
                let world = await fixture.agent.enforcedWorld().world
                let denial = try #require(world.policies.values.first)
                #expect(denial.tier == SafeVerdict.tier)
                #expect(denial.ingress == [PolicyRule(action: .deny)] && denial.egress == [PolicyRule(action: .deny)])
                #expect(
                    await fixture.agent.report().unreadable[Self.policyKey]?
                        .hasPrefix("and no good version is known: what it could forbid is denied: spec.selector") == true)
                guard round == 1 else { return }

                let mended = try await fixture.put(Objects.denial("none", of: "web"))
                _ = await fixture.enforced(mended)
                let after = await fixture.agent.enforcedWorld().world
                #expect(after.tiers.keys.sorted() == ["default", "kube-admin", "kube-baseline"])
                #expect(after.policies.values.map(\.tier) == ["default"])
                try await fixture.put(Self.brokenPolicy)
                let gone = try await fixture.store.delete(Self.endpointKey, expected: nil).revision
                _ = await fixture.enforced(gone)
                #expect(await fixture.agent.enforcedWorld().world.endpoints.isEmpty)
                #expect(fixture.dataplane.last?.attachments == [:])
            }
        }
    }

    @Test func anEndpointWithoutAnInterfaceKeepsAllThatAreUnclaimed() async throws {
        let folder = try await Self.former()
        Self.forgetAccepted(folder)
        let fixture = try AgentFixture(state: folder)
        fixture.links.set(["veth1": 7])
        var broken = Self.brokenEndpoint
        broken["spec"]?["interfaceName"] = 7
        let revision = try await fixture.put(broken)
        try await fixture.run {
            _ = await fixture.enforced(revision)
            #expect(fixture.dataplane.last?.keepsUnclaimedInterfaces == true)
            let mended = try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            _ = await fixture.enforced(mended, Objects.key("web"))
            #expect(fixture.dataplane.last?.keepsUnclaimedInterfaces == false)
        }
    }

    @Test func whatNeverCouldBeReadDecidesNothing() async throws {
        let folder = try await Self.former()
        for round in 0..<2 {
            let fixture = try AgentFixture(state: folder)
            fixture.links.set(["veth1": 7])
            try await fixture.run(keeping: round == 0) {
                var broken = Self.brokenPolicy
                broken["metadata"]?["name"] = "new"
                let revision = try await fixture.put(broken)
                _ = await fixture.enforced(revision)
                #expect(await fixture.agent.enforcedWorld().world.policies.count == 1)
                let key = StoreKey(resource: Self.policyKey.resource, namespace: "default", name: "new")
                #expect(
                    await fixture.agent.report().unreadable[key]?.hasPrefix("and no version of it ever could: it is left out: ")
                        == true, "round \(round)")
            }
        }
    }

    @Test func anInterfaceThatWasRenamedMeanwhileStaysPoliced() async throws {
        let fixture = try AgentFixture(state: try await Self.former())
        fixture.links.set(["veth9": 7, "other": 8])
        try await fixture.run {
            _ = await fixture.enforced(1)
            let expected: [EndpointKey: NodeProgram.Attachment] = [
                Objects.key("web"): .init(interfaceName: "veth9", interfaceIndex: 7)
            ]
            #expect(fixture.dataplane.programs.first?.attachments == expected)
            let report = await fixture.agent.report()
            #expect(report.endpoints.map(\.policed) == [true])
            #expect(
                report.endpoints.map(\.message) == [
                    "Its interface veth1 is called veth9 now and stays policed: write the new name into spec.interfaceName."
                ])
            #expect(report.unnamedInterfaces == ["other"])
            // And once more, while the agent looks on.
            fixture.links.set(["veth10": 7])
            #expect(
                try await fixture.eventually {
                    fixture.dataplane.last?.attachments[Objects.key("web")]
                        == .init(interfaceName: "veth10", interfaceIndex: 7)
                })
            // Somebody names it: whose name it is has it.
            let revision = try await fixture.put(Objects.endpoint("second", interface: "veth10", address: "10.1.0.2"))
            _ = await fixture.enforced(revision, Objects.key("second"))
            #expect(fixture.dataplane.last?.attachments.keys.map(\.name) == ["second"])
        }
    }

    /// A name that somebody writes anew means another interface, and a rename after that is one again.
    @Test func anEndpointThatIsMovedLetsGo() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth10": 7])
        try await fixture.run {
            var moved = Objects.endpoint("web", interface: "veth10", address: "10.1.0.1")
            _ = await fixture.enforced(try await fixture.put(moved), Objects.key("web"))
            moved["spec"]?["interfaceName"] = "veth77"
            _ = await fixture.enforced(try await fixture.put(moved))
            #expect(fixture.dataplane.last?.attachments == [:])
            moved["spec"]?["interfaceName"] = "veth10"
            _ = await fixture.enforced(try await fixture.put(moved), Objects.key("web"))
            fixture.links.set(["veth11": 7])
            #expect(
                try await fixture.eventually { fixture.dataplane.last?.attachments[Objects.key("web")]?.interfaceName == "veth11" })
        }
    }

    @Test func anIndexOfAnotherBootMeansNothing() async throws {
        let folder = try await Self.former()
        let record = try AcceptedVersions(path: folder.path + "/accepted.sqlite", place: "elsewhere")
        #expect(try record.attachments() == [:])
        try record.close()
        let same = try AcceptedVersions(path: folder.path + "/accepted.sqlite", place: "here")
        #expect(try same.attachments() == [Objects.key("web"): .init(interfaceName: "veth1", interfaceIndex: 7)])
        try same.close()
        try? FileManager.default.removeItem(at: folder)
        #expect(!NetworkPlace.current().isEmpty)
        #expect(NetworkPlace.current() == NetworkPlace.current())
    }

    @Test func askingAnewIsPassedOn() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.run {
            var endpoint = Objects.endpoint("web", interface: "veth1", address: "10.1.0.1")
            endpoint["metadata"]?["annotations"] = [NodeAgent.requestAnnotation: "1"]
            _ = await fixture.enforced(try await fixture.put(endpoint), Objects.key("web"))
            #expect(fixture.dataplane.change { $0.requests.count } == 1)
            endpoint["metadata"]?["labels"]?["role"] = "other"
            _ = await fixture.enforced(try await fixture.put(endpoint), Objects.key("web"))
            #expect(fixture.dataplane.change { $0.requests.count } == 1, "a label is no request")
            let programs = fixture.dataplane.programs.count
            endpoint["metadata"]?["annotations"] = [NodeAgent.requestAnnotation: "2"]
            _ = await fixture.enforced(try await fixture.put(endpoint), Objects.key("web"))
            #expect(fixture.dataplane.change { $0.requests.count } == 2)
            #expect(fixture.dataplane.programs.count == programs + 1)
        }
    }

    /// A status that is written must not cost a program.
    @Test func whatDecidesNothingMakesNoProgram() async throws {
        let fixture = try AgentFixture()
        fixture.links.set(["veth1": 7])
        try await fixture.run {
            try await fixture.put(Objects.endpoint("web", interface: "veth1", address: "10.1.0.1"))
            var policy = Objects.denial("none", of: "web")
            _ = await fixture.enforced(try await fixture.put(policy))
            let programs = fixture.dataplane.programs.count
            policy["status"] = ["inForceSince": "now"]
            let revision = try await fixture.put(policy)
            guard case .enforced(let enforced, _) = await fixture.enforced(revision) else {
                Issue.record("not enforced")
                return
            }
            #expect(enforced >= revision)
            #expect(fixture.dataplane.programs.count == programs)
        }
    }
}
