import PolicyEngine
import PolicyModel

/// Every combination that some address has: of each known address, of the rest of each prefix, and of everything else.
/// O(addresses); asked for only where a plan depends on it.
struct KernelPoints {
    let occupied: Set<Combination>
    /// What combinations mean that some address may have both before and after.
    let unchanged: Set<Identity>

    init(of state: KernelState, moved: Set<IPAddress>) {
        let nothing = Combination(exact: 0, prefix: 0)
        var all: Set<Combination> = [nothing]
        var staying: Set<Combination> = [nothing]
        for (address, number) in state.exact.words {
            let combination = Combination(exact: number, prefix: state.prefixNumber(of: address))
            all.insert(combination)
            // One whose prefix moves counts as staying too: that is the careful side.
            if !moved.contains(address) { staying.insert(combination) }
        }
        for (_, number) in state.prefixes.words {
            let combination = Combination(exact: 0, prefix: number)
            all.insert(combination)
            staying.insert(combination)
        }
        occupied = all
        unchanged = Set(
            staying.map {
                Identity(exact: state.exact.meaning(of: $0.exact), prefix: state.prefixes.meaning(of: $0.prefix))
            })
    }
}
