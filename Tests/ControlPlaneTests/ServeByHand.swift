import ControlPlane
import Foundation
import Testing

/// Not a test: keeps a server up so that kubectl can be tried on it by hand.
///
///     BULKHEAD_API_SERVE=600 BULKHEAD_API_STATE=/tmp/state swift test --filter ServeByHand
@Suite struct ServeByHand {
    @Test(.enabled(if: ProcessInfo.processInfo.environment["BULKHEAD_API_SERVE"] != nil))
    func serve() async throws {
        let environment = ProcessInfo.processInfo.environment
        let seconds = try #require(Double(environment["BULKHEAD_API_SERVE"] ?? ""))
        try await RunningServer.with(
            stateDirectory: environment["BULKHEAD_API_STATE"], listenAddress: environment["BULKHEAD_API_LISTEN"] ?? "127.0.0.1:0"
        ) { server in
            print("serving: export KUBECONFIG=\(server.ready.kubeconfig)")
            try await Task.sleep(for: .seconds(seconds))
        }
    }
}
