import Synchronization

/// What the API server was asked.
final class RequestCounts: Sendable {
    struct Key: Hashable {
        var method: String
        var code: Int
    }

    enum StreamKind: String, CaseIterable {
        case watch
        case flows
    }

    struct Snapshot {
        var requests: [Key: UInt64] = [:]
        /// From the whole request to the answer's first byte.
        var durations = DurationHistogram()
        var openStreams: [StreamKind: Int] = [:]
    }

    private let state = Mutex(Snapshot())

    var snapshot: Snapshot { state.withLock { $0 } }

    func answered(_ method: String, code: Int, after duration: Duration) {
        let (seconds, attoseconds) = duration.components
        state.withLock { state in
            state.requests[Key(method: method, code: code), default: 0] += 1
            state.durations.add(seconds: Double(seconds) + Double(attoseconds) / 1e18)
        }
    }

    /// Counts an answer that streams for as long as it is read.
    func watching(_ request: APIRequest, _ answer: APIResponse) -> APIResponse {
        guard case .stream(let produce) = answer.body else { return answer }
        let kind: StreamKind = request.path.last == "flows" ? .flows : .watch
        var answer = answer
        answer.body = .stream { sink in
            self.state.withLock { $0.openStreams[kind, default: 0] += 1 }
            await produce(sink)
            self.state.withLock { $0.openStreams[kind, default: 0] -= 1 }
        }
        return answer
    }
}
