import Testing

@testable import KubernetesClient

@Suite struct FieldLinesTests {
    private let text = """
        # first
        kind: A
        ---
        ---
        kind: B
        metadata:
          labels:
            a.b/c: d
        spec:
          ingress:
          - action: Allow
          -
            action: Deny
            source: {nets: [10.0.0.0/8,
              10.1.0.0/16]}
        """

    @Test(arguments: [
        ("spec.ingress[1].source.nets[1]", 15), ("spec.ingress[1].action", 13), ("metadata.labels[a.b/c]", 8), ("spec", 9),
        // What is not there: the nearest around it.
        ("spec.egress[0].action", 9), ("spec.ingress[7]", 10), ("metadata.name", 6), ("status", 5),
    ])
    func findsFields(path: String, line: Int) {
        #expect(FieldLines.line(of: path, inDocument: 1, of: text, within: 5) ?? 5 == line)
    }

    @Test func takesPathsApart() {
        #expect(FieldLines.components("spec.ingress[0].http") == ["spec", "ingress", "0", "http"])
        #expect(FieldLines.components("metadata.labels[a.b/c]") == ["metadata", "labels", "a.b/c"])
        #expect(FieldLines.components("").isEmpty)
    }

    @Test func saysNothingOfWhatIsNotThere() {
        #expect(FieldLines.line(of: "spec", inDocument: 5, of: text, within: 1) == nil)
        #expect(FieldLines.line(of: "spec", inDocument: 0, of: "a: [", within: 1) == nil)
    }
}
