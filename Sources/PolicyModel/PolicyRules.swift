/// What Calico's validator demands of policies and profiles, and our limits.
enum PolicyRules {
    /// What the rules of an object stand in.
    enum Scope {
        /// Rules without a namespace for services mean the object's own.
        case namespaced
        case cluster
        case profile
    }

    /// A NetworkPolicy or GlobalNetworkPolicy, also a staged one that replaces or adds something.
    static func check(_ spec: JSONValue?, path: String, scope: Scope, into errors: inout [FieldError]) {
        guard let spec else { return }
        checkTier(spec["tier"], path: "\(path).tier", into: &errors)
        for member in ["selector", "serviceAccountSelector"] {
            checkSelector(spec[member], path: "\(path).\(member)", into: &errors)
        }
        if scope == .cluster {
            checkSelector(spec["namespaceSelector"], path: "\(path).namespaceSelector", into: &errors)
        }
        checkOnce(spec["types"], path: "\(path).types", into: &errors)
        checkOnce(spec["performanceHints"], path: "\(path).performanceHints", into: &errors)
        checkRules(spec, path: path, scope: scope, into: &errors)
    }

    /// A staged policy: its action is known, and Delete stands alone.
    static func checkStaged(
        _ spec: JSONValue?, path: String, into errors: inout [FieldError], whenSet check: (inout [FieldError]) -> Void
    ) {
        guard spec?["stagedAction"]?.stringValue == StagedPolicy.Action.delete.rawValue else { return check(&errors) }
        checkTier(spec?["tier"], path: "\(path).tier", into: &errors)
        for (member, value) in (spec?.objectValue ?? [:]).sorted(by: { $0.key < $1.key })
        where member != "tier" && member != "stagedAction" && !asksForNothing(value) {
            errors.fail(
                "\(path).\(member)", "must be absent where stagedAction is Delete: the policy of that name is judged as gone")
        }
    }

    /// The rules of both directions.
    static func checkRules(_ spec: JSONValue, path: String, scope: Scope, into errors: inout [FieldError]) {
        for direction in Direction.allCases {
            let member = direction == .ingress ? "ingress" : "egress"
            guard let rules = spec[member]?.arrayValue else { continue }
            if rules.count > ObjectLimits.rulesPerDirection {
                errors.fail(
                    "\(path).\(member)",
                    "\(rules.count) rules are more than the limit of \(ObjectLimits.rulesPerDirection): split the policy")
                continue
            }
            for (index, rule) in rules.enumerated() {
                RuleRules.check(
                    rule, path: "\(path).\(member)[\(index)]", direction: direction, scope: scope, into: &errors)
            }
        }
    }

    /// Where a selector may compare with the endpoint that the policy applies to.
    static let placeOfComparisons =
        "sameNamespace() and sameLabel() can stand only in the selector of a GlobalNetworkPolicy's peer: the source of ingress "
        + "rules, the destination of egress rules"

    /// A selector of endpoints or, for a policy as a whole, of namespaces or service accounts.
    ///
    /// - Parameter compares: it may compare with the endpoint that the policy applies to.
    static func checkSelector(
        _ value: JSONValue?, path: String, compares: Bool = false, into errors: inout [FieldError]
    ) {
        guard let text = value?.stringValue else { return }
        do {
            let selector = try Selector(text)
            if !compares, !selector.subjectKeys.isEmpty { errors.fail(path, placeOfComparisons) }
            if selector.mentionsGlobal {
                errors.fail(path, "global() can stand only in the namespaceSelector of a rule's source or destination")
            }
        } catch {
            errors.fail(path, error.description)
        }
    }

    static func checkTier(_ value: JSONValue?, path: String, into errors: inout [FieldError]) {
        guard let tier = value?.stringValue, !tier.isEmpty, !NameRules.isLabel(tier) else { return }
        errors.fail(path, "\(tier.quoted) is no valid name: \(NameRules.labelForm)")
    }

    /// A list in which no text stands twice.
    static func checkOnce(_ value: JSONValue?, path: String, into errors: inout [FieldError]) {
        var seen: Set<String> = []
        for (index, element) in (value?.arrayValue ?? []).enumerated() {
            guard let text = element.stringValue else { continue }
            if !seen.insert(text).inserted { errors.fail("\(path)[\(index)]", "\(text.quoted) is given more than once") }
        }
    }

    private static func asksForNothing(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false), .string(""): true
        case .array(let elements): elements.isEmpty
        case .object(let members): members.isEmpty
        default: false
        }
    }

    /// Whole numbers written with a fraction (`80.0`) as what they are.
    static func normalized(_ value: JSONValue) -> JSONValue { value.integerValue.map { .integer($0) } ?? value }
}

/// What Calico demands of tiers that it knows by name.
enum TierRules {
    /// Tiers whose place is fixed.
    static let reserved: [String: (order: Double, defaultAction: Tier.DefaultAction)] = Dictionary(
        Tier.builtIn.map { ($0.name, ($0.order ?? 0, $0.defaultAction)) }) { first, _ in first }

    static func check(_ spec: JSONValue?, name: String, into errors: inout [FieldError]) {
        guard let fixed = reserved[name] else { return }
        if let order = spec?["order"]?.numberValue, order != fixed.order {
            errors.fail("spec.order", "the order of the tier \(name) is \(Int64(fixed.order)) and cannot be changed")
        }
        if let action = spec?["defaultAction"]?.stringValue, action != fixed.defaultAction.rawValue {
            errors.fail(
                "spec.defaultAction",
                "the default action of the tier \(name) is \(fixed.defaultAction.rawValue) and cannot be changed")
        }
    }
}
