import Foundation

/// The file that kubectl and our own command line find the server by.
enum Kubeconfig {
    /// YAML with one cluster, one user and one context. `user`: what the user proves itself with.
    static func text(server: String, authorityPEM: String, userName: String, user: String) -> String {
        // Names of users that look like numbers are texts all the same: they stand in quotes.
        """
        apiVersion: v1
        kind: Config
        clusters:
        - name: bulkhead
          cluster:
            server: \(server)
            certificate-authority-data: \(Data(authorityPEM.utf8).base64EncodedString())
        users:
        - name: "\(userName)"
          user:
            \(user)
        contexts:
        - name: bulkhead
          context:
            cluster: bulkhead
            user: "\(userName)"
            namespace: default
        current-context: bulkhead

        """
    }
}
