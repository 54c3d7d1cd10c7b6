import Crypto
import PolicyModel

/// The OpenAPI documents: made once, when the server starts.
///
/// kubectl reads version 3 for `explain`, and looks at the parameters of each kind's PATCH to learn whether the server
/// can validate fields and do a dry run.
struct OpenAPIDocuments: Sendable {
    /// GET /openapi/v3: where the others are, each with the hash of its content.
    let index: [UInt8]
    /// By path: `apis/projectcalico.org/v3`.
    let documents: [String: [UInt8]]
    /// GET /openapi/v2: everything in one document.
    let versionTwo: [UInt8]
    /// The same as protobuf, which is the only form of version 2 that kubectl reads.
    let versionTwoProtobuf: [UInt8]

    /// Throws when the document has a member that its protobuf form has not.
    init(catalog: ResourceCatalog, version: String) throws {
        let info = JSONValue.object(["title": .string("Bulkhead"), "version": .string(version)])
        var documents: [String: [UInt8]] = [:]
        var paths: [String: JSONValue] = [:]
        for groupVersion in catalog.groupVersions {
            let kinds = catalog.kinds(in: groupVersion)
            let builder = OpenAPIPaths(versionThree: true)
            let document = JSONValue.object([
                "openapi": .string("3.0.0"), "info": info, "paths": .object(builder.paths(kinds)),
                "components": .object([
                    "schemas": .object(
                        OpenAPISchemas(referencePrefix: "#/components/schemas/", wrapsReferences: true).all(kinds))
                ]),
            ]).serialized()
            documents[groupVersion.path] = document
            let hash = Hexadecimal.text(SHA512.hash(data: document)).uppercased()
            paths[groupVersion.path] = .object([
                "serverRelativeURL": .string("/openapi/v3/\(groupVersion.path)?hash=\(hash)")
            ])
        }
        self.documents = documents
        index = JSONValue.object(["paths": .object(paths)]).serialized()
        let two = JSONValue.object([
            "swagger": .string("2.0"), "info": info,
            "paths": .object(OpenAPIPaths(versionThree: false).paths(catalog.kinds + catalog.reviews)),
            "definitions": .object(
                OpenAPISchemas(referencePrefix: "#/definitions/", wrapsReferences: false).all(catalog.kinds + catalog.reviews)),
        ])
        versionTwo = two.serialized()
        versionTwoProtobuf = try OpenAPIProtobuf.encode(two)
    }
}
