/// Where things are unless a command says otherwise. Frozen: scripts rely on them.
enum Locations {
    static let stateDirectory = "/var/lib/bulkhead"
    static let pinDirectory = "/sys/fs/bpf/bulkhead"
    static let listenAddress = "127.0.0.1:7443"
    static let kubeconfig = stateDirectory + "/kubeconfig"
}
