import Logging

/// Logs each problem once, again when it goes on for long, and once more when it is over.
struct ProblemLog {
    private struct Entry {
        var message: String
        var logged: ContinuousClock.Instant
    }

    private let logger: Logger
    private var entries: [String: Entry] = [:]

    init(logger: Logger) { self.logger = logger }

    /// `subject` names what has the problem: it has one at a time.
    mutating func note(_ subject: String, _ message: String, now: ContinuousClock.Instant) {
        if let entry = entries[subject], entry.message == message,
            entry.logged.duration(to: now) < NodeAgentLimits.problemRepeatInterval
        {
            return
        }
        if entries[subject] == nil, entries.count >= NodeAgentLimits.rememberedProblems {
            guard let oldest = entries.min(by: { $0.value.logged < $1.value.logged }) else { return }
            entries[oldest.key] = nil
        }
        entries[subject] = Entry(message: message, logged: now)
        logger.warning("\(subject): \(message)")
    }

    mutating func clear(_ subject: String) {
        guard entries.removeValue(forKey: subject) != nil else { return }
        logger.info("\(subject): no longer a problem")
    }

    /// The problems of now: what was noted and is not among `subjects` with this prefix is over.
    mutating func retain(prefix: String, _ subjects: Set<String>) {
        for subject in entries.keys where subject.hasPrefix(prefix) && !subjects.contains(subject) { clear(subject) }
    }
}
