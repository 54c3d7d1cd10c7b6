import PolicyEngine
import PolicyModel

/// Runs PolicyTests against a world.
///
/// Exact: what is allowed between two ends is the set of connections that `connectivity` lists.
public struct Verification: Sendable {
    /// What became of a case or an invariant.
    public struct Result: Sendable, Hashable {
        public var test: String
        public var name: String
        /// The member of the PolicyTest: `spec.cases[3]`.
        public var path: String
        /// nil: it holds. Else why not, in a sentence.
        public var failure: String?

        public init(test: String, name: String, path: String, failure: String?) {
            self.test = test
            self.name = name
            self.path = path
            self.failure = failure
        }
    }

    public let world: AnalysisWorld
    public let tests: [PolicyTest]
    /// How many cases and invariants there are.
    public var count: Int { tests.reduce(0) { $0 + $1.cases.count + $1.invariants.count } }

    public init(_ world: AnalysisWorld, tests: [PolicyTest]) {
        self.world = world
        self.tests = tests
    }

    /// In the order of the tests, cases before invariants.
    public func results() -> [Result] {
        var compiler = VerdictCompiler()
        var run = VerificationRun(world, tables: compiler.compile(world.world, node: ""))
        var results: [Result] = []
        forEach { test, path, check in
            let failure = run.failure(of: check)
            results.append(Result(test: test.name, name: check.name, path: path, failure: failure.map { explained($0) }))
            return true
        }
        return results
    }

    /// Rules, and policies, that no test needs: without any one of them every test that holds now still does.
    ///
    /// Takes each away in turn, so the cost grows with rules times tests.
    public func needless() -> [NeedlessPart] {
        var compiler = VerdictCompiler()
        var run = VerificationRun(world, tables: compiler.compile(world.world, node: ""))
        var holding: Set<VerificationCheck> = []
        forEach { _, _, check in
            if run.failure(of: check) == nil { holding.insert(check) }
            return true
        }
        return NeedlessPart.all(of: world.world).filter { part in
            let changed = world.changing { part.remove(from: &$0) }
            var run = VerificationRun(changed, tables: compiler.compile(changed.world, node: ""))
            var isNeeded = false
            forEach { _, _, check in
                isNeeded = holding.contains(check) && run.failure(of: check) != nil
                return !isNeeded
            }
            return !isNeeded
        }
    }

    /// Stops when `body` answers false.
    private func forEach(_ body: (_ test: PolicyTest, _ path: String, _ check: VerificationCheck) -> Bool) {
        for test in tests {
            for (index, value) in test.cases.enumerated() {
                guard body(test, "spec.cases[\(index)]", .connection(value)) else { return }
            }
            for (index, value) in test.invariants.enumerated() {
                guard body(test, "spec.invariants[\(index)]", .path(value)) else { return }
            }
        }
    }

    /// Names the rule that decided, where one connection is what failed.
    private func explained(_ failure: VerificationFailure) -> String {
        guard let connection = failure.connection, let source = connection.source.explained, let destination = connection.destination.explained,
            let explanation = try? Explain.explain(
                world: world.world, source: source, destination: destination, transport: connection.port.transport,
                destinationPort: connection.port.destinationPort)
        else { return failure.sentence }
        // A denial is one end's; what is allowed both ends allow.
        let ends = explanation.ends.filter { $0.ruling.verdict == explanation.verdict }
        let reasons = ends.map { "\($0.direction.word) of \($0.endpoint): \($0.summary)" }
        return "\(failure.sentence) (\(reasons.joined(separator: "; ")))"
    }
}

extension Peer {
    fileprivate var explained: ExplainEnd? {
        if let endpoint { return .endpoint(endpoint) }
        return (addresses[.v4] ?? addresses[.v6]).map(ExplainEnd.address)
    }
}
