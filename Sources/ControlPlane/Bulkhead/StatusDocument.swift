import Dataplane
import PolicyModel

/// GET /apis/bulkhead.io/v1alpha1/status: what the node polices and how full it is.
enum StatusDocument {
    static func value(_ report: NodeReport) -> JSONValue {
        var systemCounts: [String: JSONValue] = [:]
        for (reason, count) in report.dataplane.systemCounts {
            systemCounts[SystemReasonText.words(reason)] = .integer(Int64(clamping: count))
        }
        return .object([
            "kind": .string("NodeStatus"), "apiVersion": .string(BulkheadEndpoints.groupVersion.text),
            "node": .string(report.node), "observing": .bool(report.observing),
            "storeRevision": .integer(report.storeRevision),
            "kernelRevision": report.kernelRevision.map { .integer($0) } ?? .null,
            "endpoints": .array(report.endpoints.sorted { $0.key < $1.key }.map(endpoint)),
            "interfaces": .array(interfaces(report)),
            "maps": .array(
                report.dataplane.maps.map { map in
                    .object([
                        "name": .string(map.name), "used": .integer(Int64(map.used)),
                        "capacity": .integer(Int64(map.capacity)),
                    ])
                }),
            "engines": ContainerDocument.engines(report.containers),
            "containers": ContainerDocument.containers(report.containers),
            "systemCounts": .object(systemCounts),
            "eventsLost": .integer(Int64(clamping: report.dataplane.eventsLost)),
            "flowsForgotten": .integer(Int64(clamping: report.dataplane.flowsForgotten)),
            "warnings": .array((report.warnings + report.dataplane.warnings).map { .string($0) }),
        ])
    }

    /// Every interface that a workload is or could be behind, policed or not.
    private static func interfaces(_ report: NodeReport) -> [JSONValue] {
        let named = report.endpoints.sorted { $0.interfaceName < $1.interfaceName }.map { endpoint in
            JSONValue.object([
                "name": .string(endpoint.interfaceName), "endpoint": .string(endpoint.key.description),
                "policed": .bool(endpoint.policed), "message": .string(endpoint.message),
            ])
        }
        let unnamed = report.unnamedInterfaces.map { name in
            JSONValue.object([
                "name": .string(name), "endpoint": .string(""), "policed": .bool(false),
                "message": .string("no workload endpoint names it"),
            ])
        }
        return named + unnamed
    }

    private static func endpoint(_ endpoint: NodeReport.Endpoint) -> JSONValue {
        .object([
            "namespace": .string(endpoint.key.namespace), "name": .string(endpoint.key.name),
            "interface": .string(endpoint.interfaceName),
            "addresses": .array(endpoint.addresses.map { .string($0.description) }),
            "policed": .bool(endpoint.policed), "message": .string(endpoint.message),
        ])
    }
}
