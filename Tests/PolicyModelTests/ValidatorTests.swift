import PolicyModel
import Testing

@Suite struct ValidatorTests {
    static func object(_ kind: ResourceKind, spec: JSONValue? = nil, metadata: JSONValue = [:]) -> JSONValue {
        var all: JSONValue = ["name": "x"]
        if kind.namespaced { all["namespace"] = "default" }
        var object: JSONValue = ["apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind)]
        object["metadata"] = JSONMergePatch.apply(metadata, to: all)
        if let spec { object["spec"] = spec }
        return object
    }

    static func text(_ errors: [FieldError]) -> [String] { errors.map { "\($0.path): \($0.message)" } }

    static func expect(
        _ kind: ResourceKind, _ spec: String, _ expected: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let errors = Validator.validate(object(kind, spec: try JSONValue(parsing: spec)), kind: kind)
        #expect(text(errors) == expected, sourceLocation: sourceLocation)
    }

    @Test(arguments: [
        #"{}"#, #"{"selector":"","tier":"","types":[]}"#, #"{"selector":null,"ingress":null,"order":null}"#,
        #"{"order":10,"selector":"all()","types":["Egress","Ingress"]}"#, #"{"order":-1.5}"#,
        #"{"tier":"security","ingress":[{"action":"Allow"},{"action":"Deny","protocol":"tcp"},{"action":"Pass","protocol":255}]}"#,
        #"{"ingress":[{"action":"Allow","protocol":"TCP","source":{},"destination":{"ports":[80,"81","100:200"]}}]}"#,
        #"{"egress":[{"action":"Allow","protocol":17,"source":{"ports":[1,"65535"]},"destination":{"ports":["1:65535",80.0]}}]}"#,
        #"{"egress":[{"action":"Allow","protocol":"UDPLite","source":{"ports":[1]}},{"action":"Deny","protocol":"132","source":{"ports":[1]}}]}"#,
        #"{"ingress":[{"action":"Allow","source":{"nets":["10.0.0.0/8","192.168.1.7","10.1.2.3/16"],"selector":"a == 'b'","namespaceSelector":"global()"}}]}"#,
        #"{"ingress":[{"action":"Allow","source":{"nets":["2001:DB8:0:0::/32"]},"destination":{"nets":["::/0"],"namespaceSelector":"team == 'x'"}}]}"#,
        #"{"ingress":[{"action":"Deny","protocol":"ICMPv6","source":{"ports":[]}}]}"#,
    ])
    func takesPolicies(spec: String) throws {
        for kind in [Kinds.networkPolicy, Kinds.globalNetworkPolicy] {
            let errors = Validator.validate(Self.object(kind, spec: try JSONValue(parsing: spec)), kind: kind)
            #expect(errors == [])
        }
    }

    @Test(arguments: [
        (#"{"ingres":[]}"#, #"spec.ingres: unknown field "spec.ingres""#),
        (#"{"ingress":[{"action":"Allow","foo":1}]}"#, #"spec.ingress[0].foo: unknown field "spec.ingress[0].foo""#),
        (#"{"egress":[{"action":"Allow"},{"action":"Allow","source":{"Nets":[]}}]}"#, #"spec.egress[1].source.Nets: unknown field "spec.egress[1].source.Nets""#),
        (#"{"ingress":[{}]}"#, "spec.ingress[0].action: is required"), (#"{"ingress":[{"action":null}]}"#, "spec.ingress[0].action: is required"),
        (#"{"ingress":[{"action":"allow"}]}"#, #"spec.ingress[0].action: "allow" is not supported: use "Allow", "Deny", "Pass" or "Log""#),
        (#"{"ingress":{}}"#, "spec.ingress: must be a list, not an object"), (#"{"ingress":["Allow"]}"#, "spec.ingress[0]: must be an object, not a text"),
        (#"{"ingress":[null]}"#, "spec.ingress[0]: must be an object, not null"),
        (#"{"order":"10"}"#, "spec.order: must be a number, not a text"), (#"{"tier":5}"#, "spec.tier: must be a text, not a number: put it in quotes"),
        (#"{"tier":"Web"}"#, #"spec.tier: "Web" is no valid name: use lower case letters, digits and '-', beginning and ending with a letter or digit, at most 63 characters"#),
        (#"{"types":["ingress"]}"#, #"spec.types[0]: "ingress" is not supported: use "Ingress" or "Egress""#),
        (#"{"types":["Ingress","Ingress"]}"#, #"spec.types[1]: "Ingress" is given more than once"#),
        (#"{"types":"Ingress"}"#, "spec.types: must be a list, not a text"),
        (#"{"selector":"app = 'x'"}"#, "spec.selector: expected ==, !=, in, not in, contains, starts with or ends with after the label app at position 5"),
        (#"{"selector":"global()"}"#, "spec.selector: global() can stand only in the namespaceSelector of a rule's source or destination"),
        (#"{"selector":["a"]}"#, "spec.selector: must be a text, not a list"),
        (#"{"ingress":[{"action":"Allow","source":{"selector":"has(a) ||"}}]}"#, "spec.ingress[0].source.selector: unexpected end, a comparison was expected at position 10"),
        (#"{"ingress":[{"action":"Allow","source":{"selector":"has(a) || global()"}}]}"#, "spec.ingress[0].source.selector: global() can stand only in the namespaceSelector of a rule's source or destination"),
        (#"{"ingress":[{"action":"Allow","source":{"namespaceSelector":"global() || has(a)"}}]}"#, "spec.ingress[0].source.namespaceSelector: global() cannot be combined with other selectors at position 1"),
        (#"{"ingress":[{"action":"Allow","protocol":"TPC"}]}"#, #"spec.ingress[0].protocol: "TPC" is no protocol: use TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite or a number from 1 to 255"#),
        (#"{"ingress":[{"action":"Allow","protocol":0}]}"#, "spec.ingress[0].protocol: 0 is no protocol: use TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite or a number from 1 to 255"),
        (#"{"ingress":[{"action":"Allow","protocol":256.0}]}"#, "spec.ingress[0].protocol: 256 is no protocol: use TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite or a number from 1 to 255"),
        (#"{"ingress":[{"action":"Allow","protocol":6.5}]}"#, "spec.ingress[0].protocol: must be a whole number or a text"),
        (#"{"ingress":[{"action":"Allow","protocol":true}]}"#, "spec.ingress[0].protocol: must be a number or a text, not a boolean"),
        (#"{"ingress":[{"action":"Allow","protocol":"TCP","destination":{"ports":[80,0]}}]}"#, "spec.ingress[0].destination.ports[1]: port 0 is out of range: ports are 1 to 65535"),
        (#"{"ingress":[{"action":"Allow","protocol":"TCP","destination":{"ports":[70000]}}]}"#, "spec.ingress[0].destination.ports[0]: port 70000 is out of range: ports are 1 to 65535"),
        (#"{"egress":[{"action":"Allow","protocol":"TCP","source":{"ports":["90:80"]}}]}"#, "spec.egress[0].source.ports[0]: the range 90:80 is reversed: write the lower port first, 80:90"),
        (#"{"egress":[{"action":"Allow","protocol":"TCP","source":{"ports":["80,81"]}}]}"#, #"spec.egress[0].source.ports[0]: "80,81" is no port: write a number, a range such as 8000:8080, or a name"#),
        (#"{"egress":[{"action":"Allow","protocol":"TCP","source":{"ports":80}}]}"#, "spec.egress[0].source.ports: must be a list, not a number"),
        (#"{"egress":[{"action":"Allow","protocol":"TCP","source":{"ports":[80.5]}}]}"#, "spec.egress[0].source.ports[0]: must be a whole number or a text"),
        (#"{"egress":[{"action":"Allow","destination":{"ports":[80]}}]}"#, "spec.egress[0].destination.ports: rules that specify ports must set protocol to TCP, UDP, SCTP or UDPLite"),
        (#"{"egress":[{"action":"Allow","protocol":"ICMP","destination":{"ports":[80]}}]}"#, "spec.egress[0].destination.ports: rules that specify ports must set protocol to TCP, UDP, SCTP or UDPLite"),
        (#"{"egress":[{"action":"Allow","protocol":47,"source":{"ports":[80]}}]}"#, "spec.egress[0].source.ports: rules that specify ports must set protocol to TCP, UDP, SCTP or UDPLite"),
        (#"{"ingress":[{"action":"Allow","source":{"nets":["10.0.0.0/33"]}}]}"#, #"spec.ingress[0].source.nets[0]: "10.0.0.0/33" is no address block: write it as 10.0.0.0/8 or 2001:db8::/32"#),
        (#"{"ingress":[{"action":"Allow","source":{"nets":["010.0.0.0/8"]}}]}"#, #"spec.ingress[0].source.nets[0]: "010.0.0.0/8" is no address block: write it as 10.0.0.0/8 or 2001:db8::/32"#),
        (#"{"ingress":[{"action":"Allow","source":{"nets":["::/0","10.0.0.0/8"]}}]}"#, "spec.ingress[0].source.nets[1]: rule contains both IPv4 and IPv6 blocks: write one rule for each version"),
        (#"{"ingress":[{"action":"Allow","source":{"nets":["::/0"]},"destination":{"nets":["10.0.0.0/8"]}}]}"#, "spec.ingress[0].destination.nets[0]: rule contains both IPv4 and IPv6 blocks: write one rule for each version"),
        (#"{"ingress":[{"action":"Allow","source":{"nets":["2001:db8::/32","2001:DB8:0::1/32"]}}]}"#, #"spec.ingress[0].source.nets[1]: "2001:DB8:0::1/32" is the same block as nets[0]"#),
        (#"{"ingress":[{"action":"Allow","source":{"nets":[10]}}]}"#, "spec.ingress[0].source.nets[0]: must be a text, not a number: put it in quotes"),
        (#"{"ingress":[{"action":"Allow","source":"x"}]}"#, "spec.ingress[0].source: must be an object, not a text"),
    ])
    func refusesPolicies(spec: String, expected: String) throws {
        for kind in [Kinds.networkPolicy, Kinds.globalNetworkPolicy] {
            let errors = Validator.validate(Self.object(kind, spec: try JSONValue(parsing: spec)), kind: kind)
            #expect(Self.text(errors) == [expected])
        }
    }

    @Test func namespaceSelectorBelongsToGlobalPolicies() throws {
        try Self.expect(Kinds.globalNetworkPolicy, #"{"namespaceSelector":"team == 'a'"}"#)
        try Self.expect(Kinds.globalNetworkPolicy, #"{"namespaceSelector":""}"#)
        try Self.expect(Kinds.networkPolicy, #"{"namespaceSelector":"all()"}"#, #"spec.namespaceSelector: unknown field "spec.namespaceSelector""#)
        try Self.expect(
            Kinds.globalNetworkPolicy, #"{"namespaceSelector":"global()"}"#,
            "spec.namespaceSelector: global() can stand only in the namespaceSelector of a rule's source or destination")
    }

    @Test func limits() throws {
        let rules = Array(repeating: #"{"action":"Allow"}"#, count: ObjectLimits.rulesPerDirection).joined(separator: ",")
        try Self.expect(Kinds.networkPolicy, "{\"ingress\":[\(rules)]}")
        try Self.expect(
            Kinds.networkPolicy, "{\"egress\":[\(rules),{\"action\":\"Deny\"}]}",
            "spec.egress: 1025 rules are more than the limit of 1024: split the policy")
        let nets = (0...ObjectLimits.netsPerEntity).map { "\"10.0.\($0 / 256).\($0 % 256)\"" }.joined(separator: ",")
        try Self.expect(
            Kinds.networkPolicy, "{\"ingress\":[{\"action\":\"Allow\",\"source\":{\"nets\":[\(nets)]}}]}",
            "spec.ingress[0].source.nets: 257 nets are more than the limit of 256: put them into a NetworkSet")
        let ports = (1...ObjectLimits.portsPerEntity + 1).map { "\($0)" }.joined(separator: ",")
        try Self.expect(
            Kinds.networkPolicy, "{\"ingress\":[{\"action\":\"Allow\",\"protocol\":\"TCP\",\"source\":{\"ports\":[\(ports)]}}]}",
            "spec.ingress[0].source.ports: 51 ports are more than the limit of 50: split the rule")
    }

    @Test func tiers() throws {
        try Self.expect(Kinds.tier, #"{"order":10,"defaultAction":"Pass"}"#)
        try Self.expect(Kinds.tier, #"{"defaultAction":"Allow"}"#, #"spec.defaultAction: "Allow" is not supported: use "Deny" or "Pass""#)
        let standard = { (spec: JSONValue) in
            Self.text(Validator.validate(Self.object(Kinds.tier, spec: spec, metadata: ["name": "default"]), kind: Kinds.tier))
        }
        #expect(standard(["order": 1_000_000, "defaultAction": "Deny"]) == [])
        #expect(standard([:]) == [])
        #expect(standard(["order": 10]) == ["spec.order: the order of the tier default is 1000000 and cannot be changed"])
        #expect(standard(["defaultAction": "Pass"]) == ["spec.defaultAction: the default action of the tier default is Deny and cannot be changed"])
        let dotted = Validator.validate(Self.object(Kinds.tier, metadata: ["name": "a.b"]), kind: Kinds.tier)
        #expect(dotted.map(\.path) == ["metadata.name"])
    }

    @Test(arguments: [
        (#"{"node":"n1","interfaceName":"veth0","ipNetworks":["10.0.0.1","10.0.0.2/32","2001:db8::1/128"]}"#, []),
        (#"{"ports":[{"name":"http","protocol":"TCP","port":80},{"name":"http","protocol":6,"port":81}]}"#, []),
        (#"{"orchestrator":"podman","workload":"w","pod":"p","endpoint":"eth0","containerID":"0aF9"}"#, []),
        (#"{"ipNetworks":["10.0.0.0/24"]}"#, [#"spec.ipNetworks[0]: "10.0.0.0/24" contains more than one address: write a bare address, or /32"#]),
        (#"{"ipNetworks":["2001:db8::/64"]}"#, [#"spec.ipNetworks[0]: "2001:db8::/64" contains more than one address: write a bare address, or /128"#]),
        (#"{"ipNetworks":["10.0.0.1","10.0.0.1/32"]}"#, [#"spec.ipNetworks[1]: "10.0.0.1/32" is the same address as ipNetworks[0]"#]),
        (#"{"ipNetworks":["x"]}"#, [#"spec.ipNetworks[0]: "x" is no address: write it as 10.0.0.1 or 2001:db8::1"#]),
        (#"{"ipNetworks":["0.0.0.0","224.0.0.1","255.255.255.255","127.0.0.1","127.255.0.1","::","::1","ff02::1","::ffff:1.2.3.4"]}"#,
            [
#"spec.ipNetworks[0]: "0.0.0.0" cannot be the address of an endpoint: it is the unspecified address"#,
                #"spec.ipNetworks[1]: "224.0.0.1" cannot be the address of an endpoint: it is a multicast address"#,
                #"spec.ipNetworks[2]: "255.255.255.255" cannot be the address of an endpoint: it is the broadcast address"#,
                #"spec.ipNetworks[3]: "127.0.0.1" cannot be the address of an endpoint: it is a loopback address"#,
                #"spec.ipNetworks[4]: "127.255.0.1" cannot be the address of an endpoint: it is a loopback address"#,
                #"spec.ipNetworks[5]: "::" cannot be the address of an endpoint: it is the unspecified address"#,
                #"spec.ipNetworks[6]: "::1" cannot be the address of an endpoint: it is the loopback address"#,
                #"spec.ipNetworks[7]: "ff02::1" cannot be the address of an endpoint: it is a multicast address"#,
                #"spec.ipNetworks[8]: "::ffff:1.2.3.4" cannot be the address of an endpoint: it is an IPv4 address in IPv6 form; write the IPv4 address"#,
            ]),
        (#"{"interfaceName":"an-interface-name"}"#, [#"spec.interfaceName: "an-interface-name" is no interface name: use at most 15 letters, digits, '-', '_' or '.'"#]),
        (#"{"interfaceName":".."}"#, [#"spec.interfaceName: ".." is no interface name: use at most 15 letters, digits, '-', '_' or '.'"#]),
        (#"{"node":"Node 1"}"#, [#"spec.node: "Node 1" is no valid name: use lower case letters, digits, '-' and '.', each part beginning and ending with a letter or digit, at most 253 characters"#]),
        (#"{"containerID":"-a"}"#, [#"spec.containerID: "-a" is no container ID: use letters, digits and '-', beginning and ending with a letter or digit"#]),
        (#"{"ports":[{"name":"Web","protocol":"ICMP","port":0}]}"#,
            [
                "spec.ports[0].port: 0 is out of range: use a number from 1 to 65535",
                #"spec.ports[0].name: "Web" is no port name: use at most 15 lower case letters, digits and single inner '-', among them a letter"#,
                #"spec.ports[0].protocol: "ICMP" has no ports: use TCP, UDP, SCTP or UDPLite"#,
            ]),
        (#"{"ports":[{"name":"a","protocol":"TCP","port":1},{"name":"a","protocol":"tcp","port":1.0}]}"#, ["spec.ports[1]: is the same as ports[0]"]),
        (#"{"ports":[{}]}"#,
            [
                "spec.ports[0].protocol: is required", "spec.ports[0].port: is required",
                "spec.ports[0].name: is required: give the port a name by which rules can refer to it",
            ]),
        (#"{"ports":[{"protocol":"TCP","port":80,"hostPort":8080,"hostIP":"192.0.2.1"}]}"#, []),
        (#"{"ports":[{"protocol":"TCP","port":80,"hostPort":8080,"hostIP":"x"}]}"#, [#"spec.ports[0].hostIP: "x" is no address: write it as 10.0.0.1 or 2001:db8::1"#]),
        (#"{"ports":[{"name":"a","protocol":"TCP","port":70000,"hostPort":80}]}"#,
            ["spec.ports[0].port: 70000 is out of range: use a number from 1 to 65535"]),
        (#"{"profiles":["kns.shop","a.b"],"serviceAccountName":"web","mac":"02:00:5E:10:00:01","ipv4Gateway":"10.0.0.1","ipv6Gateway":"2001:db8::1"}"#, []),
        (#"{"profiles":[],"mac":"","qosControls":null,"allowSpoofedSourcePrefixes":[],"ipNATs":[]}"#, []),
        (#"{"mac":"x","ipv4Gateway":"2001:db8::1","ipv6Gateway":"10.0.0.1"}"#,
            [
                #"spec.mac: "x" is no hardware address: write it as 02:00:00:00:00:01"#,
                #"spec.ipv4Gateway: "2001:db8::1" is no IPv4 address: write it as 10.0.0.1"#,
                #"spec.ipv6Gateway: "10.0.0.1" is no IPv6 address: write it as 2001:db8::1"#,
            ]),
        (#"{"profiles":["a","A","a"]}"#,
            [
                #"spec.profiles[1]: "A" is no valid name: use lower case letters, digits, '-' and '.', each part beginning and ending with a letter or digit, at most 253 characters"#,
                #"spec.profiles[2]: "a" is given more than once"#,
            ]),
        (#"{"allowSpoofedSourcePrefixes":["10.0.0.0/8","fd00::/8"],"qosControls":{},"ipNATs":[{}]}"#, []),
        (#"{"allowSpoofedSourcePrefixes":["10.0.0.0/8","10.0.0.0/33","10.0.0.0/8"]}"#,
            [
                #"spec.allowSpoofedSourcePrefixes[1]: "10.0.0.0/33" is no address block: write it as 10.0.0.0/8 or 2001:db8::/32"#,
                #"spec.allowSpoofedSourcePrefixes[2]: "10.0.0.0/8" is the same block as allowSpoofedSourcePrefixes[0]"#,
            ]),
    ] as [(String, [String])])
    func workloadEndpoints(spec: String, expected: [String]) throws {
        let errors = Validator.validate(
            Self.object(Kinds.workloadEndpoint, spec: try JSONValue(parsing: spec)), kind: Kinds.workloadEndpoint)
        #expect(Self.text(errors) == expected)
    }

    @Test(arguments: [
        (#"{"labels":{"app":"db","app.kubernetes.io/name":"x","empty":""},"annotations":{"Example.com/A":"any text\n"}}"#, []),
        (#"{"creationTimestamp":null,"managedFields":[{"x":1}],"finalizers":null,"ownerReferences":null,"uid":"u","generation":1,"resourceVersion":"5"}"#, []),
        (#"{"creationTimestamp":"2026-01-02T03:04:05Z","deletionTimestamp":"2026-01-02T03:04:05.123+01:00"}"#, []),
        (#"{"labels":{"port":80}}"#, ["metadata.labels[port]: must be a text, not a number: put it in quotes"]),
        (#"{"labels":{"a.b/on":true}}"#, ["metadata.labels[a.b/on]: must be a text, not a boolean: put it in quotes"]),
        (#"{"labels":{"a":{"b":1}}}"#, ["metadata.labels[a]: must be a text, not an object"]),
        (#"{"labels":["a"]}"#, ["metadata.labels: must be an object, not a list"]),
        (#"{"labels":{"-a":"b"}}"#, [#"metadata.labels[-a]: "-a" is no valid label key: use at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, after an optional DNS prefix and '/'"#]),
        (#"{"labels":{"a":"b c"}}"#, [#"metadata.labels[a]: "b c" is no valid label value: use at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, or leave it empty"#]),
        (#"{"annotations":{"a b":"c"}}"#, [#"metadata.annotations[a b]: "a b" is no valid annotation key: use at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, after an optional DNS prefix and '/'"#]),
        (#"{"annotations":{"a":1}}"#, ["metadata.annotations[a]: must be a text, not a number: put it in quotes"]),
        (#"{"name":"X"}"#, [#"metadata.name: "X" is no valid name: use lower case letters, digits, '-' and '.', each part beginning and ending with a letter or digit, at most 253 characters"#]),
        (#"{"name":null}"#, ["metadata.name: is required: give the object a name, or a generateName"]),
        (#"{"name":null,"generateName":"a-"}"#, []), (#"{"name":"a.b-c.1"}"#, []),
        (#"{"name":null,"generateName":"-a"}"#, [#"metadata.generateName: "-a" is no valid beginning of a name: use lower case letters, digits, '-' and '.', each part beginning and ending with a letter or digit, at most 253 characters"#]),
        (#"{"namespace":null}"#, ["metadata.namespace: is required: a NetworkPolicy belongs to a namespace"]),
        (#"{"namespace":"a.b"}"#, [#"metadata.namespace: "a.b" is no valid name: use lower case letters, digits and '-', beginning and ending with a letter or digit, at most 63 characters"#]),
        (#"{"creationTimestamp":"yesterday"}"#, [#"metadata.creationTimestamp: "yesterday" is no time: write it as 2006-01-02T15:04:05Z"#]),
        (#"{"creationTimestamp":"2026-13-02T03:04:05Z"}"#, [#"metadata.creationTimestamp: "2026-13-02T03:04:05Z" is no time: write it as 2006-01-02T15:04:05Z"#]),
        (#"{"finalizers":["a.b/c"]}"#, []),
        (#"{"ownerReferences":[{"apiVersion":"v1","kind":"K","name":"n","uid":"u"}]}"#, []),
        (#"{"generation":-1}"#, ["metadata.generation: -1 is out of range: use a number at least 0"]),
        (#"{"generation":1.5}"#, ["metadata.generation: must be a whole number"]),
        (#"{"nam":"x"}"#, [#"metadata.nam: unknown field "metadata.nam""#]),
        (#"{"finalizers":["a.b/c","kubernetes"],"ownerReferences":[{"apiVersion":"v1","kind":"K","name":"n","uid":"u","controller":true}]}"#, []),
        (#"{"finalizers":["a b"]}"#, [#"metadata.finalizers[0]: "a b" is no valid name: use at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, after an optional DNS prefix and '/'"#]),
        (#"{"ownerReferences":[{"apiVersion":"v1","kind":"","name":"n","uid":"u","controller":true},{"apiVersion":"v1","kind":"K","name":"n","uid":"u","controller":true}]}"#,
            ["metadata.ownerReferences[0].kind: must not be empty", "metadata.ownerReferences[1].controller: only one owner can be the controller"]),
        (#"{"generation":100000000000000000000}"#, ["metadata.generation: 1e+20 is out of range: use a number at least 0"]),
        (#"{"annotations":{"bulkhead.io/deny-action":"Reject"}}"#, []), (#"{"annotations":{"bulkhead.io/deny-action":"Drop"}}"#, []),
        (#"{"annotations":{"bulkhead.io/deny-action":"reject"}}"#, [#"metadata.annotations[bulkhead.io/deny-action]: "reject" is not supported: use "Drop" or "Reject""#]),
        (#"{"name":"knp.default.a"}"#, ["metadata.name: names that begin with knp. belong to Kubernetes' NetworkPolicies: choose another"]),
        (#"{"name":null,"generateName":"knp."}"#, ["metadata.generateName: names that begin with knp. belong to Kubernetes' NetworkPolicies: choose another"]),
    ] as [(String, [String])])
    func metadata(metadata: String, expected: [String]) throws {
        // A null in the case removes the default of `object`, which is how absence is written here.
        let object = Self.object(Kinds.networkPolicy, metadata: try JSONValue(parsing: metadata))
        #expect(Self.text(Validator.validate(object, kind: Kinds.networkPolicy)) == expected)
    }

    @Test func annotationsHaveALimit() {
        let large = String(repeating: "x", count: ObjectLimits.annotationBytes)
        let object = Self.object(Kinds.namespace, metadata: ["annotations": ["a": .string(large)]])
        #expect(
            Self.text(Validator.validate(object, kind: Kinds.namespace)) == [
                "metadata.annotations: the annotations have 262145 bytes, more than the limit of 262144"
            ])
    }

    @Test func wholeObjects() throws {
        #expect(Self.text(Validator.validate([], kind: Kinds.tier)) == [": the whole object must be an object, not a list"])
        #expect(
            Self.text(Validator.validate([:], kind: Kinds.tier)) == [
                "apiVersion: is required", "kind: is required", "metadata: is required",
            ])
        var object = Self.object(Kinds.tier)
        object["apiVersion"] = "projectcalico.org/v1"
        object["extra"] = 1
        object["metadata"]?["namespace"] = "a"
        let errors = Validator.validate(object, kind: Kinds.tier)
        #expect(
            Self.text(errors) == [
                #"apiVersion: "projectcalico.org/v1" is not supported: use "projectcalico.org/v3""#, #"extra: unknown field "extra""#,
                "metadata.namespace: must be absent: a Tier belongs to no namespace",
            ])
        #expect(errors.map(\.reason) == [.notSupported, .unknown, .invalid])
        #expect(Validator.validate(Self.object(Kinds.namespace, spec: ["finalizers": ["kubernetes"]]), kind: Kinds.namespace) == [])
    }

    @Test func pruningRemovesWhatIsUnknownOrNull() throws {
        var object = Self.object(
            Kinds.networkPolicy,
            spec: try JSONValue(parsing: #"{"foo":1,"tier":null,"ingress":[{"action":"Allow","bar":{},"source":{"baz":1,"nets":["::/0"]}}]}"#),
            metadata: ["labels": ["a": "b"], "nam": "x"])
        object["status"] = ["anything": .null]
        Validator.prune(&object, kind: Kinds.networkPolicy)
        var expected = Self.object(
            Kinds.networkPolicy, spec: try JSONValue(parsing: #"{"ingress":[{"action":"Allow","source":{"nets":["::/0"]}}]}"#),
            metadata: ["labels": ["a": "b"]])
        expected["status"] = ["anything": .null]
        #expect(object == expected)
        #expect(Validator.validate(object, kind: Kinds.networkPolicy) == [])
    }
}
