import PolicyModel

/// One object of a world that is new, has another content, or (nil) is gone.
public enum WorldChange: Sendable {
    case tier(String, Tier?)
    case namespace(String, Namespace?)
    case serviceAccount(NamespacedName, ServiceAccount?)
    case profile(String, Profile?)
    case endpoint(EndpointKey, WorkloadEndpoint?)
    case networkSet(NamespacedName, NetworkSet?)
    case endpointSlice(NamespacedName, EndpointSlice?)
    case policy(PolicyReference, Policy?)
    case staged(PolicyReference, StagedPolicy?)

    /// What makes `new` of `old`. O(objects) where a kind differs at all.
    public static func between(_ old: PolicyWorld, _ new: PolicyWorld) -> [WorldChange] {
        var changes: [WorldChange] = []
        // Labels are settled before those who inherit them come.
        append(old.tiers, new.tiers, WorldChange.tier, to: &changes)
        append(old.namespaces, new.namespaces, WorldChange.namespace, to: &changes)
        append(old.serviceAccounts, new.serviceAccounts, WorldChange.serviceAccount, to: &changes)
        append(old.profiles, new.profiles, WorldChange.profile, to: &changes)
        append(old.endpoints, new.endpoints, WorldChange.endpoint, to: &changes)
        append(old.networkSets, new.networkSets, WorldChange.networkSet, to: &changes)
        append(old.endpointSlices, new.endpointSlices, WorldChange.endpointSlice, to: &changes)
        append(old.policies, new.policies, WorldChange.policy, to: &changes)
        append(old.staged, new.staged, WorldChange.staged, to: &changes)
        return changes
    }

    private static func append<Key: Hashable, Value: Hashable>(
        _ old: [Key: Value], _ new: [Key: Value], _ change: (Key, Value?) -> WorldChange, to changes: inout [WorldChange]
    ) {
        // Copies of one dictionary are known to be equal without a look at them.
        guard old != new else { return }
        for key in old.keys where new[key] == nil { changes.append(change(key, nil)) }
        if old.isEmpty { changes.reserveCapacity(changes.count + new.count) }
        for (key, value) in new where old[key] != value { changes.append(change(key, value)) }
    }
}
