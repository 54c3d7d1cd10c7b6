import ControlPlane
import KubernetesClient
import Logging
import WorkloadSources

/// Follows the container engines of the host, as a client of the server in the same process.
struct ContainerSources: Sendable {
    /// Where Docker, podman's service and containerd listen.
    static let standardSockets = ["/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock"]

    let sockets: [String]
    let board: ContainerBoard
    let logger: Logger

    /// Until the task is cancelled.
    /// - Parameter kubeconfig: the one that the server has just written.
    func run(kubeconfig: String) async {
        let client: KubernetesClient
        do {
            client = try KubernetesClient(try Kubeconfig.load(path: kubeconfig))
        } catch {
            logger.error("containers are not followed: \(error)")
            return
        }
        await withTaskGroup(of: Void.self) { group in
            for socket in sockets {
                let follower = ContainerFollower(
                    socketPath: socket, registry: APIWorkloadRegistry(client: client), board: board
                ) { [logger] in logger.warning("\($0)") }
                group.addTask { await follower.run() }
            }
        }
    }
}
