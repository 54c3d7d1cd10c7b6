import PolicyModel

/// A mistake that a compiler could make, as a change to the world that it is given. A comparison that does not notice one
/// of them is not worth its time.
public struct PlantedFault: Sendable, Hashable {
    /// What the fault changes of decisions.
    public enum Aspect: Sendable, Hashable {
        case verdict
        case pending
        case rejection
        case logged
    }

    public let rawValue: String
    public let aspect: Aspect
    private let change: @Sendable (inout PolicyWorld) -> Void

    init(
        _ name: String, _ aspect: Aspect = .verdict,
        _ change: @escaping @Sendable (inout PolicyWorld) -> Void
    ) {
        rawValue = name
        self.aspect = aspect
        self.change = change
    }

    /// The world as a compiler with this fault would see it.
    public func apply(to world: PolicyWorld) -> PolicyWorld {
        var world = world
        change(&world)
        return world
    }

    /// Whether a decision shows the fault to somebody who knows the right one.
    public func shows(in given: Decision?, wanted: Decision) -> Bool {
        switch aspect {
        case .verdict: given?.verdict != wanted.verdict
        case .pending: given?.pending != wanted.pending
        case .rejection: given?.rejects != wanted.rejects
        case .logged: given?.logged != wanted.logged
        }
    }

    /// Those that show by a verdict.
    public static var ofVerdicts: [Self] { allCases.filter { $0.aspect == .verdict } }

    public static let allCases: [Self] = ofOrder + ofRules + ofFields + ofPeers + ofComparisons + ofWholes

    public static func == (left: Self, right: Self) -> Bool { left.rawValue == right.rawValue }

    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

extension PlantedFault: CustomStringConvertible {
    public var description: String { rawValue }
}

// MARK: Changing parts of worlds

extension PlantedFault {
    static func ofPolicies(
        _ name: String, _ aspect: Aspect = .verdict,
        _ change: @escaping @Sendable (inout Policy) -> Void
    ) -> Self {
        Self(name, aspect) { world in
            world.policies = world.policies.mapValues { with($0, change) }
            world.staged = world.staged.mapValues { with($0) { change(&$0.policy) } }
        }
    }

    /// In policies and in profiles. `namespaced`: the rule stands in a NetworkPolicy.
    static func ofEveryRule(
        _ name: String, _ aspect: Aspect = .verdict,
        _ change: @escaping @Sendable (_ rule: inout PolicyRule, _ namespaced: Bool) -> Void
    ) -> Self {
        Self(name, aspect) { world in
            func changed(_ policy: Policy) -> Policy {
                with(policy) { policy in
                    let namespaced = policy.namespace != nil
                    policy.ingress = policy.ingress.map { with($0) { change(&$0, namespaced) } }
                    policy.egress = policy.egress.map { with($0) { change(&$0, namespaced) } }
                }
            }
            world.policies = world.policies.mapValues(changed)
            world.staged = world.staged.mapValues { with($0) { $0.policy = changed($0.policy) } }
            world.profiles = world.profiles.mapValues { profile in
                with(profile) { profile in
                    profile.ingress = profile.ingress.map { with($0) { change(&$0, false) } }
                    profile.egress = profile.egress.map { with($0) { change(&$0, false) } }
                }
            }
        }
    }

    static func ofEverySide(
        _ name: String, _ aspect: Aspect = .verdict,
        _ change: @escaping @Sendable (_ entity: inout EntityRule, _ namespaced: Bool) -> Void
    ) -> Self {
        ofEveryRule(name, aspect) { rule, namespaced in
            change(&rule.source, namespaced)
            change(&rule.destination, namespaced)
        }
    }

    /// Of policies and of rules, but for those over namespaces and accounts.
    static func ofSelectors(
        _ name: String, _ change: @escaping @Sendable (Selector) -> Selector
    ) -> Self {
        Self(name) { world in
            let policies = ofPolicies("") { $0.selector = change($0.selector) }
            let rules = ofEverySide("") { entity, _ in
                entity.selector = entity.selector.map(change)
                entity.notSelector = entity.notSelector.map(change)
            }
            world = rules.apply(to: policies.apply(to: world))
        }
    }

    static func with<Value>(_ value: Value, _ change: (inout Value) -> Void) -> Value {
        var value = value
        change(&value)
        return value
    }
}
