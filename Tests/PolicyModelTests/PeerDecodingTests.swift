import PolicyModel
import Testing

/// Network sets, profiles, service accounts, endpoint slices: what they may say, and what is read from them.
@Suite struct PeerDecodingTests {
    private static let label63 =
        "use at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, or leave it empty"

    @Test func networkSets() throws {
        let object = ValidatorTests.object(
            Kinds.networkSet, spec: ["nets": ["10.1.2.3/8", "2001:db8::1", "192.0.2.1"], "allowedEgressDomains": []],
            metadata: ["labels": ["feed": "bad"]])
        #expect(
            try NetworkSet(object: object)
                == NetworkSet(
                    namespace: "default", name: "x", labels: ["feed": "bad"],
                    nets: try ["10.0.0.0/8", "2001:db8::1/128", "192.0.2.1/32"].map { try #require(AddressBlock($0)) }))
        #expect(try NetworkSet(object: ValidatorTests.object(Kinds.globalNetworkSet)) == NetworkSet(namespace: "", name: "x"))
        for kind in [Kinds.networkSet, Kinds.globalNetworkSet] {
            try ValidatorTests.expect(
                kind, #"{"nets":["x","10.0.0.0/8","10.1.0.0/8",5]}"#,
                "spec.nets[3]: must be a text, not a number: put it in quotes",
                #"spec.nets[0]: "x" is no address block: write it as 10.0.0.0/8 or 2001:db8::/32"#,
                #"spec.nets[2]: "10.1.0.0/8" is the same block as nets[1]"#)
            try ValidatorTests.expect(
                kind, #"{"allowedEgressDomains":["example.com"]}"#,
                "spec.allowedEgressDomains: not enforced yet: spec.allowedEgressDomains")
            let labelled = ValidatorTests.object(kind, metadata: ["labels": ["projectcalico.org/namespace": "a"]])
            #expect(
                ValidatorTests.text(Validator.validate(labelled, kind: kind)) == [
                    "metadata.labels[projectcalico.org/namespace]: is given by the server: leave it out"
                ])
        }
    }

    @Test func largeNetworkSets() throws {
        let nets = (0...ObjectLimits.netsPerNetworkSet).map { JSONValue.string(IPAddress(v4: 0x0a00_0000 + UInt32($0)).description) }
        let fits = ValidatorTests.object(Kinds.globalNetworkSet, spec: ["nets": .array(Array(nets.dropLast()))])
        #expect(try NetworkSet(object: fits).nets.count == ObjectLimits.netsPerNetworkSet)
        let errors = Validator.validate(
            ValidatorTests.object(Kinds.globalNetworkSet, spec: ["nets": .array(nets)]), kind: Kinds.globalNetworkSet)
        #expect(
            ValidatorTests.text(errors) == [
                "spec.nets: 65537 nets are more than the limit of 65536: make two sets with the same labels"
            ])
    }

    @Test func profiles() throws {
        let object = ValidatorTests.object(
            Kinds.profile,
            spec: [
                "labelsToApply": ["team": "a"], "ingress": [["action": "Pass", "source": ["selector": "has(a)"]]],
                "egress": [["action": "Deny"]],
            ])
        #expect(
            try Profile(object: object)
                == Profile(
                    name: "x", labels: ["team": "a"],
                    ingress: [PolicyRule(action: .pass, source: EntityRule(selector: .has(key: "a")))],
                    egress: [PolicyRule(action: .deny)]))
        try ValidatorTests.expect(
            Kinds.profile, #"{"labelsToApply":{"a":"b c","d":1},"types":["Ingress"]}"#,
            "spec.labelsToApply[d]: must be a text, not a number: put it in quotes", #"spec.types: unknown field "spec.types""#,
            #"spec.labelsToApply[a]: "b c" is no valid label value: \#(Self.label63)"#)
        for (name, owner) in [("kns.a", "namespaces"), ("ksa.a.b", "service accounts")] {
            let errors = Validator.validate(
                ValidatorTests.object(Kinds.profile, metadata: ["name": .string(name)]), kind: Kinds.profile)
            #expect(
                ValidatorTests.text(errors) == [
                    "metadata.name: names that begin with \(name.prefix(4)) belong to the profiles of \(owner): choose another"
                ])
        }
    }

    @Test func serviceAccounts() throws {
        var object = ValidatorTests.object(Kinds.serviceAccount, metadata: ["labels": ["role": "web"]])
        object["secrets"] = [["name": "token"]]
        object["imagePullSecrets"] = [["name": "registry"]]
        object["automountServiceAccountToken"] = false
        #expect(try ServiceAccount(object: object) == ServiceAccount(namespace: "default", name: "x", labels: ["role": "web"]))
    }

    @Test func endpointSlices() throws {
        let object = try JSONValue(
            parsing: """
                {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice",
                 "metadata":{"name":"web-1","namespace":"shop","labels":{"kubernetes.io/service-name":"web"}},"addressType":"IPv4",
                 "endpoints":[{"addresses":["10.0.0.1","10.0.0.2"],"conditions":{"ready":false}},{"addresses":["10.0.0.1"],
                   "targetRef":{"kind":"Pod","name":"p","uid":"u"},"nodeName":"n","zone":"z","hints":{"forZones":[{"name":"z"}]}}],
                 "ports":[{"name":"http","port":80},{"name":"dns","protocol":"UDP","port":53,"appProtocol":"dns"},{"name":"any"}]}
                """)
        #expect(Validator.validate(object, kind: Kinds.endpointSlice) == [])
        let slice = EndpointSlice(
            namespace: "shop", name: "web-1", service: "web", addresses: [IPAddress(v4: 0x0a00_0001), IPAddress(v4: 0x0a00_0002)],
            ports: [
                EndpointSlice.Port(name: "http", transport: .tcp, port: 80),
                EndpointSlice.Port(name: "dns", transport: .udp, port: 53),
            ])
        #expect(try EndpointSlice(object: object) == slice)
        var defaulted = object
        Defaulting.apply(to: &defaulted, kind: Kinds.endpointSlice)
        #expect(defaulted["ports"]?.arrayValue?.first == ["name": "http", "port": 80, "protocol": "TCP"])
        #expect(try EndpointSlice(object: defaulted) == slice)

        var names = object
        names["addressType"] = "FQDN"
        names["endpoints"] = [["addresses": ["web.example.com"]]]
        names["metadata"]?["labels"] = [:]
        #expect(try EndpointSlice(object: names).addresses == [] && EndpointSlice(object: names).service == "")
    }

    @Test(arguments: [
        (#"{"endpoints":[{"addresses":[]}]}"#, ["endpoints[0].addresses: is required: name an address"]),
        (#"{"endpoints":[{}]}"#, ["endpoints[0].addresses: is required"]),
        (#"{"endpoints":[{"addresses":["::1"]}]}"#, [#"endpoints[0].addresses[0]: "::1" is no IPv4 address: write it as 10.0.0.1"#]),
        (#"{"endpoints":[{"addresses":["127.0.0.1"]}]}"#,
            [#"endpoints[0].addresses[0]: "127.0.0.1" cannot be the address of an endpoint: it is a loopback address"#]),
        (#"{"endpoints":[{"addresses":["10.0.0.1/32"]}]}"#, [#"endpoints[0].addresses[0]: "10.0.0.1/32" is no IPv4 address: write it as 10.0.0.1"#]),
        (#"{"endpoints":[],"ports":[{"name":"a","port":1},{"name":"a","port":70000}]}"#,
            ["ports[1].port: 70000 is out of range: use a number from 1 to 65535", #"ports[1].name: "a" is also the name of ports[0]"#]),
        (#"{"endpoints":[],"addressType":"IP"}"#, [#"addressType: "IP" is not supported: use "IPv4", "IPv6" or "FQDN""#]),
        (#"{"ports":[]}"#, ["endpoints: is required"]),
    ] as [(String, [String])])
    func refusesEndpointSlices(members: String, expected: [String]) throws {
        var object = ValidatorTests.object(Kinds.endpointSlice)
        object["addressType"] = "IPv4"
        object = JSONMergePatch.apply(try JSONValue(parsing: members), to: object)
        #expect(ValidatorTests.text(Validator.validate(object, kind: Kinds.endpointSlice)) == expected)
    }

    @Test func endpointsWithProfilesAndAccounts() throws {
        let endpoint = try WorkloadEndpoint(
            object: ValidatorTests.object(
                Kinds.workloadEndpoint,
                spec: [
                    "serviceAccountName": "web", "profiles": ["kns.default", "extra"], "mac": "02:00:00:00:00:01",
                    "ports": [["name": "http", "protocol": "TCP", "port": 80], ["protocol": "TCP", "port": 81, "hostPort": 8081]],
                ], metadata: ["labels": ["projectcalico.org/namespace": "as-written"]]))
        #expect(endpoint.serviceAccount == "web" && endpoint.profiles == ["kns.default", "extra"])
        #expect(endpoint.ports == [NamedPort(name: "http", transport: .tcp, port: 80)])
        #expect(endpoint.labels == ["projectcalico.org/namespace": "as-written"])
        let none = try WorkloadEndpoint(object: ValidatorTests.object(Kinds.workloadEndpoint, spec: ["profiles": []]))
        #expect(none.profiles == nil && none.serviceAccount.isEmpty)
    }

    @Test func hostEndpointsAreKnownAndRefused() {
        let object = ValidatorTests.object(Kinds.hostEndpoint, spec: ["node": "n", "interfaceName": "eth0"])
        #expect(
            ValidatorTests.text(Validator.validate(object, kind: Kinds.hostEndpoint)) == [
                "kind: not enforced yet: HostEndpoint: interfaces of the host are not policed by this release; police workloads with a WorkloadEndpoint"
            ])
    }

    @Test func whatAnEndpointIsAdmittedTo() throws {
        func endpoint(_ frames: String) throws -> WorkloadEndpoint {
            try WorkloadEndpoint(
                object: ValidatorTests.object(
                    Kinds.workloadEndpoint, spec: ["allowSpoofedSourcePrefixes": ["192.0.2.0/24", "2001:db8::/32"]],
                    metadata: ["annotations": ["bulkhead.io/admitted-frames": .string(frames)]]))
        }
        #expect(try endpoint("Tagged, Tunnels").admissions.frames == [.tagged, .tunnels])
        #expect(try endpoint("Tunnels").admissions.frames == [.tunnels])
        #expect(try endpoint("Tunnels").admissions.sources.map(\.description) == ["192.0.2.0/24", "2001:db8::/32"])
        #expect(try WorkloadEndpoint(object: ValidatorTests.object(Kinds.workloadEndpoint)).admissions == EndpointAdmissions())
        for text in ["tunnels", "Tagged,", "", "Tagged;Tunnels"] {
            let error = #expect(throws: ValidationError.self) { _ = try endpoint(text) }
            #expect(error?.errors.map(\.path) == ["metadata.annotations[bulkhead.io/admitted-frames]"], "\(text)")
        }
    }
}
