/// Results as the XML that continuous integration reads (JUnit's, as Jenkins and GitLab take it).
public enum JUnitReport {
    /// One `testsuite` for each test, one `testcase` for each of its cases and invariants.
    public static func text(_ results: [Verification.Result]) -> String {
        var suites: [(name: String, results: [Verification.Result])] = []
        for result in results {
            if suites.last?.name == result.test {
                suites[suites.count - 1].results.append(result)
            } else {
                suites.append((result.test, [result]))
            }
        }
        let failures = results.filter { $0.failure != nil }.count
        var lines = ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>"]
        lines.append("<testsuites name=\"bulkhead verify\" tests=\"\(results.count)\" failures=\"\(failures)\" errors=\"0\">")
        for suite in suites {
            let failed = suite.results.filter { $0.failure != nil }.count
            lines.append("  <testsuite name=\"\(escaped(suite.name))\" tests=\"\(suite.results.count)\" failures=\"\(failed)\" errors=\"0\">")
            for result in suite.results {
                let head = "    <testcase classname=\"\(escaped(suite.name))\" name=\"\(escaped(result.name))\""
                if let failure = result.failure {
                    lines.append(head + ">")
                    lines.append("      <failure message=\"\(escaped(failure))\">\(escaped("\(result.path): \(failure)"))</failure>")
                    lines.append("    </testcase>")
                } else {
                    lines.append(head + "/>")
                }
            }
            lines.append("  </testsuite>")
        }
        lines.append("</testsuites>")
        return lines.joined(separator: "\n") + "\n"
    }

    /// Characters that XML 1.0 does not have become U+FFFD.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\n": escaped += "&#10;"
            case "\t": escaped += "&#9;"
            case "\r": escaped += "&#13;"
            case let other where other.value < 0x20 || other.value == 0xfffe || other.value == 0xffff: escaped += "\u{fffd}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
