/// Who sends a request.
struct User: Sendable, Hashable {
    var name: String
    var role: Role

    static let administrator = User(name: "bulkhead-admin", role: .admin)
}
