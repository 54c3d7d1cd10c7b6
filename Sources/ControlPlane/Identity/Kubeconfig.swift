import Foundation

/// The file that kubectl and our own command line find the server by.
enum Kubeconfig {
    /// YAML with one cluster, one user and one context, all named `bulkhead`.
    static func text(server: String, authorityPEM: String, token: String) -> String {
        """
        apiVersion: v1
        kind: Config
        clusters:
        - name: bulkhead
          cluster:
            server: \(server)
            certificate-authority-data: \(Data(authorityPEM.utf8).base64EncodedString())
        users:
        - name: bulkhead-admin
          user:
            token: \(token)
        contexts:
        - name: bulkhead
          context:
            cluster: bulkhead
            user: bulkhead-admin
            namespace: default
        current-context: bulkhead

        """
    }
}
