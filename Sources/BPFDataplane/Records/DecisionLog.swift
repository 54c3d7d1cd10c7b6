import Dataplane
import Foundation
import Glibc
import PolicyEngine
import PolicyModel

/// The kernel's numbers of decisions, kept in a file so that flows and events from before a restart still name
/// their reason. A number stands in the file before any packet can get it. The file is not synced: what is lost with the power
/// speaks of a kernel that is lost with it.
struct DecisionLog: ~Copyable {
    /// Numbers below are `SystemReason`.
    static let first: UInt32 = 256

    /// No number is above this: an outcome has 28 bits for it.
    static let last = KernelOutcome.payloadMask

    private struct Line: Codable {
        var number: UInt32
        var decision: Decision
    }

    private let path: String
    private let file: Descriptor
    private var numbers: [Decision: UInt32]
    private var decisions: [UInt32: Decision]
    private(set) var next: UInt32
    /// The last write may have left a part of a line.
    private var isTorn = false
    private var numbersOfIDs: [DecisionID: UInt32]

    /// Keeps only the decisions whose numbers `isUsed` knows, and gives none below `next`.
    init(path: String, next: UInt32, isUsed: (UInt32) -> Bool) throws(BPFDataplaneError) {
        var highest = max(next, Self.first)
        var kept = Data()
        let encoder = JSONEncoder()
        // A line that a crash cut short is the last, and nothing used its number.
        let lines = (FileManager.default.contents(atPath: path) ?? Data()).split(separator: UInt8(ascii: "\n"))
        var decisions: [UInt32: Decision] = [:]
        for text in lines {
            guard let line = try? JSONDecoder().decode(Line.self, from: text), line.number <= Self.last, isUsed(line.number) else { continue }
            highest = max(highest, line.number + 1)
            decisions[line.number] = line.decision
            if let encoded = try? encoder.encode(line) { kept += encoded + [UInt8(ascii: "\n")] }
        }
        let fresh = path + ".new"
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw BPFDataplaneError.file(path: fresh, operation: "create", errno: errno)
        }
        let file = Descriptor(owning: descriptor)
        do {
            try Self.write(kept, file.raw, fresh)
        } catch {
            // What it holds of a full disk helps nobody.
            unlink(fresh)
            throw error
        }
        guard rename(fresh, path) == 0 else {
            throw BPFDataplaneError.file(path: path, operation: "replace", errno: errno)
        }
        self.path = path
        self.file = file
        self.decisions = decisions
        numbers = Dictionary(decisions.map { ($0.value, $0.key) }, uniquingKeysWith: max)
        self.next = highest
        numbersOfIDs = [:]
    }

    private static func write(_ data: Data, _ descriptor: Int32, _ path: String) throws(BPFDataplaneError) {
        var remaining = ArraySlice(data)
        while !remaining.isEmpty {
            let count = remaining.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .file(path: path, operation: "write", errno: errno) }
            remaining = remaining.dropFirst(count)
        }
    }

    /// The numbers of all decisions of a program; new ones are in the file when it returns.
    ///
    /// - Parameter changed: those that differ from the last call's at most; nil: all may.
    mutating func numbers(
        of all: [DecisionID: Decision], changed: [DecisionID]? = nil
    ) throws(BPFDataplaneError) -> [DecisionID: UInt32] {
        if changed?.isEmpty == true { return numbersOfIDs }
        var wanted = all
        if let changed {
            wanted = [:]
            for id in changed { wanted[id] = all[id] }
        }
        var added = Data()
        var fresh: [Decision: UInt32] = [:]
        var result: [DecisionID: UInt32] = [:]
        let encoder = JSONEncoder()
        for (id, decision) in wanted.sorted(by: { $0.key < $1.key }) {
            if let known = numbers[decision] ?? fresh[decision] {
                result[id] = known
                continue
            }
            let number = next + UInt32(fresh.count)
            guard number <= Self.last else { throw .decisionsExhausted(limit: Self.last - Self.first + 1) }
            fresh[decision] = number
            result[id] = number
            if let line = try? encoder.encode(Line(number: number, decision: decision)) {
                added += line + [UInt8(ascii: "\n")]
            }
        }
        // Nothing is remembered that is not in the file.
        if !added.isEmpty {
            let wasTorn = isTorn
            isTorn = true
            try Self.write((wasTorn ? Data([UInt8(ascii: "\n")]) : Data()) + added, file.raw, path)
            isTorn = false
        }
        for (decision, number) in fresh {
            numbers[decision] = number
            decisions[number] = decision
        }
        next += UInt32(fresh.count)
        if let changed {
            for id in changed { numbersOfIDs[id] = result[id] }
        } else {
            numbersOfIDs = result
        }
        return numbersOfIDs
    }

    /// Who decided, from an outcome word that the kernel reported.
    func source(outcome word: UInt32) -> DecisionSource {
        let number: UInt32
        let verdict: Verdict
        switch KernelOutcome(word: word) {
        case .allow(let decision): (number, verdict) = (decision, .allow)
        case .deny(let decision), .reject(let decision): (number, verdict) = (decision, .deny)
        case .sourcePorts, .inherit, nil: return .unknown(word)
        }
        if number < Self.first {
            return SystemReason(rawValue: number).map { .system(verdict, $0) } ?? .unknown(number)
        }
        return decisions[number].map { .policy($0) } ?? .unknown(number)
    }
}
