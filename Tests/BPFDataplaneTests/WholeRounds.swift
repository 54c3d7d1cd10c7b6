import Dataplane

@testable import BPFDataplane

extension BPFDataplane {
    func drain(_ body: (ConnectionEvent) -> Void) throws { while try drainEvents(body) {} }

    func sweep(includingQuiet: Bool = true, _ body: (FlowSnapshot) -> Void) throws {
        while try sweepFlows(includingQuiet: includingQuiet, body) {}
    }

    func maintain() -> [String] {
        var told: [String] = []
        while maintain({ told.append($0) }) {}
        return told
    }
}
