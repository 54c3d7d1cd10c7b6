import PolicyAnalysis
import PolicyModel
import Testing

/// What is said of fields, profiles, Log rules, rejections and staged policies, to the letter.
@Suite struct ExplainWholeLanguageTests {
    private static let fields = PolicyReference(kind: "NetworkPolicy", namespace: "shop", name: "fields")
    private static let stagedFields = PolicyReference(kind: "StagedNetworkPolicy", namespace: "shop", name: "fields")

    /// shop/db is guarded by a policy that rejects, shop/cache by profiles alone.
    private func world(staged action: StagedPolicy.Action? = nil) throws -> PolicyWorld {
        var world = PolicyWorld(
            tiers: ["default": Tier(name: "default", order: Tier.defaultOrder)],
            namespaces: ["shop": Namespace(name: "shop", labels: ["zone": "red"])])
        let endpoints = [
            WorkloadEndpoint(
                key: EndpointKey(namespace: "shop", name: "web"), labels: ["app": "web"],
                addresses: [try #require(IPAddress("10.0.0.1"))], serviceAccount: "clerk"),
            WorkloadEndpoint(
                key: EndpointKey(namespace: "shop", name: "db"), labels: ["app": "db"],
                addresses: [try #require(IPAddress("10.0.0.2"))],
                ports: [NamedPort(name: "sql", transport: .tcp, port: 5432)]),
            WorkloadEndpoint(
                key: EndpointKey(namespace: "shop", name: "cache"), labels: ["app": "cache"],
                addresses: [try #require(IPAddress("10.0.0.3"))], profiles: ["guests", "missing"]),
        ]
        for endpoint in endpoints { world.endpoints[endpoint.key] = endpoint }
        world.serviceAccounts[NamespacedName(namespace: "shop", name: "clerk")] = ServiceAccount(
            namespace: "shop", name: "clerk", labels: ["rank": "low"])
        world.networkSets[NamespacedName(namespace: "shop", name: "partners")] = NetworkSet(
            namespace: "shop", name: "partners", labels: ["kind": "partner"],
            nets: [try #require(AddressBlock("198.51.100.0/24"))])
        world.profiles["guests"] = Profile(
            name: "guests",
            ingress: [PolicyRule(action: .log), PolicyRule(action: .allow, transport: .udp), PolicyRule(action: .pass)])
        world.policies[Self.fields] = Policy(
            reference: Self.fields, order: 1, selector: try Selector("app == 'db'"), directions: [.ingress],
            ingress: try rules(), denyAction: .reject)
        world.policies[PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "accounts")] = Policy(
            reference: PolicyReference(kind: "GlobalNetworkPolicy", namespace: "", name: "accounts"), order: 2,
            serviceAccountSelector: try Selector("rank == 'low'"), directions: [.egress],
            egress: [PolicyRule(action: .allow, destination: EntityRule(services: ServiceReference(namespace: "shop", name: "db")))])
        world.endpointSlices[NamespacedName(namespace: "shop", name: "db-1")] = EndpointSlice(
            namespace: "shop", name: "db-1", service: "db", addresses: [try #require(IPAddress("10.0.0.2"))],
            ports: [EndpointSlice.Port(name: "", transport: .tcp, port: 5432)])
        if let action {
            let open = PolicyRule(action: .allow, source: EntityRule(selector: try Selector("kind == 'partner'")))
            world.staged[Self.stagedFields] = StagedPolicy(
                reference: Self.stagedFields, action: action,
                policy: Policy(
                    reference: Self.fields, order: 1, selector: try Selector("app == 'db'"), directions: [.ingress],
                    ingress: [open]))
        }
        return world
    }

    /// Each but the last two fails by one field.
    private func rules() throws -> [PolicyRule] {
        let partner = try Selector("kind == 'partner'")
        let block = { (text: String) in AddressBlock(text).map { [$0] } ?? [] }
        let range = { (first: UInt16, last: UInt16) in PortRange(first: first, last: last).map { [$0] } ?? [] }
        let from = { (entity: EntityRule) in PolicyRule(action: .allow, source: entity) }
        return [
            PolicyRule(action: .allow, version: .v6),
            PolicyRule(action: .allow, notTransport: .tcp),
            PolicyRule(action: .allow, icmp: ICMPMatch(type: 8, code: 0)),
            from(EntityRule(notNets: block("198.51.0.0/16"))),
            from(EntityRule(notNets: block("2001:db8::/32"))),
            from(EntityRule(serviceAccounts: ServiceAccountMatch(names: ["clerk", "robot"]))),
            from(EntityRule(serviceAccounts: ServiceAccountMatch(selector: try Selector("rank == 'low'")))),
            from(EntityRule(notSelector: partner)),
            from(EntityRule(services: ServiceReference(namespace: "", name: "db"))),
            PolicyRule(action: .allow, transport: .tcp, source: EntityRule(notPorts: range(49152, 65535))),
            PolicyRule(action: .allow, transport: .tcp, destination: EntityRule(ports: range(80, 80), namedPorts: ["dns"])),
            PolicyRule(action: .allow, transport: .tcp, destination: EntityRule(notNamedPorts: ["sql"])),
            PolicyRule(action: .log, transport: .tcp, source: EntityRule(selector: partner)),
            PolicyRule(
                action: .deny, version: .v4, transport: .tcp, notTransport: .udp,
                source: EntityRule(notNets: block("203.0.113.0/24"), notSelector: .has(key: "trusted")),
                destination: EntityRule(namedPorts: ["sql"], notPorts: range(1, 1023))),
        ]
    }

    private func explain(_ source: String, _ destination: String, _ port: String, _ world: PolicyWorld) throws -> Explanation {
        let specification = try PortSpecification(port)
        return try Explain.explain(
            world: world, source: #require(ExplainEnd(source)), destination: #require(ExplainEnd(destination)),
            transport: specification.transport, destinationPort: specification.destinationPort, sourcePort: 50000)
    }

    private func check(_ explanation: Explanation, _ expected: String, location: SourceLocation = #_sourceLocation) {
        #expect(explanation.text == expected, "what was said:\n\(explanation.text)", sourceLocation: location)
    }

    @Test func whyEachFieldFailed() throws {
        check(
            try explain("198.51.100.9", "shop/db", "tcp/5432", world()),
            """
            198.51.100.9 to shop/db (10.0.0.2), TCP port 5432: Deny

            ingress of shop/db: Deny, rule 13 of NetworkPolicy shop/fields in tier default
              tier default (order 1000000, default action Deny)
                NetworkPolicy shop/fields (order 1)
                  rule 0 Allow: ipVersion 6 is not 4
                  rule 1 Allow: notProtocol leaves out TCP
                  rule 2 Allow: icmp type 8 code 0 is not TCP
                  rule 3 Allow: source.notNets 198.51.0.0/16 leaves out 198.51.100.9
                  rule 4 Allow: source.notNets 2001:db8::/32 are all of the other IP version
                  rule 5 Allow: source.serviceAccounts.names clerk robot: NetworkSet shop/partners
                      (198.51.100.9) runs as none of these
                  rule 6 Allow: source.serviceAccounts.selector rank == "low" does not match the service account
                      of NetworkSet shop/partners (198.51.100.9)
                  rule 7 Allow: source.notSelector kind == "partner" leaves out NetworkSet shop/partners
                      (198.51.100.9)
                  rule 8 Allow: source.services db has no endpoint 198.51.100.9
                  rule 9 Allow: source.notPorts 49152:65535 leave out 50000
                  rule 10 Allow: destination.ports 80 dns do not hold 5432
                  rule 11 Allow: destination.notPorts sql leave out 5432
                  rule 12 Log: matches protocol TCP, source.selector kind == "partner"; logged, next rule
                  rule 13 Deny: matches ipVersion 4, protocol TCP, notProtocol UDP, source.notNets
                      203.0.113.0/24, source.notSelector has(trusted), destination.ports sql,
                      destination.notPorts 1:1023
                GlobalNetworkPolicy accounts (order 2) does not apply: types leave out ingress
              the sender is told of the denial (Reject)
            """)
    }

    @Test func servicesAndAccounts() throws {
        let text = try explain("shop/web", "shop/db", "tcp/80", world()).text
        #expect(
            text.contains(
                "      rule 0 Allow: destination.services shop/db has no endpoint 10.0.0.2, TCP port 80\n"), "\(text)")
        let other = try explain("shop/db", "shop/web", "tcp/80", world()).text
        #expect(
            other.contains(
                "    GlobalNetworkPolicy accounts (order 2) does not apply: serviceAccountSelector rank == \"low\"\n"
                    + "        leaves out shop/db\n"), "\(other)")
    }

    @Test func profilesOneAfterTheOther() throws {
        check(
            try explain("198.51.100.9", "shop/cache", "tcp/80", world()),
            """
            198.51.100.9 to shop/cache (10.0.0.3), TCP port 80: Deny

            ingress of shop/cache: Deny, no profile
              tier default (order 1000000, default action Deny)
                NetworkPolicy shop/fields (order 1) does not apply: selector app == "db" leaves out shop/cache
                GlobalNetworkPolicy accounts (order 2) does not apply: types leave out ingress
                no policy selects shop/cache for ingress: next tier
              profile guests
                rule 0 Log: matches everything; logged, next rule
                rule 1 Allow: protocol UDP is not TCP
                rule 2 Pass: matches everything
                passed on: next profile
              profile missing does not exist: denied
            """)
        let udp = try explain("198.51.100.9", "shop/cache", "udp/80", world())
        #expect(udp.text.contains("ingress of shop/cache: Allow, rule 1 of profile guests\n"), "\(udp.text)")
        #expect(
            udp.json
                == [
                    "verdict": "Allow",
                    "ends": [
                        [
                            "endpoint": "shop/cache", "direction": "ingress", "verdict": "Allow", "tier": "",
                            "kind": "Profile", "namespace": "", "policy": "guests", "rule": 1, "trigger": [],
                            "logged": [["tier": "", "kind": "Profile", "namespace": "", "policy": "guests", "rule": 0]],
                        ]
                    ],
                ])
    }

    private func end(_ verdict: JSONValue, _ kind: JSONValue, _ rule: JSONValue) -> [String: JSONValue] {
        [
            "endpoint": "shop/db", "direction": "ingress", "verdict": verdict, "tier": "default", "kind": kind,
            "namespace": "shop", "policy": "fields", "rule": rule, "trigger": [],
        ]
    }

    @Test func stagedPoliciesStandBeside() throws {
        let explanation = try explain("198.51.100.9", "shop/db", "tcp/5432", world(staged: .set))
        var enforced = end("Deny", "NetworkPolicy", 13)
        enforced["rejects"] = true
        enforced["logged"] = [
            ["tier": "default", "kind": "NetworkPolicy", "namespace": "shop", "policy": "fields", "rule": 12]
        ]
        let pending = end("Allow", "StagedNetworkPolicy", 0)
        #expect(
            explanation.json
                == [
                    "verdict": "Deny", "ends": [.object(enforced)],
                    "pending": ["verdict": "Allow", "ends": [.object(pending)]],
                ])
        let tail = """

            if the staged policies were enforced: Allow

            ingress of shop/db: Allow, rule 0 of StagedNetworkPolicy shop/fields in tier default
              tier default (order 1000000, default action Deny)
                StagedNetworkPolicy shop/fields (order 1)
                  rule 0 Allow: matches source.selector kind == "partner"
                GlobalNetworkPolicy accounts (order 2) does not apply: types leave out ingress
            """
        #expect(explanation.text.hasSuffix(tail), "\(explanation.text)")
    }

    @Test func aStagedDeletionIsToldAsAnAbsence() throws {
        let explanation = try explain("198.51.100.9", "shop/db", "tcp/5432", world(staged: .delete))
        let tail = """

            if the staged policies were enforced: Allow

            ingress of shop/db: Allow, profile kns.shop
              tier default (order 1000000, default action Deny)
                GlobalNetworkPolicy accounts (order 2) does not apply: types leave out ingress
                no policy selects shop/db for ingress: next tier
              profile kns.shop
                rule 0 Allow: matches everything
            """
        #expect(explanation.text.hasSuffix(tail), "\(explanation.text)")
    }

    @Test func theSameAnswerIsToldOnce() throws {
        let explanation = try explain("198.51.100.9", "shop/cache", "tcp/80", world(staged: .set))
        #expect(explanation.text.hasSuffix("\n\nif the staged policies were enforced: Deny, for the same reasons"))
        #expect(explanation.pendingVerdict == .deny)
        let host = try explain("host", "shop/db", "tcp/80", world(staged: .set))
        #expect(host.text.hasSuffix("\n\nif the staged policies were enforced: Allow, for the same reasons"))
    }

    @Test func ignoredStagedPoliciesAreNotTold() throws {
        let explanation = try explain("198.51.100.9", "shop/db", "tcp/5432", world(staged: .ignore))
        #expect(explanation.pendingEnds == nil)
        #expect(!explanation.text.contains("staged"))
    }
}
