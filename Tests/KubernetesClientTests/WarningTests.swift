import Testing

@testable import KubernetesClient

@Suite struct WarningTests {
    @Test(arguments: [
        (#"299 - "spec.order: two policies have it""#, "spec.order: two policies have it"),
        (#"299 - "unknown field \"spec.x\" and \\ too""#, #"unknown field "spec.x" and \ too"#),
        ("299 - without quotes", "without quotes"), (#""#, ""),
    ])
    func readsTheHeader(header: String, text: String) {
        #expect(KubernetesClient.text(ofWarning: header).hasSuffix(text))
        #expect(!KubernetesClient.text(ofWarning: #"299 - "a""#).contains("299"))
    }
}
