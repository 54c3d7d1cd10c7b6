import PolicyModel

extension PlantedFault {
    /// Of the order in which things are asked, and of what comes at the end.
    static let ofOrder: [Self] = [
        ofPolicies("policyOrderSwapped") { $0.order = $0.order.map { -$0 } },
        Self("tierOrderSwapped") { world in
            world.tiers = world.tiers.mapValues { with($0) { $0.order = $0.order.map { -$0 } } }
        },
        ofPolicies("missingOrderFirst") { $0.order = $0.order ?? -1_000_000 },
        Self("tiesByNamespaceFirst") { breakTies(in: &$0) { [$0.namespace, $0.name, $0.kind] } },
        Self("kubernetesTiesByWholeName") { breakTies(in: &$0) { ["\($0.name)/\($0.namespace)/\($0.kind)"] } },
        Self("endOfTierSkipped") { world in
            world.tiers = world.tiers.mapValues { with($0) { $0.defaultAction = .pass } }
        },
        Self("defaultActionPassIgnored") { world in
            world.tiers = world.tiers.mapValues { with($0) { $0.defaultAction = .deny } }
        },
        ofPolicies("typesIgnored") { $0.directions = [.ingress, .egress] },
        ofPolicies("lastRuleLost") { policy in
            policy.ingress = policy.ingress.dropLast()
            policy.egress = policy.egress.dropLast()
        },
        Self("policyOfMissingTierActs") { world in
            for (reference, policy) in world.policies where world.tiers[policy.tier] == nil {
                world.policies[reference]?.tier = Tier.defaultName
            }
        },
    ]

    /// Of actions.
    static let ofRules: [Self] = [
        ofEveryRule("passAsAllow") { rule, _ in if rule.action == .pass { rule.action = .allow } },
        ofEveryRule("passAsDeny") { rule, _ in if rule.action == .pass { rule.action = .deny } },
        ofEveryRule("logAsAllow") { rule, _ in if rule.action == .log { rule.action = .allow } },
        ofEveryRule("logAsPass") { rule, _ in if rule.action == .log { rule.action = .pass } },
        ofEveryRule("logDecides") { rule, _ in if rule.action == .log { rule.action = .deny } },
        Self("logsForgotten", .logged) { world in
            // A rule that matches nothing keeps its place.
            let never = ofEveryRule("") { rule, _ in
                if rule.action == .log { (rule.transport, rule.notTransport) = (.tcp, .tcp) }
            }
            world = never.apply(to: world)
        },
        ofPolicies("denyActionOfPoliciesIgnored", .rejection) { $0.denyAction = nil },
        Self("denyActionOfTiersIgnored", .rejection) { world in
            world.tiers = world.tiers.mapValues { with($0) { $0.denyAction = .drop } }
        },
        Self("tierRejectsForItsPolicies", .rejection) { world in
            for (reference, policy) in world.policies where world.tiers[policy.tier]?.denyAction == .reject {
                world.policies[reference]?.denyAction = .reject
            }
        },
    ]

    /// Of the world beside policies, or of policies as wholes.
    static let ofWholes: [Self] = [
        ofPolicies("policyNamespaceSelectorIgnored") { $0.namespaceSelector = nil },
        ofPolicies("policyServiceAccountSelectorIgnored") { $0.serviceAccountSelector = nil },
        Self("profileListIgnored") { world in
            world.endpoints = world.endpoints.mapValues { with($0) { $0.profiles = nil } }
        },
        Self("profilesInReverse") { world in
            world.endpoints = world.endpoints.mapValues { with($0) { $0.profiles = $0.profiles?.reversed() } }
        },
        Self("missingProfilePassedOver") { world in
            let known = world.profiles.keys
            world.endpoints = world.endpoints.mapValues { endpoint in
                with(endpoint) { $0.profiles = $0.profiles?.filter { known.contains($0) || $0 != "missing" } }
            }
        },
        Self("onlyFirstProfileAsked") { world in
            world.endpoints = world.endpoints.mapValues { with($0) { $0.profiles = $0.profiles.map { Array($0.prefix(1)) } } }
        },
        Self("profileDirectionsSwapped") { world in
            world.profiles = world.profiles.mapValues { with($0) { ($0.ingress, $0.egress) = ($0.egress, $0.ingress) } }
        },
        Self("profileLabelsNotInherited") { world in
            world.profiles = world.profiles.mapValues { with($0) { $0.labels = [:] } }
        },
        Self("stagedIgnored", .pending) { $0.staged = [:] },
        Self("stagedDeleteIgnored", .pending) { world in
            world.staged = world.staged.filter { $0.value.action != .delete }
        },
        Self("stagedBesideInsteadOfInPlace", .pending) { world in
            for (reference, staged) in world.staged where staged.action != .delete {
                world.staged[reference]?.policy.reference.name = staged.policy.reference.name + "-staged"
            }
        },
        Self("learnIgnored", .pending) { world in
            world.staged = world.staged.filter { $0.value.action != .learn }
        },
        Self("ignoreActs", .pending) { world in
            world.staged = world.staged.mapValues { with($0) { if $0.action == .ignore { $0.action = .set } } }
        },
        Self("stagedOrderIgnored", .pending) { world in
            for (reference, staged) in world.staged {
                guard let enforced = world.policies[staged.policy.reference] else { continue }
                world.staged[reference]?.policy.order = enforced.order
            }
        },
        Self("stagedEnforced") { world in
            for staged in world.staged.values where staged.action != .ignore {
                world.policies[staged.policy.reference] = staged.action == .delete ? nil : staged.policy
            }
        },
    ]

    /// Gives every policy an order of its own, by its order and then by what `key` says.
    private static func breakTies(in world: inout PolicyWorld, by key: (PolicyReference) -> [String]) {
        let ordered = world.policies.values.sorted { left, right in
            let (leftOrder, rightOrder) = (left.order ?? .infinity, right.order ?? .infinity)
            if leftOrder != rightOrder { return leftOrder < rightOrder }
            return key(left.reference).lexicographicallyPrecedes(key(right.reference))
        }
        for (rank, policy) in ordered.enumerated() { world.policies[policy.reference]?.order = Double(rank) }
    }
}
