/// The messages of gnostic's `openapi.v2` package that our document needs (github.com/google/gnostic,
/// openapiv2/OpenAPIv2.proto): which member of the JSON form stands in which field.
enum OpenAPIMessage: Sendable {
    case document, info, paths, pathItem, operation, parameter, bodyParameter, queryParameter, pathParameter
    case responses, response, schema

    indirect enum Kind: Sendable {
        case text
        case flag
        case number
        /// Any value, as YAML text in field 2 of `Any`.
        case any
        case message(OpenAPIMessage)
        /// One of these messages in the given fields inside each other: what `oneof` and `*Item` messages come to.
        case nested([Int], OpenAPIMessage)
        /// One text, in field 1 of a message of its own.
        case wrappedText
        /// In field 1 of a message of its own: pairs of a name and a value.
        case properties(OpenAPIMessage)
        case list(Kind)
    }

    /// By the name of the JSON member.
    var members: [String: (number: Int, kind: Kind)] {
        switch self {
        case .document:
            [
                "swagger": (1, .text), "info": (2, .message(.info)), "paths": (8, .message(.paths)),
                "definitions": (9, .properties(.schema)),
            ]
        case .info: ["title": (1, .text), "version": (2, .text), "description": (3, .text)]
        case .paths, .parameter, .responses: [:]
        case .pathItem:
            [
                "get": (2, .message(.operation)), "put": (3, .message(.operation)), "post": (4, .message(.operation)),
                "delete": (5, .message(.operation)), "patch": (8, .message(.operation)),
                "parameters": (9, .list(.message(.parameter))),
            ]
        case .operation:
            [
                "description": (3, .text), "operationId": (5, .text), "produces": (6, .list(.text)),
                "consumes": (7, .list(.text)), "parameters": (8, .list(.message(.parameter))),
                "responses": (9, .message(.responses)),
            ]
        case .bodyParameter:
            [
                "description": (1, .text), "name": (2, .text), "in": (3, .text), "required": (4, .flag),
                "schema": (5, .message(.schema)),
            ]
        case .queryParameter:
            [
                "required": (1, .flag), "in": (2, .text), "description": (3, .text), "name": (4, .text), "type": (6, .text),
                "format": (7, .text), "uniqueItems": (20, .flag),
            ]
        case .pathParameter:
            [
                "required": (1, .flag), "in": (2, .text), "description": (3, .text), "name": (4, .text), "type": (5, .text),
                "format": (6, .text), "uniqueItems": (19, .flag),
            ]
        case .response: ["description": (1, .text), "schema": (2, .nested([1], .schema))]
        case .schema:
            [
                "$ref": (1, .text), "format": (2, .text), "title": (3, .text), "description": (4, .text),
                "default": (5, .any), "maximum": (7, .number), "minimum": (9, .number), "uniqueItems": (16, .flag),
                "required": (19, .list(.text)), "enum": (20, .list(.any)),
                "additionalProperties": (21, .nested([1], .schema)), "type": (22, .wrappedText),
                "items": (23, .nested([1], .schema)), "allOf": (24, .list(.message(.schema))),
                "properties": (25, .properties(.schema)),
            ]
        }
    }

    /// Where members that begin with `x-` stand.
    var extensionNumber: Int? {
        switch self {
        case .document: 16
        case .info: 7
        case .paths: 1
        case .pathItem: 10
        case .operation: 13
        case .bodyParameter: 6
        case .queryParameter: 23
        case .pathParameter: 22
        case .responses: 2
        case .response: 5
        case .schema: 31
        case .parameter: nil
        }
    }

    /// For messages whose members are named freely: the field of the pairs, and the message of each value.
    var pairs: (number: Int, wrappers: [Int], value: OpenAPIMessage)? {
        switch self {
        case .paths: (2, [], .pathItem)
        // A value is a response or a reference to one.
        case .responses: (1, [1], .response)
        default: nil
        }
    }
}
