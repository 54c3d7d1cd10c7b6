import Foundation
import KubernetesClient
import PolicyModel
import Testing

@Suite struct KubernetesClientTests {
    private let tier: JSONValue = [
        "apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": ["name": "platform"], "spec": ["order": 100],
    ]

    @Test func objectsOfARealServer() async throws {
        try await ServerFixture.run { config in
            let client = try KubernetesClient(config)
            let created = try await client.create(Kinds.tier, object: tier)
            #expect(created["metadata"]?["uid"]?.stringValue != nil)
            #expect(try await client.get(Kinds.tier, name: "platform") == created)

            let patched = try await client.patch(
                Kinds.tier, name: "platform", patch: ["metadata": ["labels": ["team": "a"]]])
            #expect(patched["metadata"]?["labels"] == ["team": "a"])
            var changed = patched
            changed["spec"] = ["order": 200]
            let updated = try await client.update(Kinds.tier, name: "platform", object: changed)
            #expect(updated["spec"]?["order"]?.numberValue == 200)

            let stale = await #expect(throws: KubernetesError.self) {
                try await client.update(Kinds.tier, name: "platform", object: changed)
            }
            #expect(stale?.isConflict == true)
            let again = await #expect(throws: KubernetesError.self) { try await client.create(Kinds.tier, object: tier) }
            #expect(again?.alreadyExists == true)

            let names = try await client.list(Kinds.tier)["items"]?.arrayValue?.compactMap { $0["metadata"]?["name"] }
            #expect(names?.contains("platform") == true)
            try await client.delete(Kinds.tier, name: "platform")
            let gone = await #expect(throws: KubernetesError.self) { try await client.get(Kinds.tier, name: "platform") }
            #expect(gone?.isNotFound == true)
            #expect(gone?.description.contains("\"platform\" not found") == true)
        }
    }

    @Test func refusalsCarryTheirCauses() async throws {
        try await ServerFixture.run { config in
            let client = try KubernetesClient(config)
            let error = await #expect(throws: KubernetesError.self) {
                try await client.create(
                    Kinds.networkPolicy, namespace: "default",
                    object: [
                        "apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy", "metadata": ["name": "web"],
                        "spec": ["selector": "all()", "ingress": [["action": "Perhaps"]]],
                    ])
            }
            let status = try #require(error?.status)
            #expect(status.code == 422)
            #expect(status.reason == "Invalid")
            #expect(status.causes.contains { $0.field == "spec.ingress[0].action" }, "\(status)")
            #expect(error?.description == status.message)
        }
    }

    @Test func watchesArrivePromptlyAndEndWithTheirReader() async throws {
        try await ServerFixture.run { config in
            let client = try KubernetesClient(config)
            let revision = try await client.list(Kinds.tier)["metadata"]?["resourceVersion"]?.stringValue ?? ""
            let path = KubernetesClient.path(Kinds.tier)
            let lines = try await client.lines(path, query: ["watch": "true", "resourceVersion": revision])
            var iterator = lines.makeAsyncIterator()
            for round in 0..<5 {
                var object = tier
                object["metadata"] = ["name": .string("tier-\(round)")]
                _ = try await client.create(Kinds.tier, object: object)
                let line = try #require(try await iterator.next())
                let event = try JSONValue(parsing: line)
                #expect(event["type"] == "ADDED")
                #expect(event["object"]?["metadata"]?["name"] == .string("tier-\(round)"))
            }
            #expect(String(decoding: try await client.raw("/version"), as: UTF8.self).contains("gitVersion"))
        }
    }

    @Test func troublesHaveSentences() async throws {
        try await ServerFixture.run { config in
            var config = config
            let token = config.token
            config.token = "wrong"
            let unauthorized = await #expect(throws: KubernetesError.self) {
                try await KubernetesClient(config).list(Kinds.tier)
            }
            #expect(unauthorized?.status?.code == 401)
            #expect(unauthorized?.status?.reason == "Unauthorized")

            config.token = token
            config.authorityPEM = otherAuthority
            let mistrusted = await #expect(throws: KubernetesError.self) {
                try await KubernetesClient(config).list(Kinds.tier)
            }
            #expect(
                mistrusted?.description
                    == "The certificate of \(config.server) is not signed by the authority in \(config.path): is it the "
                    + "kubeconfig of this server? A server that was set up anew has a new authority.")

            config.skipsVerification = true
            let unverified = try await KubernetesClient(config).list(Kinds.tier)
            #expect(unverified["items"]?.arrayValue != nil)

            config.authorityPEM = "no PEM"
            #expect(
                throws: KubeconfigError(
                    "The kubeconfig \(config.path) has a certificate-authority that holds no certificate in PEM.")
            ) { try KubernetesClient(config) }
        }
    }

    /// The server was asked to wait for longer than the client waits for other answers.
    @Test func aWaitIsNoSilence() async throws {
        try await ServerFixture.run { config in
            let client = try KubernetesClient(config, timeoutSeconds: 4)
            func wait(_ seconds: Double) async throws {
                _ = try await client.request(
                    .GET, "/apis/bulkhead.io/v1alpha1/enforcement", query: ["revision": "1", "timeout": "5"],
                    waitSeconds: seconds)
            }
            let answered = await #expect(throws: KubernetesError.self) { try await wait(5) }
            #expect(answered?.status?.code == 504)
            #expect(answered?.description == "nothing is enforced here")
            await #expect(throws: KubernetesError.unreachable("The server \(config.server) did not answer in time.")) {
                try await wait(0)
            }
        }
    }

    @Test func nothingListens() async throws {
        // Port 9 (discard) of a loopback address that nobody else uses.
        let config = Kubeconfig(server: "https://127.9.9.9:9", path: "/var/lib/bulkhead/kubeconfig")
        let sentence = "Nothing listens at https://127.9.9.9:9: is `bulkhead up` running? "
            + "Its address comes from /var/lib/bulkhead/kubeconfig."
        await #expect(throws: KubernetesError.unreachable(sentence)) { try await KubernetesClient(config).list(Kinds.tier) }
        await #expect(throws: KubernetesError.unreachable(sentence)) {
            _ = try await KubernetesClient(config).lines("/apis")
        }
    }

    @Test func paths() {
        #expect(KubernetesClient.path(Kinds.namespace, namespace: "x", name: "shop") == "/api/v1/namespaces/shop")
        #expect(
            KubernetesClient.path(Kinds.networkPolicy, namespace: "shop", name: "a/b?c")
                == "/apis/projectcalico.org/v3/namespaces/shop/networkpolicies/a%2Fb%3Fc")
        #expect(KubernetesClient.path(Kinds.networkPolicy) == "/apis/projectcalico.org/v3/networkpolicies")
    }

    /// A self-signed certificate made for this test; its key is not kept.
    private let otherAuthority = """
        -----BEGIN CERTIFICATE-----
        MIIBfDCCASGgAwIBAgIUZcXBNKddDMr2dsUOqFY6EtvfWxIwCgYIKoZIzj0EAwIw
        EjEQMA4GA1UEAwwHYW5vdGhlcjAgFw0yNjExMjMxMjA0NDhaGA8yMTI2MTAzMDEy
        MDQ0OFowEjEQMA4GA1UEAwwHYW5vdGhlcjBZMBMGByqGSM49AgEGCCqGSM49AwEH
        A0IABMw7ed3x5di/oHThjZTEHr1n5QF56cB6mE258MK8uOT66x5j0dr76k0pX/0c
        LBuYn5ANvdc0NG10Msr+AFSeslyjUzBRMB0GA1UdDgQWBBT3AYh6VmgJrVD+nN+A
        y7ieuiU1DzAfBgNVHSMEGDAWgBT3AYh6VmgJrVD+nN+Ay7ieuiU1DzAPBgNVHRMB
        Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCrizuqegO2/31QIJVF7XtV8Pwj
        IIEqOv5nUDyR/CRZCgIhAMFkisDdYAFWbn/fYUR4FmZyNnve4GeX3Y4usKgI8y5N
        -----END CERTIFICATE-----
        """
}
