import PolicyModel
import Testing

/// Objects of every kind into the world and out of it.
@Suite struct PolicyWorldTests {
    private static func name(_ kind: ResourceKind) -> String { kind.kind == "BaselineAdminNetworkPolicy" ? "default" : "x" }

    /// The smallest object of a kind.
    private static func object(_ kind: ResourceKind) -> JSONValue {
        var object = ValidatorTests.object(kind)
        if kind.resource == Kinds.endpointSlice.resource {
            object["addressType"] = "IPv4"
            object["endpoints"] = []
        }
        if kind.group == "policy.networking.k8s.io" {
            object["spec"] = ["subject": ["namespaces": [:]]]
            if kind.kind != "BaselineAdminNetworkPolicy" { object["spec"]?["priority"] = 1 }
            if kind.kind == "ClusterNetworkPolicy" { object["spec"]?["tier"] = "Admin" }
            object["metadata"]?["name"] = .string(name(kind))
        }
        if kind.resource == Kinds.event.resource { object["involvedObject"] = ["kind": "Node", "name": "n"] }
        return object
    }

    @Test func everyKind() throws {
        var full = PolicyWorld()
        for kind in Kinds.all where kind.refusal == nil {
            var world = PolicyWorld()
            let object = Self.object(kind)
            let says = PolicyWorld.resources.contains(kind.resource)
            let isChanged = try world.set(object)
            #expect(isChanged == says, "\(kind.resource)")
            #expect((world != PolicyWorld()) == says)
            let isChangedAgain = try world.set(object)
            #expect(!isChangedAgain, "the same again changes nothing: \(kind.resource)")
            let before = world
            let isOtherRemoved = world.remove(resource: kind.resource, namespace: "default", name: "other")
            #expect(!isOtherRemoved && world == before)
            try full.set(object)
            let isRemoved = world.remove(resource: kind.resource, namespace: kind.namespaced ? "default" : "", name: Self.name(kind))
            #expect(isRemoved == says)
            #expect(world == PolicyWorld(), "\(kind.resource) leaves nothing")
        }
        #expect(full.policies.count == 6 && full.staged.count == 3 && full.networkSets.count == 2, "names are told apart by kind")
        #expect(full.tiers.count == 1 && full.namespaces.count == 1 && full.endpoints.count == 1 && full.profiles.count == 1)
        #expect(full.serviceAccounts.count == 1 && full.endpointSlices.count == 1)
        for kind in Kinds.all { full.remove(resource: kind.resource, namespace: kind.namespaced ? "default" : "", name: Self.name(kind)) }
        #expect(full == PolicyWorld())
    }

    @Test func whatCannotBeReadChangesNothing() throws {
        for kind in Kinds.all {
            var world = PolicyWorld()
            if kind.refusal == nil { try world.set(Self.object(kind)) }
            let before = world
            var object = Self.object(kind)
            object["metadata"]?["labels"] = ["a": 1]
            let error = #expect(throws: ValidationError.self) { try world.set(object) }
            #expect(error?.errors.contains { $0.path == "metadata.labels[a]" } == true)
            #expect(world == before)
        }
    }

    @Test func storedKindsKeepWhatKubectlWrites() throws {
        let documents = [
            #"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"d"},"type":"Opaque","data":{"key.pem":"YWJj"},"immutable":true}"#,
            #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"d"},"data":{"a":"b"},"binaryData":{"c":"AA=="}}"#,
            #"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"d"},"spec":{"selector":{"app":"web"},"clusterIP":"None","ports":[{"name":"http","port":80,"targetPort":"http"},{"name":"dns","port":53,"protocol":"UDP","targetPort":5353}]},"status":{"loadBalancer":{}}}"#,
            #"{"apiVersion":"v1","kind":"Event","metadata":{"name":"e","namespace":"d"},"involvedObject":{"kind":"WorkloadEndpoint","name":"w"},"reason":"Started","message":"m","type":"Normal","firstTimestamp":"2026-01-02T03:04:05Z","eventTime":"2026-01-02T03:04:05.000000Z","count":3,"source":{"component":"c"}}"#,
        ]
        for document in documents {
            let object = try JSONValue(parsing: document)
            let kind = try #require(Kinds.find(object))
            #expect(Validator.validate(object, kind: kind) == [])
            var pruned = object
            Validator.prune(&pruned, kind: kind)
            #expect(pruned == object)
            var world = PolicyWorld()
            let isChanged = try world.set(object)
            #expect(!isChanged)
        }
    }

    @Test func secretsAndServicesAreCheckedAndCompleted() throws {
        var secret = ValidatorTests.object(Kinds.secret)
        secret["stringData"] = ["a": "b", "empty": "", "ab": "ab", "abc": "abc", "abcd": "abcd"]
        secret["data"] = ["a": "old", "kept": "eA=="]
        Defaulting.apply(to: &secret, kind: Kinds.secret)
        #expect(secret["data"] == ["a": "Yg==", "empty": "", "ab": "YWI=", "abc": "YWJj", "abcd": "YWJjZA==", "kept": "eA=="])
        #expect(secret["stringData"] == nil && secret["type"] == "Opaque")
        #expect(Validator.validate(secret, kind: Kinds.secret) == [])

        for text in ["x", "a===", "=abc", "ab=c", "a b=", "YWJj!"] {
            secret["data"] = ["a": .string(text)]
            #expect(
                ValidatorTests.text(Validator.validate(secret, kind: Kinds.secret)) == [
                    "data[a]: is no base64: encode the bytes, or use stringData of a Secret"
                ], "\(text)")
        }
        secret["data"] = ["a/b": "", "c": 5]
        #expect(
            ValidatorTests.text(Validator.validate(secret, kind: Kinds.secret)) == [
                "data[c]: must be a text, not a number: put it in quotes",
                #"data[a/b]: "a/b" is no valid key: use at most 253 letters, digits, '-', '_' or '.'"#,
            ])
        var map = ValidatorTests.object(Kinds.configMap)
        map["data"] = ["a": .string(String(repeating: "x", count: ObjectLimits.dataBytes + 1))]
        #expect(
            ValidatorTests.text(Validator.validate(map, kind: Kinds.configMap)) == [
                "data: the data has 1048577 bytes, more than the limit of 1048576"
            ])

        var service = ValidatorTests.object(Kinds.service, spec: ["ports": [["port": 80], ["port": 81, "targetPort": "web", "protocol": "UDP"]]])
        Defaulting.apply(to: &service, kind: Kinds.service)
        #expect(
            service["spec"] == [
                "type": "ClusterIP", "sessionAffinity": "None",
                "ports": [
                    ["port": 80, "targetPort": 80, "protocol": "TCP"], ["port": 81, "targetPort": "web", "protocol": "UDP"],
                ],
            ])
        #expect(
            ValidatorTests.text(Validator.validate(service, kind: Kinds.service)) == [
                "spec.ports[0].name: is required where there are several ports",
                "spec.ports[1].name: is required where there are several ports",
            ])
    }
}
