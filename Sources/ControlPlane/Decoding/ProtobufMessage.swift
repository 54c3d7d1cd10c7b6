/// How a protobuf message of the Kubernetes API becomes JSON: which number is which member.
struct ProtobufMessage: Sendable {
    indirect enum Kind: Sendable {
        case string
        case bool
        case integer
        /// `metav1.Time`: seconds and nanoseconds in a message, RFC 3339 in JSON.
        case time
        /// `metav1.FieldsV1`: JSON text in a field of bytes.
        case rawJSON
        case message(ProtobufMessage)
        case map
        /// `map<string, bytes>`: base64 in JSON.
        case bytesMap
        /// `intstr.IntOrString`.
        case integerOrString

        var isMap: Bool {
            switch self {
            case .map, .bytesMap: true
            default: false
            }
        }
    }

    struct Member: Sendable {
        var name: String
        var kind: Kind
        var repeated = false
    }

    var members: [Int: Member]
}

/// The messages that kubectl sends for built-in kinds, with the field numbers of `generated.proto` in
/// k8s.io/apimachinery and k8s.io/api.
extension ProtobufMessage {
    static let ownerReference = ProtobufMessage(members: [
        1: Member(name: "kind", kind: .string), 3: Member(name: "name", kind: .string),
        4: Member(name: "uid", kind: .string), 5: Member(name: "apiVersion", kind: .string),
        6: Member(name: "controller", kind: .bool), 7: Member(name: "blockOwnerDeletion", kind: .bool),
    ])

    static let managedFieldsEntry = ProtobufMessage(members: [
        1: Member(name: "manager", kind: .string), 2: Member(name: "operation", kind: .string),
        3: Member(name: "apiVersion", kind: .string), 4: Member(name: "time", kind: .time),
        6: Member(name: "fieldsType", kind: .string), 7: Member(name: "fieldsV1", kind: .rawJSON),
        8: Member(name: "subresource", kind: .string),
    ])

    static let objectMeta = ProtobufMessage(members: [
        1: Member(name: "name", kind: .string), 2: Member(name: "generateName", kind: .string),
        3: Member(name: "namespace", kind: .string), 4: Member(name: "selfLink", kind: .string),
        5: Member(name: "uid", kind: .string), 6: Member(name: "resourceVersion", kind: .string),
        7: Member(name: "generation", kind: .integer), 8: Member(name: "creationTimestamp", kind: .time),
        9: Member(name: "deletionTimestamp", kind: .time),
        10: Member(name: "deletionGracePeriodSeconds", kind: .integer), 11: Member(name: "labels", kind: .map),
        12: Member(name: "annotations", kind: .map),
        13: Member(name: "ownerReferences", kind: .message(ownerReference), repeated: true),
        14: Member(name: "finalizers", kind: .string, repeated: true),
        17: Member(name: "managedFields", kind: .message(managedFieldsEntry), repeated: true),
    ])

    static let namespace = ProtobufMessage(members: [
        1: Member(name: "metadata", kind: .message(objectMeta)),
        2: Member(
            name: "spec",
            kind: .message(ProtobufMessage(members: [1: Member(name: "finalizers", kind: .string, repeated: true)]))),
        3: Member(
            name: "status",
            kind: .message(
                ProtobufMessage(members: [
                    1: Member(name: "phase", kind: .string),
                    2: Member(
                        name: "conditions",
                        kind: .message(
                            ProtobufMessage(members: [
                                1: Member(name: "type", kind: .string), 2: Member(name: "status", kind: .string),
                                4: Member(name: "lastTransitionTime", kind: .time),
                                5: Member(name: "reason", kind: .string), 6: Member(name: "message", kind: .string),
                            ])), repeated: true),
                ]))),
    ])

    static let deleteOptions = ProtobufMessage(members: [
        1: Member(name: "gracePeriodSeconds", kind: .integer),
        2: Member(
            name: "preconditions",
            kind: .message(
                ProtobufMessage(members: [
                    1: Member(name: "uid", kind: .string), 2: Member(name: "resourceVersion", kind: .string),
                ]))),
        3: Member(name: "orphanDependents", kind: .bool), 4: Member(name: "propagationPolicy", kind: .string),
        5: Member(name: "dryRun", kind: .string, repeated: true),
        6: Member(name: "ignoreStoreReadErrorWithClusterBreakingPotential", kind: .bool),
    ])
}
