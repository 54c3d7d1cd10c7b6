import PolicyAnalysis
import PolicyModel
import Testing

/// The answer for people, to the letter.
@Suite struct ExplanationTextTests {
    private func check(
        _ source: String, _ destination: String, _ port: String, sourcePort: UInt16? = nil, _ expected: String,
        location: SourceLocation = #_sourceLocation
    ) throws {
        let specification = try PortSpecification(port)
        let text = try Explain.explain(
            world: ExplainWorld.world(), source: #require(ExplainEnd(source)),
            destination: #require(ExplainEnd(destination)), transport: specification.transport,
            destinationPort: specification.destinationPort, sourcePort: sourcePort
        ).text
        #expect(text == expected, "what was said:\n\(text)", sourceLocation: location)
    }

    @Test func allowedByRules() throws {
        try check(
            "shop/web", "shop/db", "tcp/5432",
            """
            shop/web (10.0.0.1) to shop/db (10.0.0.2), TCP port 5432: Allow
              rules name source ports and none was given: 49152 is assumed

            egress of shop/web: Allow, rule 0 of NetworkPolicy shop/other in tier default
              tier security (order 100, default action Deny)
                GlobalNetworkPolicy security.guard (order 10) does not apply: types leave out egress
                GlobalNetworkPolicy security.out (order 20) does not apply: namespaceSelector zone == "green"
                    leaves out shop
                no policy selects shop/web for egress: next tier
              tier audit (order 200.5, default action Pass)
                NetworkPolicy shop/audit.watch (no order) does not apply: types leave out egress
                no policy selects shop/web for egress: next tier
              tier default (order 1000000, default action Deny)
                NetworkPolicy shop/allow-web (order 1.5) does not apply: types leave out egress
                NetworkPolicy shop/closed (no order) does not apply: types leave out egress
                NetworkPolicy shop/other (no order)
                  rule 0 Allow: matches destination.selector all()
              NetworkPolicy shop/stray does not act: its tier does not exist

            ingress of shop/db: Allow, rule 0 of NetworkPolicy shop/allow-web in tier default
              tier security (order 100, default action Deny)
                GlobalNetworkPolicy security.guard (order 10)
                  rule 0 Deny: source.nets 192.0.2.0/24 do not hold 10.0.0.1
                  rule 1 Deny: protocol UDP is not TCP
                  rule 2 Pass: matches source.namespaceSelector zone == "red"
                GlobalNetworkPolicy security.out (order 20) does not apply: types leave out ingress
                passed on: next tier
              tier audit (order 200.5, default action Pass)
                NetworkPolicy shop/audit.watch (no order)
                  rule 0 Deny: source.ports 1:1023 do not hold 49152
                end of tier: no rule matched, default action Pass: next tier
              tier default (order 1000000, default action Deny)
                NetworkPolicy shop/allow-web (order 1.5)
                  rule 0 Allow: matches protocol TCP, source.selector app == "web", destination.ports 5432
                NetworkPolicy shop/closed (no order)
                  not asked: a rule before it matched
                NetworkPolicy shop/other (no order) does not apply: selector app == "web" leaves out shop/db
              NetworkPolicy shop/stray does not act: its tier does not exist
            """)
    }

    @Test func deniedAtTheEndOfATier() throws {
        try check(
            "lab/stranger", "shop/db", "tcp/22", sourcePort: 22,
            """
            lab/stranger (10.0.9.9) to shop/db (10.0.0.2), TCP port 22: Deny

            egress of lab/stranger: Allow, profile kns.lab
              tier security (order 100, default action Deny)
                GlobalNetworkPolicy security.guard (order 10) does not apply: types leave out egress
                GlobalNetworkPolicy security.out (order 20) does not apply: namespaceSelector zone == "green"
                    leaves out lab
                no policy selects lab/stranger for egress: next tier
              tier audit (order 200.5, default action Pass)
                NetworkPolicy shop/audit.watch (no order) does not apply: types leave out egress
                no policy selects lab/stranger for egress: next tier
              tier default (order 1000000, default action Deny)
                NetworkPolicy shop/allow-web (order 1.5) does not apply: types leave out egress
                NetworkPolicy shop/closed (no order) does not apply: types leave out egress
                NetworkPolicy shop/other (no order) does not apply: lab/stranger is in another namespace
                no policy selects lab/stranger for egress: next tier
              NetworkPolicy shop/stray does not act: its tier does not exist
              profile kns.lab
                rule 0 Allow: matches everything

            ingress of shop/db: Deny, end of tier security
              tier security (order 100, default action Deny)
                GlobalNetworkPolicy security.guard (order 10)
                  rule 0 Deny: source.nets 192.0.2.0/24 do not hold 10.0.9.9
                  rule 1 Deny: protocol UDP is not TCP
                  rule 2 Pass: source.namespaceSelector zone == "red" does not match the namespace of
                      lab/stranger (10.0.9.9)
                GlobalNetworkPolicy security.out (order 20) does not apply: types leave out ingress
                end of tier: no rule matched, default action Deny, because of
                  GlobalNetworkPolicy security.guard
              NetworkPolicy shop/stray does not act: its tier does not exist
            """)
    }

    @Test func deniedByARule() throws {
        try check(
            "192.0.2.7", "shop/db", "icmp/8/0",
            """
            192.0.2.7 to shop/db (10.0.0.2), ICMP type 8 code 0: Deny

            ingress of shop/db: Deny, rule 0 of GlobalNetworkPolicy security.guard in tier security
              tier security (order 100, default action Deny)
                GlobalNetworkPolicy security.guard (order 10)
                  rule 0 Deny: matches source.nets 192.0.2.0/24
                GlobalNetworkPolicy security.out (order 20) does not apply: types leave out ingress
              NetworkPolicy shop/stray does not act: its tier does not exist
            """)
    }

    @Test func theHost() throws {
        try check(
            "host", "shop/db", "47",
            """
            host to shop/db (10.0.0.2), protocol 47: Allow
              the host's address is not known: nets are compared with 0.0.0.0

            ingress of shop/db: Allow, local host
              the host's own traffic to its workloads is always allowed
            """)
    }

    @Test func itself() throws {
        try check(
            "shop/db", "shop/db", "udp/53",
            """
            shop/db (10.0.0.2) to shop/db (10.0.0.2), UDP port 53: Allow

            egress of shop/db: Allow, self
              no policy is asked about a workload that talks to itself

            ingress of shop/db: Allow, self
              no policy is asked about a workload that talks to itself
            """)
    }

    @Test func nobody() throws {
        try check(
            "192.0.2.1", "192.0.2.2", "udp/53",
            """
            192.0.2.1 to 192.0.2.2, UDP port 53: Allow
              neither end is a workload: no policy is asked
            """)
    }

    @Test func withoutAProfile() throws {
        try check(
            "gone/lost", "2001:db8:ffff::1", "tcp/80",
            """
            gone/lost (2001:db8::9) to 2001:db8:ffff::1, TCP port 80: Deny

            egress of gone/lost: Deny, no profile
              tier security (order 100, default action Deny)
                GlobalNetworkPolicy security.guard (order 10) does not apply: types leave out egress
                GlobalNetworkPolicy security.out (order 20) does not apply: namespaceSelector zone == "green"
                    leaves out gone
                no policy selects gone/lost for egress: next tier
              tier audit (order 200.5, default action Pass)
                NetworkPolicy shop/audit.watch (no order) does not apply: types leave out egress
                no policy selects gone/lost for egress: next tier
              tier default (order 1000000, default action Deny)
                NetworkPolicy shop/allow-web (order 1.5) does not apply: types leave out egress
                NetworkPolicy shop/closed (no order) does not apply: types leave out egress
                NetworkPolicy shop/other (no order) does not apply: gone/lost is in another namespace
                no policy selects gone/lost for egress: next tier
              NetworkPolicy shop/stray does not act: its tier does not exist
              profile kns.gone does not exist, for there is no namespace gone: denied
            """)
    }
}
