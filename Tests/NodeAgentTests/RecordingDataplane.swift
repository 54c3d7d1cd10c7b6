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
        /// How many events are handed over at a time.
        var portion = Int.max
        /// The drain that makes `history` so long ends only when this is another number.
        var pausesAfter: Int?
        var isPaused = false
        /// Applies and drains that handed something over.
        var history: [String] = []
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
            state.history.append("applied")
            return state.failures
        }
        guard let failures else { throw Refusal() }
        return ApplyReport(mapWrites: 1, failures: failures)
    }

    func drainEvents(_ body: (ConnectionEvent) -> Void) throws -> Bool {
        let (portion, hasMore) = change { state in
            let portion = state.events.prefix(state.portion)
            state.events.removeFirst(portion.count)
            if !portion.isEmpty { state.history.append("drained \(portion.count)") }
            return (portion, !state.events.isEmpty)
        }
        for event in portion { body(event) }
        while change({ state in
            state.isPaused = state.history.count == state.pausesAfter
            return state.isPaused
        }) { Thread.sleep(forTimeInterval: 0.001) }
        return hasMore
    }

    func sweepFlows(includingQuiet: Bool, _ body: (FlowSnapshot) -> Void) throws -> Bool {
        for flow in change({ $0.flows }) { body(flow) }
        return false
    }

    func maintain(_ tell: (String) -> Void) -> Bool {
        change { $0.maintenances += 1 }
        return false
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
