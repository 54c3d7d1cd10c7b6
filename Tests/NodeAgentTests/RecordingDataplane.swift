import Dataplane
import Foundation
import PolicyEngine
import PolicyModel
import Synchronization

/// Keeps what it is told, and refuses when it is told to.
final class RecordingDataplane: Dataplane, Sendable {
    struct Refusal: Error {}

    struct State {
        var programs: [NodeProgram] = []
        var attempts = 0
        var refusing = false
        var failures: [EndpointKey: String] = [:]
        /// While true, an apply does not return.
        var held = false
        var events: [ConnectionEvent] = []
        var flows: [FlowSnapshot] = []
        var maintenances = 0
        var requests: [EndpointKey] = []
    }

    private let state = Mutex(State())

    func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
        state.withLock { state in body(&state) }
    }

    var programs: [NodeProgram] { change { $0.programs } }
    var last: NodeProgram? { change { $0.programs.last } }

    func apply(_ program: NodeProgram) throws -> ApplyReport {
        change { $0.attempts += 1 }
        while change({ $0.held }) { Thread.sleep(forTimeInterval: 0.001) }
        let failures: [EndpointKey: String]? = change { state in
            if state.refusing { return nil }
            state.programs.append(program)
            return state.failures
        }
        guard let failures else { throw Refusal() }
        return ApplyReport(mapWrites: 1, failures: failures)
    }

    func drainEvents(_ body: (ConnectionEvent) -> Void) throws {
        for event in change({ state in
            defer { state.events = [] }
            return state.events
        }) { body(event) }
    }

    func sweepFlows(_ body: (FlowSnapshot) -> Void) throws { for flow in change({ $0.flows }) { body(flow) } }

    func maintain() -> [String] {
        change { $0.maintenances += 1 }
        return []
    }

    func request(_ endpoint: EndpointKey, on attachment: NodeProgram.Attachment) throws {
        change { $0.requests.append(endpoint) }
    }

    func status() throws -> DataplaneStatus {
        let program = last
        return DataplaneStatus(
            revision: program?.revision, policed: program?.attachments ?? [:], maps: [], systemCounts: [:], eventsLost: 0,
            warnings: [])
    }
}
