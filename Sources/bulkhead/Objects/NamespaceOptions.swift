import ArgumentParser
import KubernetesClient

/// `-n NAMESPACE`; without it the namespace of the kubeconfig, which is `default` unless it says otherwise.
struct NamespaceOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "The namespace (default: that of the kubeconfig).")
    var namespace: String?

    func name(_ client: KubernetesClient) -> String { namespace ?? client.configuration.namespace }
}
