import Hummingbird
import NIOCore

/// Reads a request's body within its limits.
struct BodyCollector: Sendable {
    let budget: BodyBudget
    var seconds = Limits.bodySeconds

    struct Collected: Sendable {
        var bytes: [UInt8]
        /// To be given back to the budget when the bytes are no longer needed.
        var charged: Int
    }

    /// `length`: what the request says of it, at most `Limits.bodyBytes`; memory is only used as parts arrive.
    func collect(_ body: RequestBody, length: Int = 0) async throws -> Collected {
        try await withThrowingTaskGroup(of: Collected?.self) { group in
            group.addTask { try await read(body, length: length) }
            group.addTask { [seconds] in
                try await Task.sleep(for: .seconds(seconds))
                return nil
            }
            defer { group.cancelAll() }
            if let first = try await group.next(), let collected = first { return collected }
            group.cancelAll()
            // It may have come to its end at the same moment.
            if let late = try? await group.next(), let collected = late { budget.giveBack(collected.charged) }
            throw APIFailure.slowBody(seconds: seconds)
        }
    }

    private func read(_ body: RequestBody, length: Int) async throws -> Collected {
        var collected = Collected(bytes: [], charged: 0)
        // Growing by doubling would take the memory of a large body twice over.
        collected.bytes.reserveCapacity(length)
        do {
            for try await part in body {
                guard collected.bytes.count + part.readableBytes <= Limits.bodyBytes else { throw APIFailure.bodyTooLarge }
                guard budget.take(part.readableBytes) else { throw APIFailure.tooManyBodies }
                collected.charged += part.readableBytes
                collected.bytes.append(contentsOf: part.readableBytesView)
            }
            // Whoever asked is gone: the caller will not give it back.
            try Task.checkCancellation()
            return collected
        } catch {
            budget.giveBack(collected.charged)
            throw error
        }
    }
}
