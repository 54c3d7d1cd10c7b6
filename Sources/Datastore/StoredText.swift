import PolicyModel

/// The text of objects in the database.
enum StoredText {
    static func encode(_ value: JSONValue, of key: StoreKey) throws -> String {
        let text = value.text()
        // What could not be read back must not get in.
        guard text.utf8.count <= JSONLimits.maximumBytes else {
            throw StoreError.failed(
                "\(key.resource) \(key.namespace)/\(key.name) is too large: "
                    + "an object has at most \(JSONLimits.maximumBytes) bytes.")
        }
        return text
    }

    static func decode(_ json: [UInt8], of key: StoreKey) throws -> JSONValue {
        do {
            return try JSONValue(parsing: json)
        } catch {
            throw StoreError.failed(
                "The stored value of \(key.resource) \(key.namespace)/\(key.name) is damaged (\(error)): "
                    + "restore a copy of the store.")
        }
    }
}
