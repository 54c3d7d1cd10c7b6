import Foundation
import KubernetesClient
import Testing

@Suite struct KubeconfigTests {
    private let text = """
        apiVersion: v1
        kind: Config
        clusters:
        - name: one
          cluster: {server: "https://127.0.0.1:7443/", certificate-authority-data: UEVN}
        - name: two
          cluster: {server: https://two.example:6443, insecure-skip-tls-verify: true}
        - name: broken
          cluster: {server: "127.0.0.1:7443"}
        users:
        - name: admin
          user: {token: secret}
        - name: certified
          user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}
        - name: half
          user: {client-certificate-data: Q0VSVA==}
        - name: plugged
          user: {exec: {command: aws}}
        contexts:
        - name: admin
          context: {cluster: one, user: admin, namespace: shop}
        - name: certified
          context: {cluster: two, user: certified}
        - name: half
          context: {cluster: two, user: half}
        - name: plugged
          context: {cluster: two, user: plugged}
        - name: broken
          context: {cluster: broken, user: admin}
        - name: lost
          context: {cluster: three, user: admin}
        current-context: admin
        """

    @Test func contexts() throws {
        #expect(
            try Kubeconfig(text: text, path: "/k")
                == Kubeconfig(
                    server: "https://127.0.0.1:7443", authorityPEM: "PEM", token: "secret", namespace: "shop", path: "/k"))
        #expect(
            try Kubeconfig(text: text, path: "/k", context: "certified")
                == Kubeconfig(
                    server: "https://two.example:6443", skipsVerification: true, clientCertificatePEM: "CERT",
                    clientKeyPEM: "KEY", namespace: "default", path: "/k"))
    }

    @Test func errorsAreSentences() {
        let expected = [
            "half": "The kubeconfig /k has a client certificate without its key, or a key without its certificate.",
            "plugged": "The kubeconfig /k authenticates by \"exec\", which is not supported: "
                + "use a token or a client certificate.",
            "broken": "The kubeconfig /k has no server of the form https://HOST:PORT for the context \"broken\".",
            "lost": "The kubeconfig /k has no entry \"three\" in clusters.",
            "absent": "The kubeconfig /k has no entry \"absent\" in contexts.",
        ]
        for (context, message) in expected {
            let error = #expect(throws: KubeconfigError.self) { try Kubeconfig(text: text, path: "/k", context: context) }
            #expect(error?.description == message)
        }
        #expect(throws: KubeconfigError("The kubeconfig /k is empty: `bulkhead up` writes one.")) {
            try Kubeconfig(text: "", path: "/k")
        }
        #expect(
            throws: KubeconfigError(
                "The kubeconfig /k names no current-context: set one with `kubectl config use-context NAME`.")
        ) { try Kubeconfig(text: "kind: Config", path: "/k") }
        #expect(
            throws: KubeconfigError("The kubeconfig /absent cannot be read: does it exist, and may this user read it?")
        ) { try Kubeconfig.load(path: "/absent") }
    }

    @Test func filesAreRelativeToTheKubeconfig() throws {
        let folder = NSTemporaryDirectory() + "kubeconfig-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "AUTHORITY".write(toFile: folder + "/ca.crt", atomically: true, encoding: .utf8)
        try "secret\n".write(toFile: folder + "/token", atomically: true, encoding: .utf8)
        let path = folder + "/config"
        try """
            clusters: [{name: c, cluster: {server: "https://h:1", certificate-authority: ca.crt}}]
            users: [{name: u, user: {tokenFile: \(folder)/token}}]
            contexts: [{name: x, context: {cluster: c, user: u}}]
            current-context: x
            """.write(toFile: path, atomically: true, encoding: .utf8)
        let config = try Kubeconfig.load(path: path)
        #expect(config.authorityPEM == "AUTHORITY")
        #expect(config.token == "secret")

        #expect(try Kubeconfig.locate(explicit: "/x", environment: [:], defaultPath: "/d") == "/x")
        let listed = try Kubeconfig.locate(
            explicit: nil, environment: ["KUBECONFIG": "/absent:\(path)"], defaultPath: "/d")
        #expect(listed == path)
        #expect(
            throws: KubeconfigError(
                "There is no kubeconfig at /absent, /missing: is `bulkhead up` running? "
                    + "Name one with --kubeconfig or $KUBECONFIG.")
        ) { try Kubeconfig.locate(explicit: nil, environment: ["KUBECONFIG": "/absent"], defaultPath: "/missing") }
    }
}
