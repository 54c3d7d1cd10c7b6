import Dataplane

@testable import BPFDataplane

extension BPFDataplane {
    func sweep(includingQuiet: Bool = true, _ body: (FlowSnapshot) -> Void) throws {
        while try sweepFlows(includingQuiet: includingQuiet, body) {}
    }

    func maintain() -> [String] {
        var told: [String] = []
        while maintain({ told.append($0) }) {}
        return told
    }
}
