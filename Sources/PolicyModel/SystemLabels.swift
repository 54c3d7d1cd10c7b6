/// Labels that the system gives to endpoints.
public enum SystemLabels {
    /// The namespace of an endpoint or network set.
    public static let namespace = "projectcalico.org/namespace"
    /// Who runs the workload.
    public static let orchestrator = "projectcalico.org/orchestrator"
    /// The orchestrator of endpoints that name none: Kubernetes.
    public static let kubernetesOrchestrator = "k8s"
}
