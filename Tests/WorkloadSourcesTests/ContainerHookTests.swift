import Foundation
import PolicyModel
import Synchronization
import Testing

@testable import WorkloadSources

/// Keeps endpoints in memory, and refuses to enforce when it is told to.
final class MemoryRegistry: WorkloadRegistry {
    struct State {
        var objects: [EndpointKey: JSONValue] = [:]
        var namespaces: Set<String> = []
        var waits: [EndpointKey] = []
        var refusal: String?
    }

    private let state = Mutex(State())

    func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value { state.withLock { state in body(&state) } }

    func endpoints() async throws -> [JSONValue] { change { $0.objects.sorted { $0.key < $1.key }.map(\.value) } }
    func ensureNamespace(_ name: String) async throws { _ = change { $0.namespaces.insert(name) } }
    func put(_ endpoint: EndpointDescription) async throws -> Int64 {
        change { state in
            state.objects[endpoint.key] = endpoint.object
            return 1
        }
    }
    func denial(of connection: EstablishedConnection, with endpoint: EndpointDescription) async throws -> String? { nil }
    func removeEndpoint(_ key: EndpointKey) async throws { change { $0.objects[key] = nil } }
    func waitUntilEnforced(revision: Int64, endpoint: EndpointKey, timeoutSeconds: Double) async throws {
        let refusal = change { state in
            state.waits.append(endpoint)
            return state.refusal
        }
        if let refusal { throw WorkloadSourceError(refusal) }
    }
}

@Suite(.serialized) struct ContainerHookTests {
    @Test func readsTheStateOfTheRuntime() throws {
        let state = try OCIState(
            parsing: #"{"ociVersion":"1.0.2-dev","id":"abc","status":"creating","pid":4866,"bundle":"/b/userdata"}"#)
        #expect(state == OCIState(containerID: "abc", processID: 4866, bundle: "/b/userdata"))
        let stopped = try OCIState(parsing: #"{"id":"abc","status":"stopped","bundle":"/b/userdata"}"#)
        #expect(stopped.processID == nil)
        #expect(throws: WorkloadSourceError.self) { try OCIState(parsing: "") }
        #expect(throws: WorkloadSourceError.self) { try OCIState(parsing: "{}") }
    }

    @Test func namesAndLabelsComeFromTheNewestEvent() throws {
        let events = """
            {"ID":"abc","Name":"first","Status":"create","Type":"container","Attributes":{"app":"web","odd key":"x y"}}
            {"ID":"other","Name":"other","Status":"create","Type":"container","Attributes":{"app":"no"}}
            {"ID":"abc","Name":"Web_1","Status":"rename","Type":"container"}
            """
        let identity = try #require(ContainerIdentity(podmanEvents: events, containerID: "abc"))
        #expect(identity.name == "Web_1")
        #expect(try identity.endpointName() == "web-1")
        #expect(identity.usableLabels().labels == ["app": "web"])
        #expect(identity.usableLabels().skipped == ["odd key"])
        #expect(try identity.namespace() == "default")
        #expect(ContainerIdentity(podmanEvents: events, containerID: "none") == nil)
        #expect(try ContainerIdentity(name: "-a..b-.", labels: ["io.bulkhead.namespace": "shop"]).endpointName() == "a.b")
        #expect(throws: WorkloadSourceError.self) {
            try ContainerIdentity(name: "a", labels: ["io.bulkhead.namespace": "Shop!"]).namespace()
        }
    }

    /// A process in a namespace with a veth to the host's: what a runtime shows a hook.
    private func withContainer(
        _ body: (OCIState, MemoryRegistry, @escaping @Sendable (OCIState) async throws -> ContainerHook.Outcome) async throws -> Void
    ) async throws {
        let lab = try NamespaceLab()
        let inner = try lab.add(lab.prefix + "c")
        // The hook looks in the namespace of its own process: the veth of this test ends there.
        let outer = lab.prefix + "v"
        try NamespaceLab.shell(
            """
            ip link add \(outer) type veth peer name eth0 netns \(inner)
            ip -n \(inner) address add 10.9.7.2/24 dev eth0
            ip -n \(inner) link set eth0 up
            """)
        defer { try? NamespaceLab.shell("ip link delete \(outer)") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/nsenter")
        process.arguments = ["--net=/run/netns/\(inner)", "sleep", "60"]
        try process.run()
        // A signal that can be blocked would be: Foundation starts children with this thread's mask.
        defer { kill(process.processIdentifier, SIGKILL) }
        // nsenter needs a moment to be there.
        for _ in 0..<200 {
            let there = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process.processIdentifier)/ns/net"))
            if there != (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")) { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        let registry = MemoryRegistry()
        let engine = PodmanEngine { _ in
            ContainerIdentity(name: "web", labels: ["app": "web", "io.bulkhead.namespace": "shop"])
        }
        let hook = ContainerHook(engine: engine, log: { _ in }) { registry }
        let state = OCIState(
            containerID: "abc", processID: process.processIdentifier, bundle: FileManager.default.temporaryDirectory.path)
        try await body(state, registry) { try await hook.createRuntime($0) }
        _ = try await hook.poststop(OCIState(containerID: "abc", processID: nil, bundle: state.bundle))
        #expect(registry.change { $0.objects[EndpointKey(namespace: "shop", name: "web")] } == nil)
    }

    @Test func aContainerWaitsForItsTable() async throws {
        try await withContainer { state, registry, create in
            let key = EndpointKey(namespace: "shop", name: "web")
            // What a killed container left, under another name and with the same identifier.
            registry.change { $0.objects[EndpointKey(namespace: "shop", name: "old")] = EndpointDescription.left("old", by: "abc").object }
            #expect(try await create(state) == .policed([key]))
            let seen = registry.change { $0 }
            #expect(seen.waits == [key])
            #expect(seen.namespaces == ["shop"])
            #expect(Array(seen.objects.keys) == [key])
            let endpoint = try WorkloadEndpoint(object: try #require(seen.objects[key]))
            #expect(endpoint.addresses.map(\.description) == ["10.9.7.2"])
            #expect(endpoint.orchestrator == "podman")
            #expect(endpoint.labels["app"] == "web")
            #expect(seen.objects[key]?["spec"]?["containerID"] == "abc")
        }
    }

    @Test func aContainerThatCannotBePolicedIsRefused() async throws {
        try await withContainer { state, registry, create in
            registry.change { $0.refusal = "no room" }
            await #expect(throws: WorkloadSourceError("no room")) { try await create(state) }
            #expect(registry.change { $0.objects.isEmpty }, "an address is claimed by a container that does not run")
            registry.change { $0.refusal = nil }

            var foreign = EndpointDescription(namespace: "shop", name: "web")
            foreign.interfaceName = "lo"
            registry.change { [foreign] in $0.objects[foreign.key] = foreign.object }
            await #expect(throws: WorkloadSourceError.self) { try await create(state) }
            // Of another container that runs: its interface is there.
            foreign.containerID = "def"
            registry.change { [foreign] in $0.objects[foreign.key] = foreign.object }
            await #expect(throws: WorkloadSourceError.self) { try await create(state) }
            // And of one that does not.
            foreign.interfaceName = "bulkhead-none"
            registry.change { [foreign] in $0.objects[foreign.key] = foreign.object }
            let outcome = try await create(state)
            #expect(outcome == .policed([EndpointKey(namespace: "shop", name: "web")]))
        }
    }

    @Test func containersWithoutANetworkOfTheirOwnStart() async throws {
        try await withContainer { state, registry, create in
            var host = state
            host.processID = ProcessInfo.processInfo.processIdentifier
            guard case .notPoliced(let reason) = try await create(host) else {
                Issue.record("the host's network is policed as a container's")
                return
            }
            #expect(reason.contains("host's network"))
            #expect(registry.change { $0.waits.isEmpty })
        }
    }

    @Test func whatIsNeverPolicedNeedsNoServer() async throws {
        struct Unreadable: Error {}
        let state = OCIState(containerID: "abc", processID: ProcessInfo.processInfo.processIdentifier, bundle: "/b")
        let rootless = ContainerHook(isRootless: true, log: { _ in }) { throw Unreadable() }
        let reason = "rootless container: its traffic cannot be told from the user's other processes"
        #expect(try await rootless.createRuntime(state) == .notPoliced(reason))
        #expect(try await rootless.poststop(state) == .notPoliced(reason))
        let root = ContainerHook(isRootless: false, log: { _ in }) { throw Unreadable() }
        #expect(
            try await root.createRuntime(state)
                == .notPoliced("container on the host's network: its traffic cannot be told from the host's"))
        await #expect(throws: Unreadable.self) { try await root.poststop(state) }
    }

    @Test func theDefaultFolderIsTheOneThatPodmanReads() {
        #expect(HookConfiguration.defaultDirectory == "/usr/share/containers/oci/hooks.d")
    }

    @Test func hookFilesNameTheStageAndTheServer() throws {
        let files = HookConfiguration.files(executable: "/usr/bin/bulkhead", kubeconfig: "/s/kubeconfig")
        #expect(files.map(\.name) == ["50-bulkhead-createRuntime.json", "50-bulkhead-poststop.json"])
        let value = try JSONValue(parsing: files[0].text)
        #expect(value["hook"]?["path"] == "/usr/bin/bulkhead")
        #expect(value["hook"]?["args"] == ["bulkhead", "hook", "createRuntime", "--kubeconfig", "/s/kubeconfig"])
        #expect(value["stages"] == ["createRuntime"])
        #expect(value["when"]?["always"] == true)
    }
}

extension EndpointDescription {
    static func left(_ name: String, by container: String) -> EndpointDescription {
        var endpoint = EndpointDescription(namespace: "shop", name: name)
        endpoint.containerID = container
        endpoint.interfaceName = "bulkhead-none"
        return endpoint
    }
}
