import ControlPlane
import NodeAgent
import PolicyModel
import WorkloadSources

/// The agent, and what the container sources of the same process know.
struct ReportingNode: NodeReporting {
    let agent: NodeAgent
    let board: ContainerBoard

    func report() async -> NodeReport {
        var report = await agent.report()
        report.containers = ContainerReport(
            engines: board.engines.map {
                .init(
                    name: $0.name, socket: $0.socket, isConnected: $0.isConnected, hasOpenStart: $0.hasOpenStart,
                    lastWindowMilliseconds: $0.lastWindowMilliseconds, longestWindowMilliseconds: $0.longestWindowMilliseconds,
                    starts: $0.starts, message: $0.message)
            },
            containers: (board.containers + RootlessContainers.running()).map {
                .init(
                    engine: $0.engine, name: $0.name, identifier: $0.identifier, endpoints: $0.endpoints, message: $0.message,
                    publishedPorts: $0.publishedPorts)
            })
        return report
    }

    func waitUntilEnforced(revision: Int64, endpoint: EndpointKey?, timeoutSeconds: Double) async -> EnforcementResult {
        await agent.waitUntilEnforced(revision: revision, endpoint: endpoint, timeoutSeconds: timeoutSeconds)
    }

    func enforcedWorld() async -> (revision: Int64, world: PolicyWorld) { await agent.enforcedWorld() }

    func stateNumber() async -> UInt64 { await agent.stateNumber() }

    func isEnforcing() async -> Bool { await agent.isEnforcing() }

    func enforcementMeasure(of revision: Int64) async -> EnforcementMeasure? { await agent.enforcementMeasure(of: revision) }

    func hostAddresses() async -> [IPAddress] { await agent.hostAddresses() }
}
