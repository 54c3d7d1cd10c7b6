import Synchronization

/// How many bytes of request bodies the server holds at a time, over all connections: many large or slow senders together
/// cost no more than this.
final class BodyBudget: Sendable {
    private let held = Mutex(0)
    private let most: Int

    init(most: Int = Limits.bodiesBytes) { self.most = most }

    /// False, and nothing taken, when there is no room.
    func take(_ bytes: Int) -> Bool {
        held.withLock { held in
            guard held + bytes <= most else { return false }
            held += bytes
            return true
        }
    }

    func giveBack(_ bytes: Int) { held.withLock { $0 -= bytes } }

    var bytesHeld: Int { held.withLock { $0 } }
}
