import PolicyModel
import Testing

@testable import ControlPlane

@Suite struct OpenAPIProtobufTests {
    /// The fields that kubectl looks at to learn whether the server validates fields, found by their numbers in
    /// gnostic's schema, and every definition and path by its name.
    @Test func kubectlFindsWhatItLooksFor() throws {
        let documents = try OpenAPIDocuments(catalog: ResourceCatalog(kinds: Kinds.all), version: "v1")
        let document = try JSONValue(parsing: documents.versionTwo)
        let message = try Message(documents.versionTwoProtobuf)
        #expect(message.texts(1) == ["2.0"])
        #expect(try message.messages(2).first?.texts(1) == ["Bulkhead"])
        var seen: Set<String> = []
        var verified = 0
        for path in try message.messages(8).flatMap({ try $0.messages(2) }) {
            seen.formUnion(path.texts(1))
            for patch in try path.messages(2).flatMap({ try $0.messages(8) }) {
                let name = try #require(path.texts(1).first)
                let json = document["paths"]?[name]?["patch"]
                let identity = try patch.messages(13).first { $0.texts(1) == ["x-kubernetes-group-version-kind"] }
                let yaml = try #require(identity?.messages(2).first?.texts(2).first)
                #expect(try JSONValue(parsing: Array(yaml.utf8)) == json?["x-kubernetes-group-version-kind"])
                let parameters = try patch.messages(8).flatMap { try $0.messages(1) }.flatMap { try $0.messages(2) }
                    .flatMap { try $0.messages(3) }
                let names = Set(parameters.flatMap { $0.texts(4) })
                #expect(names.isSuperset(of: ["fieldValidation", "dryRun", "fieldManager", "force"]), "\(name): \(names)")
                verified += 1
            }
        }
        #expect(seen == Set((document["paths"]?.objectValue ?? [:]).keys))
        #expect(verified >= Kinds.all.count)
        let definitions = try message.messages(9).flatMap { try $0.messages(1) }
        #expect(Set(definitions.flatMap { $0.texts(1) }) == Set((document["definitions"]?.objectValue ?? [:]).keys))
        print("OpenAPI as protobuf: \(documents.versionTwoProtobuf.count) bytes, \(verified) PATCH operations, \(definitions.count) definitions")
    }

    @Test func everyPartOfASchemaHasItsField() throws {
        let bytes = try OpenAPIProtobuf.encode([
            "swagger": "2.0",
            "definitions": [
                "Text": ["type": "string", "format": "date-time", "enum": ["a", "b"], "description": "A text."],
                "Object": [
                    "type": "object", "required": ["one"],
                    "properties": ["one": ["$ref": "#/definitions/Text"], "two": ["type": "array", "items": ["type": "boolean"]]],
                    "additionalProperties": ["type": "integer", "minimum": -3, "maximum": 4], "x-kubernetes-int-or-string": true,
                ],
            ],
        ])
        let schemas = try Message(bytes).messages(9).flatMap { try $0.messages(1) }
        let object = try #require(try schemas.first { $0.texts(1) == ["Object"] }?.messages(2).first)
        #expect(try object.messages(22).flatMap { $0.texts(1) } == ["object"])
        #expect(object.texts(19) == ["one"])
        let properties = try object.messages(25).flatMap { try $0.messages(1) }
        #expect(properties.flatMap { $0.texts(1) } == ["one", "two"])
        #expect(try properties[0].messages(2).flatMap { $0.texts(1) } == ["#/definitions/Text"])
        let items = try properties[1].messages(2).flatMap { try $0.messages(23) }.flatMap { try $0.messages(1) }
        #expect(try items.flatMap { try $0.messages(22) }.flatMap { $0.texts(1) } == ["boolean"])
        let additional = try object.messages(21).flatMap { try $0.messages(1) }
        #expect(additional.map { $0.doubles(9) } == [[-3]] && additional.map { $0.doubles(7) } == [[4]])
        #expect(try object.messages(31).map { $0.texts(1) } == [["x-kubernetes-int-or-string"]])
        #expect(try object.messages(31).flatMap { try $0.messages(2) }.flatMap { $0.texts(2) } == ["true\n"])
        let text = try #require(try schemas.first { $0.texts(1) == ["Text"] }?.messages(2).first)
        #expect(text.texts(2) == ["date-time"] && text.texts(4) == ["A text."])
        #expect(try text.messages(20).flatMap { $0.texts(2) } == ["\"a\"\n", "\"b\"\n"])
    }

    @Test func nothingIsLeftOutSilently() {
        #expect(throws: OpenAPIProtobuf.Failure.self) {
            try OpenAPIProtobuf.encode(["definitions": ["Text": ["colour": "red"]]])
        }
        #expect(throws: OpenAPIProtobuf.Failure.self) { try OpenAPIProtobuf.encode(["swagger": 2]) }
    }

    @Test func theClientChoosesTheForm() async throws {
        try await RunningServer.with { (server) async throws in
            let old = OpenAPIProtobuf.contentType
            let protobuf = OpenAPIProtobuf.newContentType
            for (accept, expected) in [
                ("", "application/json"), ("*/*", "application/json"), (protobuf, protobuf), (old, protobuf),
                ("\(protobuf),application/json", protobuf), ("\(protobuf);q=0.5, application/json", "application/json"),
                ("application/json;q=0, */*", protobuf), ("text/html, application/*;q=0.1", "application/json"),
            ] {
                let answer = try await server.send("GET", "/openapi/v2", accept: accept)
                #expect(answer.status == 200)
                #expect(answer.headers.contains { $0 == ("content-type", expected) }, "\(accept)")
                #expect((answer.body.first == UInt8(ascii: "{")) == (expected == "application/json"))
            }
            for (path, accept) in [
                ("/openapi/v2", "text/html"), ("/openapi/v2", "application/json;q=0"), ("/openapi/v3", protobuf),
                ("/api/v1/namespaces", "application/vnd.kubernetes.protobuf"),
            ] {
                let answer = try await server.send("GET", path, accept: accept)
                #expect(answer.status == 406 && answer.json["reason"] == "NotAcceptable", "\(path) \(accept)")
            }
        }
    }

    @Test func kubernetesKindsHaveTheirOwnNames() {
        #expect(OpenAPISchemas.name(Kinds.kubernetesNetworkPolicy) == "io.k8s.api.networking.v1.NetworkPolicy")
        #expect(OpenAPISchemas.name(Kinds.endpointSlice) == "io.k8s.api.discovery.v1.EndpointSlice")
        #expect(OpenAPISchemas.name(Kinds.namespace) == "io.k8s.api.core.v1.Namespace")
        #expect(OpenAPISchemas.name(Kinds.networkPolicy) == "org.projectcalico.v3.NetworkPolicy")
    }

    /// The fields of a message by their numbers.
    private struct Message {
        private var fields: [Int: [ProtobufReader.Value]] = [:]

        init(_ bytes: [UInt8]) throws { try self.init(bytes[...]) }

        private init(_ bytes: ArraySlice<UInt8>) throws {
            var reader = ProtobufReader(bytes)
            while let field = try reader.next() { fields[field.number, default: []].append(field.value) }
        }

        private func contents(_ number: Int) -> [ArraySlice<UInt8>] {
            (fields[number] ?? []).compactMap { if case .bytes(let bytes) = $0 { bytes } else { nil } }
        }

        func texts(_ number: Int) -> [String] { contents(number).map { String(decoding: $0, as: UTF8.self) } }

        func messages(_ number: Int) throws -> [Message] { try contents(number).map { try Message($0) } }

        func doubles(_ number: Int) -> [Double] {
            (fields[number] ?? []).compactMap { if case .fixed64(let bits) = $0 { Double(bitPattern: bits) } else { nil } }
        }
    }
}
