import PolicyModel
import Testing

/// `sameNamespace()` and `sameLabel(KEY)`: their form, and where they may stand.
@Suite struct ComparisonTests {
    private static let place =
        "sameNamespace() and sameLabel() can stand only in the selector of a GlobalNetworkPolicy's peer: the source of ingress "
        + "rules, the destination of egress rules"

    @Test(arguments: [
        ("sameNamespace()", Selector.sameNamespace, "sameNamespace()"),
        (" sameNamespace( ) ", .sameNamespace, "sameNamespace()"),
        ("sameLabel( a.b/c )", .sameLabel(key: "a.b/c"), "sameLabel(a.b/c)"),
        ("!sameLabel(a)&&has(a)", .and([.not(.sameLabel(key: "a")), .has(key: "a")]), "!sameLabel(a) && has(a)"),
        ("!(sameNamespace() || a == 'b')", .not(.or([.sameNamespace, .equals(key: "a", value: "b")])), #"!(sameNamespace() || a == "b")"#),
        ("sameNamespace == 'a'", .equals(key: "sameNamespace", value: "a"), #"sameNamespace == "a""#),
    ])
    func forms(_ text: String, _ selector: Selector, _ printed: String) throws {
        #expect(try Selector(text) == selector)
        #expect(selector.description == printed)
        #expect(try Selector(printed) == selector)
        #expect(selector.canonical.canonical == selector.canonical)
    }

    @Test(arguments: ["sameLabel()", "sameLabel(a", "sameNamespace(a)", "samenamespace()", "sameLabel('a')", "sameLabel(a, b)"])
    func noForms(_ text: String) { #expect(throws: SelectorParseError.self) { try Selector(text) } }

    @Test func keys() throws {
        let selector = try Selector("has(x) && (sameLabel(b) || !sameNamespace())")
        #expect(selector.subjectKeys == ["b", "projectcalico.org/namespace"])
        #expect(selector.keys == ["x", "b", "projectcalico.org/namespace"])
        #expect(try Selector("has(x) || global()").subjectKeys == [])
    }

    @Test(arguments: [Kinds.globalNetworkPolicy, Kinds.stagedGlobalNetworkPolicy])
    func wherePeersAre(_ kind: ResourceKind) throws {
        for spec in [
            #"{"ingress":[{"action":"Allow","source":{"selector":"sameNamespace()"}}]}"#,
            #"{"egress":[{"action":"Deny","destination":{"selector":"!sameLabel(a) && has(a)"}}]}"#,
        ] {
            #expect(Validator.validate(ValidatorTests.object(kind, spec: try JSONValue(parsing: spec)), kind: kind) == [])
        }
    }

    @Test(arguments: [
        (Kinds.globalNetworkPolicy, #"{"ingress":[{"action":"Allow","destination":{"selector":"sameNamespace()"}}]}"#, "spec.ingress[0].destination.selector"),
        (Kinds.globalNetworkPolicy, #"{"egress":[{"action":"Allow","source":{"selector":"sameLabel(a)"}}]}"#, "spec.egress[0].source.selector"),
        (Kinds.globalNetworkPolicy, #"{"ingress":[{"action":"Allow","source":{"notSelector":"a == 'b' || sameLabel(a)"}}]}"#, "spec.ingress[0].source.notSelector"),
        (Kinds.globalNetworkPolicy, #"{"ingress":[{"action":"Allow","source":{"namespaceSelector":"sameLabel(a)"}}]}"#, "spec.ingress[0].source.namespaceSelector"),
        (Kinds.globalNetworkPolicy, #"{"ingress":[{"action":"Allow","source":{"serviceAccounts":{"selector":"sameLabel(a)"}}}]}"#, "spec.ingress[0].source.serviceAccounts.selector"),
        (Kinds.globalNetworkPolicy, #"{"selector":"sameNamespace()"}"#, "spec.selector"),
        (Kinds.globalNetworkPolicy, #"{"namespaceSelector":"sameLabel(a)"}"#, "spec.namespaceSelector"),
        (Kinds.globalNetworkPolicy, #"{"serviceAccountSelector":"sameLabel(a)"}"#, "spec.serviceAccountSelector"),
        (Kinds.networkPolicy, #"{"ingress":[{"action":"Allow","source":{"selector":"sameNamespace()"}}]}"#, "spec.ingress[0].source.selector"),
        (Kinds.stagedNetworkPolicy, #"{"ingress":[{"action":"Allow","source":{"selector":"sameLabel(a)"}}]}"#, "spec.ingress[0].source.selector"),
        (Kinds.profile, #"{"ingress":[{"action":"Allow","source":{"selector":"sameLabel(a)"}}]}"#, "spec.ingress[0].source.selector"),
    ])
    func nowhereElse(_ kind: ResourceKind, _ spec: String, _ path: String) throws {
        let object = ValidatorTests.object(kind, spec: try JSONValue(parsing: spec))
        #expect(ValidatorTests.text(Validator.validate(object, kind: kind)) == ["\(path): \(Self.place)"])
    }
}
