import KubernetesClient
import PolicyModel
import Testing

@Suite struct YAMLDocumentsTests {
    @Test func scalars() throws {
        let expected: [(String, JSONValue)] = [
            ("", .null), ("~", .null), ("null", .null), ("true", .bool(true)), ("Yes", .bool(true)), ("off", .bool(false)),
            ("n", .bool(false)), ("0", .integer(0)), ("-12", .integer(-12)), ("+7", .integer(7)), ("0x1F", .integer(31)),
            ("0o17", .integer(15)), ("017", .integer(15)), ("0b101", .integer(5)), ("1_000", .integer(1_000)),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("100000000000000000000", .number(1e20)), ("-1000000000000000000000", .number(-1e21)), ("1e20", .number(1e20)),
            ("1.5", .number(1.5)), (".5", .number(0.5)), ("1.", .number(1)), ("1e3", .number(1_000)), ("-2.5E-1", .number(-0.25)),
            ("10.0.0.0/8", .string("10.0.0.0/8")), ("1.2.3", .string("1.2.3")), ("08", .number(8)), ("0x", .string("0x")),
            ("1e", .string("1e")), ("-a", .string("-a")), ("+", .string("+")), (".", .string(".")),
            ("2026-11-23", .string("2026-11-23")), ("2026-11-23T10:00:00Z", .string("2026-11-23T10:00:00Z")),
            ("tcp", .string("tcp")), ("'1'", .string("1")), ("\"true\"", .string("true")), ("''", .string("")),
            ("!!str 1", .string("1")), ("has(app) && role == 'web'", .string("has(app) && role == 'web'")),
            ("[1, a, {b: c}]", .array([.integer(1), .string("a"), .object(["b": .string("c")])])),
        ]
        for (text, value) in expected {
            let document = try #require(try YAMLDocuments.parse("x: \(text)\n").first, "\(text)")
            #expect(document.value["x"] == value, "\(text)")
        }
    }

    @Test func documents() throws {
        let text = """
            # a comment
            kind: Tier
            ---
            ---
            kind: Namespace
            1: one
            yes: kept
            base: &base {a: 1, b: 2}
            derived:
              <<: *base
              b: 3
            """
        #expect(
            try YAMLDocuments.parse(text) == [
                YAMLDocument(value: ["kind": "Tier"], line: 2),
                YAMLDocument(
                    value: [
                        "kind": "Namespace", "1": "one", "yes": "kept", "base": ["a": 1, "b": 2],
                        "derived": ["a": 1, "b": 3],
                    ], line: 5),
            ])
        #expect(try YAMLDocuments.parse("").isEmpty)
        #expect(try YAMLDocuments.parse("# nothing\n---\n").isEmpty)
        let json = "\n  {\"smile\": \"\\ud83d\\ude00\", \"path\": \"a\\/b\"}"
        #expect(try YAMLDocuments.parse(json).map(\.value) == [["smile": "😀", "path": "a/b"]])
    }

    @Test func errorsNameFileAndLine() {
        let bombs = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + zip("bcdefgh", "abcdefg").map { "\($0): &\($0) [*\($1),*\($1),*\($1),*\($1),*\($1),*\($1),*\($1),*\($1),*\($1),*\($1)]\n" }
            .joined()
        let expected: [(String, String)] = [
            ("a: 1\nb: [1\nc: 2\n", "policy.yaml:3: not YAML: did not find expected ',' or ']'"),
            ("a: 1\nb:\n  c: 1\n  \"c\": 2\n", "policy.yaml:3: \"c\" appears more than once in one object"),
            ("a: 1\nb: *x\n", "policy.yaml:2: not YAML: found undefined alias"),
            ("a: .inf\n", "policy.yaml:1: .inf is no number of JSON; quote it if it is a text"),
            ("a: 0x10000000000000000\n", "policy.yaml:1: 0x10000000000000000 is a number beyond 64 bits; quote it if it is a text"),
            ("a:\n  ? [x]\n  : 1\n", "policy.yaml:2: the key of a member must be a text"),
            ("a: !!binary aGVsbG8=\n", "policy.yaml:1: the tag tag:yaml.org,2002:binary is not supported"),
            ("a: {<<: 1}\n", "policy.yaml:1: \"<<\" takes objects only"),
            (String(repeating: "[", count: 66) + String(repeating: "]", count: 66), "policy.yaml:1: objects and lists are nested deeper than 64"),
            (bombs, "policy.yaml:1: the file holds more than 2000000 values (aliases counted): split it"),
        ]
        for (text, message) in expected {
            let error = #expect(throws: YAMLError.self, "\(text.prefix(60))") {
                try YAMLDocuments.parse(text, file: "policy.yaml")
            }
            #expect(error?.description == message)
        }
    }

    @Test func writesAsKubectlDoes() throws {
        let value: JSONValue = [
            "kind": "NetworkPolicy", "apiVersion": "projectcalico.org/v3",
            "metadata": ["name": "web", "creationTimestamp": "2026-11-23T10:00:00Z", "labels": [:], "annotations": .null],
            "spec": [
                "order": .number(100.5), "types": ["Ingress"],
                "ingress": [
                    [
                        "action": "Allow", "destination": ["ports": [80, "8080:8090"]], "source": ["nets": ["10.0.0.0/8", "::/0"]],
                    ]
                ],
                "nested": [[1, [2]], []], "selector": "app == 'web'",
            ],
            "texts": [
                "true", "y", "1", "1.5", "0x1", "", "null", "~", "a: b", "a #b", "- a", "-a", "it's", "'q'", "#c", "a:", " a", "a ",
                "{}", "[x]", "*", "&a", "!t", "%d", "@x", "`", "1:30", "<<", "two\nlines", "ended\n", "twice\n\n", "tab\there",
                "\u{7}", "ü ✓", "---", "?", "\n", "a\r\nb", " x\ny", "x \ny",
            ],
            "1": 2,
        ]
        let text = YAMLDocuments.text(value)
        #expect(
            text == """
                "1": 2
                apiVersion: projectcalico.org/v3
                kind: NetworkPolicy
                metadata:
                  annotations: null
                  creationTimestamp: "2026-11-23T10:00:00Z"
                  labels: {}
                  name: web
                spec:
                  ingress:
                  - action: Allow
                    destination:
                      ports:
                      - 80
                      - 8080:8090
                    source:
                      nets:
                      - 10.0.0.0/8
                      - ::/0
                  nested:
                  - - 1
                    - - 2
                  - []
                  order: 100.5
                  selector: app == 'web'
                  types:
                  - Ingress
                texts:
                - "true"
                - "y"
                - "1"
                - "1.5"
                - "0x1"
                - ""
                - "null"
                - "~"
                - 'a: b'
                - 'a #b'
                - '- a'
                - -a
                - it's
                - '''q'''
                - '#c'
                - 'a:'
                - ' a'
                - 'a '
                - '{}'
                - '[x]'
                - '*'
                - '&a'
                - '!t'
                - '%d'
                - '@x'
                - '`'
                - "1:30"
                - "<<"
                - |-
                  two
                  lines
                - |
                  ended
                - "twice\\n\\n"
                - "tab\\there"
                - "\\u0007"
                - ü ✓
                - '---'
                - '?'
                - "\\n"
                - "a\\r\\nb"
                - " x\\ny"
                - "x \\ny"

                """)
        #expect(try YAMLDocuments.parse(text).map(\.value) == [value])
    }

    /// Whatever is written is read back as it was.
    @Test func roundTrips() throws {
        var random = SystemRandomNumberGenerator()
        let pieces = Array("aZ09 :#-?,[]{}&*!|>'\"%@`\n\t~.=<_/\\üé✓😀\u{7}\u{85}\u{2028}").map(String.init) + ["yes", "null", "0x", "1e3", ": ", " #"]
        func text() -> String { (0..<Int.random(in: 0...6)).map { _ in pieces.randomElement() ?? "" }.joined() }
        func value(_ depth: Int) -> JSONValue {
            switch Int.random(in: 0...(depth > 3 ? 4 : 6)) {
            case 0: .integer(Int64(truncatingIfNeeded: random.next()))
            case 1: .number(Double.random(in: -1e6...1e6))
            case 2: .bool(Bool.random())
            case 3, 4: .string(text())
            case 5: .array((0..<Int.random(in: 0...4)).map { _ in value(depth + 1) })
            default: .object(Dictionary((0..<Int.random(in: 0...4)).map { _ in (text(), value(depth + 1)) }) { $1 })
            }
        }
        for _ in 0..<3_000 {
            let original = JSONValue.object(["value": value(0)])
            let written = YAMLDocuments.text(original)
            let read = try? YAMLDocuments.parse(written).map(\.value)
            #expect(read == [original], "\(original.text()) was written as\n\(written)")
        }
    }
}
