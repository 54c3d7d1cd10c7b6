import ArgumentParser

/// How objects are shown.
enum ObjectFormat: String, ExpressibleByArgument, CaseIterable {
    case table, wide, json, yaml, name
}
