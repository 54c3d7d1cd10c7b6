import PolicyModel

/// The blocks of addresses that a world speaks of.
enum WorldBlocks {
    /// Those of rules, pending ones too, of network sets, and the addresses of endpoint slices and endpoints.
    static func all(of world: PolicyWorld) -> Set<AddressBlock> {
        var blocks = ofRulesAndSets(of: world)
        for endpoint in world.endpoints.values { for address in endpoint.addresses { blocks.insert(AddressBlock(address)) } }
        return blocks
    }

    /// Those by which addresses of nobody differ: all but the endpoints' own.
    static func ofRulesAndSets(of world: PolicyWorld) -> Set<AddressBlock> {
        var blocks: Set<AddressBlock> = []
        func add(_ rules: [PolicyRule]) {
            for rule in rules {
                for entity in [rule.source, rule.destination] {
                    blocks.formUnion(entity.nets)
                    blocks.formUnion(entity.notNets)
                }
            }
        }
        for policy in Array(world.policies.values) + world.staged.values.map(\.policy) {
            add(policy.ingress)
            add(policy.egress)
        }
        for profile in world.profiles.values {
            add(profile.ingress)
            add(profile.egress)
        }
        for set in world.networkSets.values { blocks.formUnion(set.nets) }
        for slice in world.endpointSlices.values { for address in slice.addresses { blocks.insert(AddressBlock(address)) } }
        return blocks
    }
}
