import ArgumentParser
import ControlPlane
import KubernetesClient
import PolicyModel

/// What the server says of a change that is in force.
struct Enforcement {
    /// What the server takes, in seconds.
    static let allowed = 0...ControlPlane.Limits.enforcementWaitSeconds

    /// From the store's word of the change to the last map write; nil where the server does not say.
    var milliseconds: Double?

    var sentence: String {
        guard let milliseconds else { return "in force" }
        return "in force in \((milliseconds * 10).rounded() / 10) ms"
    }

    /// - Throws: `ValidationError` for a `--wait` that the server would refuse.
    static func check(wait: Double) throws {
        guard allowed.contains(wait) else {
            throw ValidationError("--wait \(wait): give a number of seconds from 0 to \(Int(allowed.upperBound))")
        }
    }

    /// Returns when everything up to `revision` is in force and the endpoint, if one is named, is policed; throws why not,
    /// also after `seconds`.
    static func wait(
        _ client: KubernetesClient, revision: Int64, endpoint: EndpointKey? = nil, seconds: Double
    ) async throws -> Enforcement {
        var query = ["revision": String(revision), "timeout": String(seconds)]
        if let endpoint {
            query["namespace"] = endpoint.namespace
            query["name"] = endpoint.name
        }
        let answer = try await client.request(
            .GET, "/apis/bulkhead.io/v1alpha1/enforcement", query: query, waitSeconds: seconds)
        return Enforcement(milliseconds: answer["milliseconds"]?.numberValue)
    }
}
