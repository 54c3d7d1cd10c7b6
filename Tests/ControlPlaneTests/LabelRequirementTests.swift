import PolicyModel
import Testing

@testable import ControlPlane

@Suite struct LabelRequirementTests {
    @Test(arguments: [
        ("", true), ("a=b", true), ("a==b", true), ("a != b", false), ("a in (b, c)", true), ("a notin (b)", false), ("a", true),
        ("!a", false), ("!x", true), ("x!=y", true), ("x notin (y)", true), ("x in (y)", false), ("n>4", true), ("n > 5", false),
        ("n<6,a=b", true), ("n<5", false), ("a>1", false), ("x>1", false), ("empty=", true), ("a,n", true), ("p.q/r=s", true),
    ])
    func matches(text: String, expected: Bool) throws {
        let labels: [String: JSONValue] = ["a": "b", "n": "5", "empty": "", "p.q/r": "s"]
        #expect(try LabelRequirements(text).match(labels) == expected)
    }

    @Test(arguments: ["=b", "a=b c", "a in b", "a b", "a=(b)", "a in (b c)", "n>x", "n>", "/a=b", "a=b/c", "a,,b", "a in (b", "-a"])
    func refuses(text: String) {
        do {
            _ = try LabelRequirements(text)
            Issue.record("\(text) was accepted")
        } catch {
            #expect(error.code == 400 && error.message.contains("unable to parse requirement"))
        }
    }
}
