import Testing

/// What the package manager would write itself if it did not look for XCTest's classes, of which there are none, in an
/// index of the sources that takes minutes to make. It asks each of the two libraries for its tests.
@main struct XCTMain {
    static func main() async {
        guard CommandLine.arguments.contains("swift-testing") else { return }
        await Testing.__swiftPMEntryPoint() as Never
    }
}
