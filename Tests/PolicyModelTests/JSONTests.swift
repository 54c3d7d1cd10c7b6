import Foundation
import PolicyModel
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        ("null", JSONValue.null), ("true", .bool(true)), (" false ", .bool(false)), ("0", .integer(0)), ("-0", .integer(0)),
        ("-12", .integer(-12)), ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .number(9223372036854775808)), ("100000000000000000000", .number(1e20)), ("1e20", .number(1e20)),
        ("1.5", .number(1.5)), ("5.0", .number(5)), ("1e3", .number(1000)), ("1E-2", .number(0.01)), ("-1.5e+2", .number(-150)),
        ("\"\"", .string("")), ("\"a\\n\\t\\\"\\\\\\/\\b\\f\\r\"", .string("a\n\t\"\\/\u{8}\u{c}\r")), ("\"\\u0041\\u00fc\"", .string("Aü")),
        ("\"\\ud83d\\ude00\"", .string("😀")), ("\"ü😀\"", .string("ü😀")), ("[]", .array([])), ("{}", .object([:])),
        ("[1,[2],{\"a\":null}]", .array([.integer(1), .array([.integer(2)]), .object(["a": .null])])),
        ("{ \"a\" : { \"b\" : [ ] } ,\n\t\"c\":1 }", .object(["a": .object(["b": .array([])]), "c": .integer(1)])),
    ])
    func parses(text: String, expected: JSONValue) throws {
        let value = try JSONValue(parsing: text)
        #expect(value == expected)
        #expect(try JSONValue(parsing: value.serialized()) == value)
        #expect(try JSONValue(parsing: value.serialized(pretty: true)) == value)
    }

    @Test(arguments: [
        ("", "line 1, column 1: unexpected end, a value was expected"), ("nul", "line 1, column 4: unexpected character, null was expected"),
        ("[1,]", "line 1, column 4: unexpected character, a value was expected"), ("[1 2]", "line 1, column 4: ',' or ']' was expected"),
        ("{\"a\":1,}", "line 1, column 8: a member name in double quotes was expected"), ("{\"a\" 1}", "line 1, column 6: ':' was expected after the member name"),
        ("{\n  \"a\": 1,\n  \"a\": 2\n}", "line 3, column 3: the member \"a\" is repeated"), ("{\"\\u0061\":1,\"a\":2}", "line 1, column 13: the member \"a\" is repeated"),
        ("01", "line 1, column 2: a number must not begin with 0"), ("-", "line 1, column 2: a digit was expected"), ("1.", "line 1, column 3: a digit was expected"),
        ("1e", "line 1, column 3: a digit was expected"), (".5", "line 1, column 1: unexpected character, a value was expected"), ("+1", "line 1, column 1: unexpected character, a value was expected"),
        ("1e999", "line 1, column 1: the number is too large: use one below 1.8e308"),
        ("NaN", "line 1, column 1: unexpected character, a value was expected"), ("\"a", "line 1, column 3: unexpected end, the text was not closed"),
        ("\"\\x\"", "line 1, column 3: no such escape in a text"), ("\"\\u12g4\"", "line 1, column 6: four hexadecimal digits were expected"),
        ("\"\\ud800\"", "line 1, column 4: a surrogate stands alone"), ("\"\\ude00\"", "line 1, column 4: a surrogate stands alone"),
        ("\"\\ud800\\u0041\"", "line 1, column 4: a surrogate stands alone"), ("\"a\nb\"", "line 1, column 3: a control character in a text must be escaped"),
        ("{} {}", "line 1, column 4: unexpected text after the end of the document"), ("'a'", "line 1, column 1: unexpected character, a value was expected"),
    ])
    func refuses(text: String, message: String) {
        let error = #expect(throws: JSONParseError.self) { try JSONValue(parsing: text) }
        #expect(error?.description == message)
    }

    @Test func refusesBytesThatAreNoText() {
        for bytes: [UInt8] in [[0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0x5c, 0x6e, 0xff, 0x22]] {
            #expect(throws: JSONParseError.self) { try JSONValue(parsing: bytes) }
        }
    }

    @Test func limitsHold() throws {
        let depth = JSONLimits.maximumDepth
        let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        _ = try JSONValue(parsing: nested)
        let error = #expect(throws: JSONParseError.self) { try JSONValue(parsing: "[" + nested + "]") }
        #expect(error?.message == "more than 64 arrays and objects are inside each other")
        let large = [UInt8](repeating: 0x20, count: JSONLimits.maximumBytes) + Array("1".utf8)
        #expect(throws: JSONParseError.self) { try JSONValue(parsing: large) }
        #expect(try JSONValue(parsing: large.dropFirst()) == .integer(1))
    }

    @Test func writesSortedAndIndented() {
        let value: JSONValue = ["b": [1, .number(2.5), .null], "a": ["z": "\u{1}\"\\\n", "y": [], "x": [:]]]
        #expect(value.text() == #"{"a":{"x":{},"y":[],"z":"\u0001\"\\\n"},"b":[1,2.5,null]}"#)
        #expect(
            value.text(pretty: true) == """
                {
                  "a": {
                    "x": {},
                    "y": [],
                    "z": "\\u0001\\"\\\\\\n"
                  },
                  "b": [
                    1,
                    2.5,
                    null
                  ]
                }
                """)
    }

    @Test func foundationCodersAgree() throws {
        let text = #"{"a":[1,-2.5,true,null,"x"],"b":{"c":9223372036854775807}}"#
        let ours = try JSONValue(parsing: text)
        #expect(try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) == ours)
        #expect(try JSONValue(parsing: JSONEncoder().encode(ours)) == ours)
    }
}
