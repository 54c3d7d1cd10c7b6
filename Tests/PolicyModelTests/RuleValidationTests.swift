import PolicyModel
import Testing

/// A case for each thing that Calico's validator demands of a rule, and for our limits.
@Suite struct RuleValidationTests {
    @Test(arguments: [
        #"{"ipVersion":4,"protocol":"ICMP","icmp":{"type":8,"code":0}}"#, #"{"ipVersion":6,"protocol":58,"icmp":{"type":128}}"#,
        #"{"protocol":"ICMP","icmp":{}}"#, #"{"notICMP":{"type":0}}"#, #"{"notProtocol":"TCP"}"#, #"{"notProtocol":"ICMP","ipVersion":4}"#,
        #"{"protocol":"UDP","notProtocol":17}"#, #"{"source":{"notNets":["10.0.0.0/8"],"nets":["10.0.0.0/8"]}}"#,
        #"{"source":{"nets":["10.0.0.0/8"]},"destination":{"notNets":["0.0.0.0/0"]},"ipVersion":4}"#,
        #"{"source":{"notSelector":"a == 'b'","selector":"has(c)","namespaceSelector":"global()"}}"#,
        #"{"protocol":"TCP","destination":{"ports":["http","Web_1.x",80,"1:2"],"notPorts":["admin",22]}}"#,
        #"{"protocol":"TCP","destination":{"ports":["8000-8080"]}}"#,
        #"{"source":{"serviceAccounts":{}}}"#, #"{"source":{"serviceAccounts":{"names":["a","b.c"],"selector":"role == 'web'"}}}"#,
        #"{"source":{"services":{"name":"web","namespace":"shop"}}}"#,
        #"{"protocol":"TCP","source":{"services":{"name":"web","namespace":"shop"},"ports":[80],"notPorts":[81]}}"#,
        #"{"metadata":{"annotations":{"example.com/why":"any text"}}}"#, #"{"metadata":{}}"#, #"{"action":"Log"}"#,
        #"{"source":{"domains":[]}}"#,
    ])
    func takes(rule: String) throws {
        for kind in [Kinds.networkPolicy, Kinds.globalNetworkPolicy, Kinds.stagedNetworkPolicy, Kinds.stagedGlobalNetworkPolicy, Kinds.profile] {
            try ValidatorTests.expect(kind, #"{"ingress":[\#(Self.allow(rule))]}"#)
        }
    }

    @Test(arguments: [
        (#"{"ipVersion":5}"#, ["ipVersion: 5 is no version of IP: use 4 or 6"]),
        (#"{"ipVersion":7}"#, ["ipVersion: 7 is out of range: use a number from 4 to 6"]),
        (#"{"ipVersion":"4"}"#, ["ipVersion: must be a number, not a text"]),
        (#"{"ipVersion":1e20}"#, ["ipVersion: 1e+20 is out of range: use a number from 4 to 6"]),
        (#"{"ipVersion":6,"protocol":"ICMP"}"#, ["ipVersion: must be 4 beside the protocol ICMP, or absent"]),
        (#"{"ipVersion":4,"notProtocol":58}"#, ["ipVersion: must be 6 beside the notProtocol ICMPv6, or absent"]),
        (#"{"protocol":1e20}"#, ["protocol: 1e+20 is out of range"]),
        (#"{"notProtocol":"TPC"}"#, [#"notProtocol: "TPC" is no protocol: use TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite or a number from 1 to 255"#]),
        (#"{"notProtocol":0}"#, ["notProtocol: 0 is no protocol: use TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite or a number from 1 to 255"]),
        (#"{"icmp":{"type":8}}"#, ["icmp: rules that specify ICMP fields must set protocol to ICMP or ICMPv6"]),
        (#"{"protocol":"TCP","icmp":{}}"#, ["icmp: rules that specify ICMP fields must set protocol to ICMP or ICMPv6"]),
        (#"{"protocol":"ICMP","icmp":{"code":0}}"#, ["icmp.code: a code needs a type: write both, or the type alone"]),
        (#"{"notICMP":{"code":3}}"#, ["notICMP.code: a code needs a type: write both, or the type alone"]),
        (#"{"protocol":"ICMP","icmp":{"type":255}}"#, ["icmp.type: 255 is out of range: use a number from 0 to 254"]),
        (#"{"protocol":"ICMP","icmp":{"type":3,"code":256}}"#, ["icmp.code: 256 is out of range: use a number from 0 to 255"]),
        (#"{"source":{"notNets":["x"]}}"#, [#"source.notNets[0]: "x" is no address block: write it as 10.0.0.0/8 or 2001:db8::/32"#]),
        (#"{"source":{"notNets":["::/0"]},"destination":{"nets":["10.0.0.0/8"]}}"#,
            ["destination.nets[0]: rule contains both IPv4 and IPv6 blocks: write one rule for each version"]),
        (#"{"source":{"nets":["10.0.0.0/8"],"notNets":["::/0"]}}"#,
            ["source.notNets[0]: rule contains both IPv4 and IPv6 blocks: write one rule for each version"]),
        (#"{"ipVersion":6,"source":{"nets":["10.0.0.0/8"]}}"#, ["source.nets[0]: is not of the rule's ipVersion 6"]),
        (#"{"source":{"notNets":["10.0.0.0/8","10.1.0.0/8"]}}"#, [#"source.notNets[1]: "10.1.0.0/8" is the same block as notNets[0]"#]),
        (#"{"source":{"notSelector":"a =="}}"#, ["source.notSelector: expected a text in quotes at position 5"]),
        (#"{"source":{"notSelector":"global()"}}"#, ["source.notSelector: global() can stand only in the namespaceSelector of a rule's source or destination"]),
        (#"{"source":{"notPorts":[80]}}"#, ["source.notPorts: rules that specify ports must set protocol to TCP, UDP, SCTP or UDPLite"]),
        (#"{"protocol":"TCP","source":{"notPorts":[0]}}"#, ["source.notPorts[0]: port 0 is out of range: ports are 1 to 65535"]),
        (#"{"protocol":"ICMP","destination":{"ports":["http"]}}"#, ["destination.ports: rules that specify ports must set protocol to TCP, UDP, SCTP or UDPLite"]),
        (#"{"protocol":"TCP","destination":{"ports":[""]}}"#, [#"destination.ports[0]: "" is no port: write a number, a range such as 8000:8080, or a name"#]),
        (#"{"protocol":"TCP","destination":{"ports":[100000000000000000000]}}"#, ["destination.ports[0]: 1e+20 is out of range"]),
        (#"{"source":{"serviceAccounts":{"names":["A"]}}}"#,
            [#"source.serviceAccounts.names[0]: "A" is no valid name: use lower case letters, digits, '-' and '.', each part beginning and ending with a letter or digit, at most 253 characters"#]),
        (#"{"source":{"serviceAccounts":{"selector":"global()"}}}"#,
            ["source.serviceAccounts.selector: global() can stand only in the namespaceSelector of a rule's source or destination"]),
        (#"{"source":{"serviceAccounts":{"name":"a"}}}"#, [#"source.serviceAccounts.name: unknown field "spec.ingress[0].source.serviceAccounts.name""#]),
        (#"{"source":{"services":{}}}"#, ["source.services.name: is required: name the service"]),
        (#"{"source":{"services":{"name":"Web"}}}"#,
            [#"source.services.name: "Web" is no valid name: use lower case letters, digits, '-' and '.', each part beginning and ending with a letter or digit, at most 253 characters"#]),
        (#"{"destination":{"services":{"name":"web","namespace":"shop"}}}"#,
            ["destination.services: cannot be the destination of an ingress rule: that is the endpoint itself; use source"]),
        (#"{"source":{"services":{"name":"web"},"selector":"all()","nets":["10.0.0.0/8"]}}"#,
            ["source.services: cannot stand beside selector: the service says the addresses", "source.services: cannot stand beside nets: the service says the addresses"]),
        (#"{"source":{"services":{"name":"web"},"serviceAccounts":{}}}"#, ["source.services: cannot stand beside serviceAccounts: the service says the addresses"]),
        (#"{"metadata":{"annotations":{"a b":"c"}}}"#,
            [#"metadata.annotations[a b]: "a b" is no valid annotation key: use at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, after an optional DNS prefix and '/'"#]),
        (#"{"metadata":{"annotations":{"a":1}}}"#, ["metadata.annotations[a]: must be a text, not a number: put it in quotes"]),
        (#"{"http":{"methods":["GET"]}}"#, ["http: not enforced yet: spec.ingress[0].http"]),
        (#"{"source":{"domains":["example.com"]}}"#, ["source.domains: not enforced yet: spec.ingress[0].source.domains"]),
    ] as [(String, [String])])
    func refuses(rule: String, expected: [String]) throws {
        let spec = try JSONValue(parsing: #"{"ingress":[\#(Self.allow(rule))]}"#)
        let errors = Validator.validate(ValidatorTests.object(Kinds.networkPolicy, spec: spec), kind: Kinds.networkPolicy)
        #expect(ValidatorTests.text(errors) == expected.map { "spec.ingress[0].\($0)" })
        let isRead = (try? Policy(object: ValidatorTests.object(Kinds.networkPolicy, spec: spec))) != nil
        #expect(isRead == errors.allSatisfy { $0.reason == .unknown }, "only unknown members are passed over")
    }

    @Test func servicesDependOnDirectionAndNamespace() throws {
        let egress = #"{"egress":[{"action":"Allow","destination":{"services":{"name":"web"}}}]}"#
        try ValidatorTests.expect(Kinds.networkPolicy, egress)
        let required = "spec.egress[0].destination.services.namespace: is required outside a NetworkPolicy: name the service's namespace"
        try ValidatorTests.expect(Kinds.globalNetworkPolicy, egress, required)
        try ValidatorTests.expect(Kinds.profile, egress, required)
        try ValidatorTests.expect(
            Kinds.networkPolicy, #"{"egress":[{"action":"Allow","source":{"services":{"name":"web"}}}]}"#,
            "spec.egress[0].source.services: cannot be the source of an egress rule: that is the endpoint itself; use destination")
        try ValidatorTests.expect(
            Kinds.networkPolicy,
            #"{"egress":[{"action":"Allow","protocol":"TCP","destination":{"services":{"name":"web"},"ports":[80],"notPorts":[81]}}]}"#,
            "spec.egress[0].destination.services: cannot stand beside ports: the service says the ports",
            "spec.egress[0].destination.services: cannot stand beside notPorts: the service says the ports")
    }

    @Test func whatMayStillBeRefusedIsRefusedOnlyWhenItAsksForSomething() throws {
        for member in ["doNotTrack", "preDNAT", "applyOnForward"] {
            for kind in [Kinds.globalNetworkPolicy, Kinds.stagedGlobalNetworkPolicy] {
                try ValidatorTests.expect(kind, "{\"\(member)\":true}", "spec.\(member): not enforced yet: spec.\(member)")
                try ValidatorTests.expect(kind, "{\"\(member)\":false}")
            }
            try ValidatorTests.expect(Kinds.networkPolicy, "{\"\(member)\":true}", "spec.\(member): unknown field \"spec.\(member)\"")
        }
        try ValidatorTests.expect(
            Kinds.globalNetworkPolicy,
            #"{"serviceAccountSelector":"role == 'a'","performanceHints":["AssumeNeededOnEveryNode"],"applyOnForward":false}"#)
        try ValidatorTests.expect(
            Kinds.networkPolicy, #"{"serviceAccountSelector":"global()","performanceHints":["AssumeNeededOnEveryNode","AssumeNeededOnEveryNode"]}"#,
            "spec.serviceAccountSelector: global() can stand only in the namespaceSelector of a rule's source or destination",
            #"spec.performanceHints[1]: "AssumeNeededOnEveryNode" is given more than once"#)
        try ValidatorTests.expect(
            Kinds.networkPolicy, #"{"performanceHints":["x"]}"#,
            #"spec.performanceHints[0]: "x" is not supported: use "AssumeNeededOnEveryNode""#)
    }

    @Test func limitsOfSides() throws {
        let blocks = (0...ObjectLimits.netsPerEntity).map { "\"10.0.\($0 / 256).\($0 % 256)\"" }.joined(separator: ",")
        let ports = (1...ObjectLimits.portsPerEntity + 1).map { "\"p\($0)\"" }.joined(separator: ",")
        let names = (0...ObjectLimits.serviceAccountsPerEntity).map { "\"a\($0)\"" }.joined(separator: ",")
        try ValidatorTests.expect(
            Kinds.networkPolicy,
            #"{"ingress":[{"action":"Deny","protocol":"TCP","source":{"notNets":[\#(blocks)],"notPorts":[\#(ports)],"serviceAccounts":{"names":[\#(names)]}}}]}"#,
            "spec.ingress[0].source.notNets: 257 nets are more than the limit of 256: put them into a NetworkSet",
            "spec.ingress[0].source.serviceAccounts.names: 257 names are more than the limit of 256: use a selector",
            "spec.ingress[0].source.notPorts: 51 ports are more than the limit of 50: split the rule")
    }

    /// An object of errors has a bounded answer, and unknown members never hide what is wrong.
    @Test func answersAreBounded() {
        let wrong = JSONValue.array(Array(repeating: ["action": "Never", "source": ["nets": ["x"]]], count: 1000))
        let errors = Validator.validate(ValidatorTests.object(Kinds.networkPolicy, spec: ["ingress": wrong]), kind: Kinds.networkPolicy)
        #expect(errors.count == 2 * ObjectLimits.reportedErrors)
        var unknown: [String: JSONValue] = [:]
        for number in 0..<1000 { unknown["x\(number)"] = 1 }
        unknown["types"] = ["None"]
        let hidden = Validator.validate(ValidatorTests.object(Kinds.networkPolicy, spec: .object(unknown)), kind: Kinds.networkPolicy)
        #expect(hidden.count { $0.reason == .unknown } == ObjectLimits.reportedErrors)
        #expect(hidden.filter { $0.reason != .unknown }.map(\.path) == ["spec.types[0]"])
    }

    private static func allow(_ rule: String) -> String {
        if rule.contains("\"action\"") { return rule }
        return rule == "{}" ? #"{"action":"Allow"}"# : #"{"action":"Allow","# + rule.dropFirst()
    }
}
