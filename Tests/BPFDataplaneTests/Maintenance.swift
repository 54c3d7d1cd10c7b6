@testable import BPFDataplane

extension BPFDataplane {
    /// A whole round.
    func maintain() -> [String] {
        var told: [String] = []
        while maintain({ told.append($0) }) {}
        return told
    }
}
