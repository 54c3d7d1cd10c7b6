extension Validator {
    /// What is allowed, means what Calico means by it, and is hardly what its author meant. For objects without errors.
    ///
    /// Rules for a direction that the policy does not decide; names of ports that no endpoint can give; hints that are not
    /// needed; members of endpoints that have no effect.
    public static func warnings(_ object: JSONValue, kind: ResourceKind) -> [FieldError] {
        let spec = object["spec"] ?? .null
        let staged = Kinds.enforced(kind) ?? kind
        var warnings: [FieldError] = []
        switch staged.resource {
        case Kinds.networkPolicy.resource, Kinds.globalNetworkPolicy.resource:
            warnUnusedRules(spec, types: "types", ObjectDecoding.types(spec), into: &warnings)
            warnPortNames(spec, into: &warnings)
            if spec["performanceHints"]?.arrayValue?.isEmpty == false {
                warnings.fail(
                    "spec.performanceHints",
                    "hints are kept and change nothing: every node computes the policies that concern its endpoints alone, and costs of a "
                        + "packet do not grow with them; leave them out, or keep them for Calico")
            }
        case Kinds.kubernetesNetworkPolicy.resource:
            warnUnusedRules(spec, types: "policyTypes", KubernetesPolicyExpansion.types(spec), into: &warnings)
        case Kinds.profile.resource:
            warnPortNames(spec, into: &warnings)
        case Kinds.workloadEndpoint.resource:
            for (member, effect) in [("ipNATs", "no address is translated"), ("qosControls", "nothing is limited")]
            where spec[member].map({ $0 != .null && $0 != .array([]) && $0 != .object([:]) }) == true {
                warnings.fail("spec.\(member)", "is kept and has no effect: \(effect)")
            }
        default: break
        }
        return warnings
    }

    private static func warnUnusedRules(
        _ spec: JSONValue, types member: String, _ types: [String], into warnings: inout [FieldError]
    ) {
        for (rules, type) in [("ingress", "Ingress"), ("egress", "Egress")]
        where !types.contains(type) && spec[rules]?.arrayValue?.isEmpty == false {
            warnings.fail("spec.\(rules)", "these rules do nothing: add \(type) to spec.\(member)")
        }
    }

    private static func warnPortNames(_ spec: JSONValue, into warnings: inout [FieldError]) {
        for direction in ["ingress", "egress"] {
            for (rule, value) in (spec[direction]?.arrayValue ?? []).enumerated() {
                for (side, member) in [
                    ("source", "ports"), ("source", "notPorts"), ("destination", "ports"), ("destination", "notPorts"),
                ] {
                    for (index, port) in (value[side]?[member]?.arrayValue ?? []).enumerated() {
                        // Numbers and ranges are read before names are.
                        guard let text = port.stringValue, NameRules.isCalicoPortName(text),
                            !NameRules.isEndpointPortName(text), (try? PortRange(json: port)) == nil
                        else { continue }
                        warnings.fail(
                            "spec.\(direction)[\(rule)].\(side).\(member)[\(index)]",
                            "\(text.quoted) is the name of a port, and no endpoint can have one of that name: write ranges as "
                                + "8000:8080")
                    }
                }
            }
        }
    }
}
