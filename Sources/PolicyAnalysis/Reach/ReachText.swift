import PolicyModel

extension Reach {
    /// For people: what is reached by how many hops, each with its path, then the changes that would stop most of it.
    public func text(ofWorkloads count: Int) -> String {
        let others = max(count - 1, 0)
        var lines = ["\(start) reaches \(workloads.count) of \(others) other workloads and \(external.count) ranges of addresses outside"]
        for hop in Set(workloads.map(\.hops)).sorted() {
            lines.append("")
            lines.append(hop == 1 ? "over 1 hop:" : "over \(hop) hops:")
            for target in workloads where target.hops == hop {
                lines.append("  \(target.path.joined(separator: " => ")) : \(target.connections)")
            }
        }
        if !external.isEmpty {
            lines.append("")
            lines.append("outside:")
            for target in external { lines.append("  \(target.path.joined(separator: " => ")) : \(target.connections)") }
        }
        if !cuts.isEmpty {
            lines.append("")
            lines.append("changes that would stop most of it:")
            for cut in cuts { lines.append("  \(cut.change): \(cut.remaining) instead of \(workloads.count) workloads") }
        }
        return lines.joined(separator: "\n")
    }

    public var json: JSONValue {
        let targets = { (targets: [Target]) -> JSONValue in
            .array(
                targets.map { target in
                    [
                        "workload": .string(target.title), "hops": .integer(Int64(target.hops)),
                        "path": .array(target.path.map { .string($0) }), "conn": .string(target.connections),
                    ]
                })
        }
        return [
            "start": .string(start), "workloads": targets(workloads), "external": targets(external),
            "cuts": .array(
                cuts.map { ["change": .string($0.change.description), "remaining": .integer(Int64($0.remaining))] }),
        ]
    }
}

extension Posture {
    public var json: JSONValue {
        [
            "namespace": .string(namespace), "workloads": .integer(Int64(workloads)),
            "reachableFromOthers": .number(reachableFromOthers), "reachesOthers": .number(reachesOthers),
            "exposedToOutside": .integer(Int64(exposedToOutside)), "reachesOutside": .integer(Int64(reachesOutside)),
        ]
    }
}
