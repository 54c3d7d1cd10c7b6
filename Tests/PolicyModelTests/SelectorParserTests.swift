import PolicyModel
import Testing

@Suite struct SelectorParserTests {
    @Test(arguments: [
        ("", Selector.all), (" \t", .all), ("all()", .all), ("all(  )", .all), ("global()", .global),
        ("has(a)", .has(key: "a")), ("has( a/b.c_d-E9 )", .has(key: "a/b.c_d-E9")), ("!has(a)", .not(.has(key: "a"))),
        ("! has(a)", .not(.has(key: "a"))), ("!!has(a)", .has(key: "a")), ("!!!has(a)", .not(.has(key: "a"))),
        ("a == \"b\"", .equals(key: "a", value: "b")), ("a=='b'", .equals(key: "a", value: "b")),
        ("a == 'say \"x\"'", .equals(key: "a", value: "say \"x\"")), ("a == \"it's\"", .equals(key: "a", value: "it's")),
        ("a == ''", .equals(key: "a", value: "")), ("a == 'all() && x'", .equals(key: "a", value: "all() && x")),
        ("a != \"b\"", .notEquals(key: "a", value: "b")), ("!a == 'b'", .not(.equals(key: "a", value: "b"))),
        ("a contains 'b'", .contains(key: "a", value: "b")), ("a contains'b'", .contains(key: "a", value: "b")),
        ("a starts with 'b'", .startsWith(key: "a", value: "b")), ("a startswith 'b'", .startsWith(key: "a", value: "b")),
        ("a starts\twith'b'", .startsWith(key: "a", value: "b")), ("a ends with 'b'", .endsWith(key: "a", value: "b")),
        ("a in {'b'}", .isIn(key: "a", values: ["b"])), ("a in{\"b\",'c'}", .isIn(key: "a", values: ["b", "c"])),
        ("a in {}", .isIn(key: "a", values: [])), ("a in {'b',}", .isIn(key: "a", values: ["b"])),
        ("a in { 'b' , 'b' }", .isIn(key: "a", values: ["b"])),
        ("a not in {'b', 'c'}", .isNotIn(key: "a", values: ["b", "c"])), ("a notin {'b'}", .isNotIn(key: "a", values: ["b"])),
        ("a == 'b' && c == 'd'", .and([.equals(key: "a", value: "b"), .equals(key: "c", value: "d")])),
        ("has(a)||has(b)", .or([.has(key: "a"), .has(key: "b")])),
        ("has(a) || has(b) && has(c)", .or([.has(key: "a"), .and([.has(key: "b"), .has(key: "c")])])),
        ("has(a) && has(b) || has(c)", .or([.and([.has(key: "a"), .has(key: "b")]), .has(key: "c")])),
        ("(has(a) || has(b)) && has(c)", .and([.or([.has(key: "a"), .has(key: "b")]), .has(key: "c")])),
        ("!(has(a) && has(b))", .not(.and([.has(key: "a"), .has(key: "b")]))), ("((has(a)))", .has(key: "a")),
        ("(has(a) && has(b)) && has(c)", .and([.and([.has(key: "a"), .has(key: "b")]), .has(key: "c")])),
        ("!(!has(a))", .not(.not(.has(key: "a")))), ("has == 'b'", .equals(key: "has", value: "b")),
        ("all == 'b'", .equals(key: "all", value: "b")), ("in in {'in'}", .isIn(key: "in", values: ["in"])),
        ("not not in {'x'}", .isNotIn(key: "not", values: ["x"])), ("contains contains 'x'", .contains(key: "contains", value: "x")),
        ("app.kubernetes.io/name == 'x'", .equals(key: "app.kubernetes.io/name", value: "x")),
    ])
    func parses(text: String, expected: Selector) throws {
        let selector = try Selector(text)
        #expect(selector == expected)
        #expect(try Selector(selector.description) == selector, "\(selector.description)")
        #expect(try Selector(selector.canonical.description) == selector.canonical)
        #expect(selector.canonical.canonical == selector.canonical)
    }

    @Test(arguments: [
        ("a", "expected ==, !=, in, not in, contains, starts with or ends with after the label a at position 2"),
        ("a = 'b'", "expected ==, !=, in, not in, contains, starts with or ends with after the label a at position 3"),
        ("a == b", "expected a text in quotes at position 6"), ("a == 'b", "the text is not closed at position 6"),
        ("a == 'b\"", "the text is not closed at position 6"), ("a == 'ü'", "label values hold only ASCII, so this text can never match at position 7"),
        ("has(a", "expected ')' after has(a at position 6"), ("has()", "unexpected character, a label was expected at position 5"),
        ("has (a)", "expected ==, !=, in, not in, contains, starts with or ends with after the label has at position 5"),
        ("all(", "expected ')' after all( at position 5"), ("all(x)", "expected ')' after all( at position 5"),
        ("a in 'b'", "expected '{' at position 6"), ("a in {b}", "expected a text in quotes at position 7"),
        ("a in {'b' 'c'}", "expected ',' or '}' at position 11"), ("a in {,}", "expected a text in quotes at position 7"),
        ("a not 'b'", "expected ==, !=, in, not in, contains, starts with or ends with after the label a at position 3"),
        ("has(a) &", "expected && at position 9"), ("has(a) & has(b)", "expected && at position 9"),
        ("has(a) && ", "unexpected end, a comparison was expected at position 11"), ("has(a) | has(b)", "expected || at position 9"),
        ("&& has(a)", "unexpected character, a label was expected at position 1"), ("(has(a)", "expected ')' at position 8"),
        ("has(a))", "unexpected ')' at position 7"), ("has(a) has(b)", "expected && or || or the end at position 8"),
        ("!", "unexpected end, a comparison was expected at position 2"), ("()", "unexpected character, a label was expected at position 2"),
        ("has(a)\n", "expected && or || or the end at position 7"), ("ключ == 'b'", "unexpected character, a label was expected at position 1"),
    ])
    func refuses(text: String, message: String) {
        let error = #expect(throws: SelectorParseError.self) { try Selector(text) }
        #expect(error?.description == message)
    }

    @Test func limitsHold() throws {
        let deepest = String(repeating: "(", count: SelectorLimits.maximumDepth)
        let close = String(repeating: ")", count: SelectorLimits.maximumDepth)
        #expect(try Selector(deepest + "all()" + close) == .all)
        #expect(throws: SelectorParseError.self) { try Selector("(" + deepest + "all()" + close + ")") }
        let longest = String(repeating: "k", count: SelectorLimits.maximumKeyBytes)
        #expect(try Selector("has(\(longest))") == .has(key: longest))
        #expect(throws: SelectorParseError.self) { try Selector("has(k\(longest))") }
        let filler = String(repeating: " ", count: SelectorLimits.maximumBytes - 5)
        #expect(try Selector("all()" + filler) == .all)
        #expect(throws: SelectorParseError.self) { try Selector("all() " + filler) }
        // No recursion where there is only repetition.
        #expect(try Selector(String(repeating: "!", count: 8000) + "has(a)") == .has(key: "a"))
    }

    @Test(arguments: [
        ("has(b) && has(a)", "has(a) && has(b)"), ("(has(a) && has(b)) && has(c)", "has(c) && (has(b) && has(a))"),
        ("has(a) && has(a)", "has(a)"), ("!(a == 'b')", "a != \"b\""), ("!(a in {'x','y'})", "a not in {'y','x'}"),
        ("!(a != 'b')", "a == 'b'"), ("!(!(has(a)))", "has(a)"), ("a in {'b'}", "a == 'b'"), ("a not in {'b'}", "a != 'b'"),
        ("a in {}", "!all()"), ("a not in {}", "all()"), ("has(a) && all()", "has(a)"), ("has(a) || all()", "all()"),
        ("has(a) && b in {}", "!all()"), ("has(a) || b in {}", "has(a)"), ("a contains ''", "has(a)"), ("a starts with ''", "has(a)"),
        ("a ends with ''", "has(a)"), ("!(a in {})", "all()"), ("has(a) || (has(b) || has(c))", "has(c) || has(b) || has(a)"),
    ])
    func equivalentSpellingsHaveOneCanonicalForm(left: String, right: String) throws {
        #expect(try Selector(left).canonical == Selector(right).canonical)
    }

    @Test(arguments: [
        ("has(a)", "!has(a)"), ("a == 'b'", "a == 'c'"), ("has(a) && has(b)", "has(a) || has(b)"), ("a != 'b'", "has(a)"),
        ("a contains 'b'", "a starts with 'b'"), ("all()", "global()"), ("!(has(a) && has(b))", "!has(a) && !has(b)"),
    ])
    func differentMeaningsStayDifferent(left: String, right: String) throws {
        #expect(try Selector(left).canonical != Selector(right).canonical)
    }

    @Test func namespaceSelectors() throws {
        #expect(try NamespaceSelector("global()") == .global)
        #expect(try NamespaceSelector(" global( ) ") == .global)
        #expect(try NamespaceSelector("all()") == .matching(.all))
        #expect(try NamespaceSelector("team == 'a'") == .matching(.equals(key: "team", value: "a")))
        for (text, message) in [
            ("(global())", "global() must stand alone at position 1"), ("!!global()", "global() must stand alone at position 1"),
            ("!global()", "global() cannot be combined with other selectors at position 1"),
            ("global() || has(a)", "global() cannot be combined with other selectors at position 1"),
        ] {
            let error = #expect(throws: SelectorParseError.self) { try NamespaceSelector(text) }
            #expect(error?.description == message)
        }
    }

    @Test func keys() throws {
        #expect(try Selector("has(a) && !(b == 'x' || c in {'y'}) && all()").keys == ["a", "b", "c"])
    }
}
