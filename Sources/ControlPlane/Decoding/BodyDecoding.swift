import KubernetesClient
import PolicyModel

/// Turns a request body into a value, by its content type.
enum BodyDecoding {
    static let jsonTypes: Set<String> = ["", "application/json", "text/json"]
    static let yamlTypes: Set<String> = ["application/yaml", "application/x-yaml", "text/yaml"]

    /// The one object of a body.
    static func decode(_ body: [UInt8], contentType: String) throws(APIFailure) -> JSONValue {
        if jsonTypes.contains(contentType) { return try json(body) }
        if yamlTypes.contains(contentType) { return try yaml(body) }
        if contentType == ProtobufDecoding.contentType { return try ProtobufDecoding.decode(body) }
        throw .unsupportedMediaType(
            "the body of the request was in an unknown format (\(contentType)); accepted are application/json, application/yaml and, for built-in kinds, \(ProtobufDecoding.contentType)"
        )
    }

    static func json(_ body: [UInt8]) throws(APIFailure) -> JSONValue {
        do {
            return try JSONValue(parsing: body)
        } catch {
            throw .badRequest("the body is not valid JSON: \(error)")
        }
    }

    /// Read as the commands read their files: what a scalar means must not depend on who reads it.
    static func yaml(_ body: [UInt8]) throws(APIFailure) -> JSONValue {
        guard let text = String(validating: body, as: UTF8.self) else { throw .badRequest("the body is not valid UTF-8") }
        let documents: [YAMLDocument]
        do {
            documents = try YAMLDocuments.parse(text, maximumValues: Limits.yamlValues).documents
        } catch {
            throw .badRequest("the body is not valid YAML: \(error.line > 0 ? "line \(error.line): " : "")\(error.message)")
        }
        guard let document = documents.first else { throw .badRequest("the body is empty") }
        guard documents.count == 1 else { throw .badRequest("the body holds \(documents.count) objects: send one at a time") }
        return document.value
    }
}
