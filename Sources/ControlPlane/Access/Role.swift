/// What a person may do. The table of it all is in `Documentation/Access.md`, and a test holds it to the code.
public enum Role: String, Sendable, Hashable, CaseIterable, Codable {
    /// Reads everything but secrets and connections.
    case viewer
    /// Also reads connections, and proposes: staged policies.
    case analyst
    /// Also writes what is enforced: policies, tiers, sets, profiles.
    case author
    /// An analyst who can act in an incident: network sets, and the labels of workloads.
    case responder
    /// Everything.
    case admin
}
