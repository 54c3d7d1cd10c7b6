import Datastore

/// `/healthz`, `/livez` and `/readyz` as Kubernetes has them, for who has no credentials: whether it works, and not why not.
///
/// `?verbose` shows each check, `?exclude=NAME` leaves one out, `/readyz/NAME` asks one. 500 where one fails.
struct HealthChecks: Sendable {
    private struct Check: Sendable {
        var name: String
        var passes: @Sendable () async -> Bool
    }

    static let names: Set<String> = ["healthz", "livez", "readyz"]

    let store: any Store
    let node: any NodeReporting

    /// nil for another path, or another method than GET and HEAD.
    func respond(to request: APIRequest) async -> APIResponse? {
        guard let kind = request.path.first, Self.names.contains(kind), request.path.count <= 2,
            request.method == .get || request.method == .head
        else { return nil }
        var checks = checks(of: kind)
        if request.path.count == 2 {
            checks = checks.filter { $0.name == request.path[1] }
            guard !checks.isEmpty else { return APIFailure.unknownPath.response }
        }
        let excluded = Set(request.query.filter { $0.name == "exclude" }.map(\.value))
        var lines: [String] = []
        var failed = false
        for check in checks {
            if excluded.contains(check.name) {
                lines.append("[+]\(check.name) excluded: ok")
            } else if await check.passes() {
                lines.append("[+]\(check.name) ok")
            } else {
                failed = true
                lines.append("[-]\(check.name) failed: reason withheld")
            }
        }
        guard failed || request.flag("verbose") else { return .text("ok") }
        var answer = APIResponse.text((lines + ["\(kind) check \(failed ? "failed" : "passed")", ""]).joined(separator: "\n"))
        if failed { answer.status = 500 }
        return answer
    }

    /// A process that lives but is not ready needs no restart.
    private func checks(of kind: String) -> [Check] {
        let ping = Check(name: "ping") { true }
        guard kind != "livez" else { return [ping] }
        let store = store
        let node = node
        return [
            ping, Check(name: "store") { (try? await store.revision()) != nil },
            // Cheap: anybody may ask. What is newer than the revision in force is no reason to send nobody here.
            Check(name: "enforcement") { await node.isEnforcing() },
        ]
    }
}
