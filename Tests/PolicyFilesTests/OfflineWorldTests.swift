import Foundation
import PolicyAnalysis
import PolicyFiles
import PolicyModel
import Testing

@Suite struct OfflineWorldTests {
    static let deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop}
        spec:
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
              - name: web
                ports: [{name: http, containerPort: 8080}]

        """

    private func read(_ files: [String: String]) throws -> (world: OfflineWorld, folder: String) {
        let folder = try TemporaryFolder(files)
        return (OfflineWorld([folder.path]), folder.path)
    }

    private func lines(_ read: (world: OfflineWorld, folder: String)) -> [String] {
        read.world.problems.map { $0.description.replacingOccurrences(of: read.folder + "/", with: "") }
    }

    @Test func readsEveryKindOfWorkload() throws {
        let template = "template: {metadata: {labels: {a: b}}, spec: {containers: []}}"
        let kinds = [
            ("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"), ("apps/v1", "ReplicaSet"),
            ("v1", "ReplicationController"), ("batch/v1", "Job"), ("kubevirt.io/v1", "VirtualMachine"),
        ]
        var text = kinds.map { version, kind in
            "apiVersion: \(version)\nkind: \(kind)\nmetadata: {name: x}\nspec:\n  \(template)\n---\n"
        }.joined()
        text += "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\nspec:\n  jobTemplate:\n    spec:\n      \(template)\n---\n"
        text += "apiVersion: v1\nkind: Pod\nmetadata: {name: x, labels: {a: b}}\nspec: {containers: []}\n"
        text += "---\napiVersion: projectcalico.org/v3\nkind: WorkloadEndpoint\nmetadata: {name: z, namespace: lab}\nspec: {ipNetworks: [10.0.0.9]}\n"
        let world = try #require(try read(["all.yaml": text]).world.world)
        #expect(
            world.workloads.map(\.title) == [
                "default/x[CronJob]", "default/x[DaemonSet]", "default/x[Deployment]", "default/x[Job]", "default/x[Pod]",
                "default/x[ReplicaSet]", "default/x[ReplicationController]", "default/x[StatefulSet]",
                "default/x[VirtualMachine]", "lab/z[WorkloadEndpoint]",
            ])
        for workload in world.workloads.dropLast() {
            #expect(world.world.endpoints[workload.endpoints[0]]?.labels["a"] == "b")
            #expect(world.assumed.contains(workload.endpoints[0]))
        }
        #expect(world.world.namespaces["lab"]?.labels == ["kubernetes.io/metadata.name": "lab"])
        #expect(world.world.serviceAccounts[NamespacedName(namespace: "default", name: "default")] != nil)
    }

    @Test func showsReplicasAsTheirOwner() throws {
        func pod(_ name: String, _ owner: String, _ address: String) -> String {
            """
            ---
            apiVersion: v1
            kind: Pod
            metadata:
              name: \(name)
              namespace: shop
              labels: {app: web}
              ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: \(owner), uid: x, controller: true}]
            spec: {containers: []}
            status: {podIP: \(address)}

            """
        }
        let replicaSet = """
            ---
            apiVersion: apps/v1
            kind: ReplicaSet
            metadata:
              name: web-1
              namespace: shop
              ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: x, controller: true}]
            spec: {template: {metadata: {labels: {app: web}}, spec: {containers: []}}}

            """
        let text = Self.deployment + replicaSet + pod("web-1-a", "web-1", "10.0.0.1") + pod("web-1-b", "web-1", "10.0.0.2")
            + pod("old-a", "old-1", "10.0.0.3")
        let world = try #require(try read(["web.yaml": text]).world.world)
        #expect(world.workloads.map(\.title) == ["shop/old-1[ReplicaSet]", "shop/web[Deployment]"])
        #expect(world.workloads[1].endpoints.map(\.name) == ["web-1-a", "web-1-b"])
        #expect(world.assumed.isEmpty)
    }

    @Test func tellsEveryErrorAndHidesNone() throws {
        let files = [
            "a.yaml": """
                apiVersion: networking.k8s.io/v1
                kind: NetworkPolicy
                metadata: {name: one, namespace: shop}
                spec:
                  podSelector: {}
                  ingres: []
                ---
                apiVersion: [broken
                ---
                apiVersion: projectcalico.org/v3
                kind: NetworkPolicy
                metadata:
                  name: two
                  namespace: shop
                spec:
                  tier: nowhere
                  selector: "app == "
                  ingress:
                  - action: Allow
                    http: {methods: [GET]}
                """,
            "b/list.yaml": """
                apiVersion: v1
                kind: List
                items:
                - apiVersion: v1
                  kind: Pod
                  metadata: {name: x, namespace: shop, labels: {a: 1}}
                - apiVersion: projectcalico.org/v3
                  kind: HostEndpoint
                  metadata: {name: host}
                  spec: {node: one}
                - apiVersion: crd.projectcalico.org/v1
                  kind: NetworkPolicy
                  metadata: {name: old, namespace: shop}
                """,
            "c.json": #"{"apiVersion": "v1", "kind": "Pod"}"#,
            "d.yaml": "just a text\n",
            "e.yaml": Self.deployment + "---\n" + Self.deployment,
        ]
        let found = lines(try read(files))
        let expected = [
            "a.yaml:6: NetworkPolicy shop/one: unknown field \"spec.ingres\"",
            "a.yaml:17: NetworkPolicy shop/two: spec.selector: ",
            "a.yaml:20: NetworkPolicy shop/two: not enforced yet: spec.ingress[0].http",
            "b/list.yaml:6: Pod shop/x: metadata.labels[a]: must be a text, not a number: put it in quotes",
            "b/list.yaml:8: HostEndpoint host: kind: not enforced yet: HostEndpoint: ",
            "b/list.yaml:12: NetworkPolicy shop/old: kind: NetworkPolicy of crd.projectcalico.org/v1 is not served: write it as "
                + "projectcalico.org/v3 or networking.k8s.io/v1",
            "c.json:1: Pod: metadata.name: is required",
            "d.yaml:1: must be an object",
            "e.yaml:14: Deployment shop/web: metadata.name: another object of this kind and name stands before it",
        ]
        for line in expected { #expect(found.contains { $0.hasPrefix(line) }, "\(line)\nis not in\n\(found.joined(separator: "\n"))") }
        #expect(found.contains { $0.hasPrefix("a.yaml:") && $0.contains("not YAML: ") })
        #expect(found.count == expected.count + 1, "\(found.joined(separator: "\n"))")
    }

    @Test func missesATierOnlyWhenEverythingIsRead() throws {
        let policy = """
            apiVersion: projectcalico.org/v3
            kind: GlobalNetworkPolicy
            metadata: {name: guard}
            spec:
              tier: platform
            ---
            """
        let tier = "\napiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: platform}\nspec: {order: 5}\n"
        #expect(try read(["a.yaml": policy + tier]).world.problems.isEmpty)
        #expect(
            lines(try read(["a.yaml": policy])) == [
                "a.yaml:5: GlobalNetworkPolicy guard: spec.tier: there is no tier \"platform\": add the Tier too"
            ])
    }

    @Test func leavesOutWhatNoPolicyDecidesAndSaysSo() throws {
        let text = Self.deployment + """
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: agent}
            spec: {hostNetwork: true}
            ---
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: front}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings}
            """
        let world = try read(["a.yaml": text, "README.md": "#"]).world
        #expect(world.problems.isEmpty)
        #expect(world.leftOut.count == 4)
        #expect(world.leftOut.contains { $0.hasSuffix("Pod agent (its packets are the host's (hostNetwork), which no policy decides)") })
        #expect(world.leftOut.contains { $0.hasSuffix("README.md (not .yaml, .yml or .json)") })
        #expect(world.world?.workloads.map(\.title) == ["shop/web[Deployment]"])
    }

    @Test func putsPodsBehindTheirServices() throws {
        let text = Self.deployment + """
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: front, namespace: shop}
            spec:
              selector: {app: web}
              ports: [{port: 80, targetPort: http}]
            """
        let world = try #require(try read(["a.yaml": text]).world.world)
        let slice = try #require(world.world.endpointSlices.values.first)
        #expect(slice.service == "front")
        #expect(slice.ports == [EndpointSlice.Port(name: "", transport: .tcp, port: 8080)])
        #expect(slice.addresses == world.world.endpoints[EndpointKey(namespace: "shop", name: "web")]?.addresses)
    }

    @Test func assumesAddressesInNoBlock() throws {
        let text = Self.deployment + """
            ---
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: one, namespace: shop}
            spec:
              podSelector: {}
              egress: [{to: [{ipBlock: {cidr: 240.0.0.0/8}}, {ipBlock: {cidr: "2001:db8::/32"}}, {ipBlock: {cidr: 0.0.0.0/0}}]}]
            """
        let world = try #require(try read(["a.yaml": text]).world.world)
        #expect(world.world.endpoints.values.first?.addresses.map(\.description) == ["241.0.0.0", "fe00::1"])
    }
}
