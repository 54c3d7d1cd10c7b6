/// Why a benchmark says nothing.
enum BenchmarkError: Error, CustomStringConvertible {
    /// `code` is an errno value.
    case system(operation: String, code: Int32)
    case command(String, status: Int32)
    /// The dataplane did not do what was to be measured.
    case wrong(String)

    var description: String {
        switch self {
        case .system(let operation, let code): "cannot \(operation): errno \(code); the benchmarks need root"
        case .command(let command, let status): "\(command): exit \(status)"
        case .wrong(let text): "not a measurement: \(text)"
        }
    }
}
