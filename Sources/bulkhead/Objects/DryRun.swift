import ArgumentParser

/// `--dry-run=server`: the server does everything but keep the result.
enum DryRun: String, ExpressibleByArgument, CaseIterable {
    case none, server

    var query: [String: String] { self == .server ? ["dryRun": "All"] : [:] }

    /// Behind what is said to have happened.
    var remark: String { self == .server ? " (server dry run)" : "" }
}
