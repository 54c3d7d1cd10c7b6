import PolicyEngine
import PolicyModel

/// Plans as the dataplane does, with no kernel beneath: what a change costs apart from its map writes.
package struct TransitionRehearsal {
    private var state = KernelState(limits: Limits())
    private var slots: [EndpointKey: UInt32] = [:]
    private var numbers: [DecisionID: UInt32] = [:]

    package init() {}

    /// Descriptions of what is wrong with the picture of the kernel's maps; empty when nothing is. O(addresses x stacks).
    package func checkInvariants(_ tables: VerdictTables) -> [String] { state.checkInvariants(tables) }

    /// Tidies up what the change before left, as after a grace period, and plans this one. Returns how many steps it has.
    ///
    /// - Parameter changes: as in `NodeProgram`.
    package mutating func apply(_ tables: VerdictTables, changes: TableChanges?) throws -> Int {
        _ = state.retire()
        if var settling = try state.settling(decisions: [:]) { state.commit(&settling) }
        for id in changes?.decisions ?? Array(tables.decisions.keys) {
            numbers[id] = tables.decisions[id].map { _ in UInt32(bitPattern: id.rawValue) + DecisionLog.first }
        }
        var legs: [LegKey: VerdictTables.LegStacks] = [:]
        for (leg, stacks) in tables.legs {
            let slot = slots[leg.endpoint] ?? UInt32(slots.count + 1)
            slots[leg.endpoint] = slot
            legs[LegKey(slot: slot, address: leg.address)] = stacks
        }
        var transition = try state.transition(to: tables, legs: legs, decisions: numbers, changes: changes)
        state.commit(&transition)
        return transition.steps.count
    }
}
