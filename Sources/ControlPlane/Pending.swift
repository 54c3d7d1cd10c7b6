import PolicyModel
enum Defaulting { static func apply(to v: inout JSONValue, kind: ResourceKind) {} }
enum JSONMergePatch { static func apply(_ p: JSONValue, to v: JSONValue) -> JSONValue { p } }
enum StrategicMergePatch { static func apply(_ p: JSONValue, to v: JSONValue, kind: ResourceKind) throws -> JSONValue { p } }
enum JSONPatch { static func apply(_ p: JSONValue, to v: JSONValue) throws -> JSONValue { p } }
