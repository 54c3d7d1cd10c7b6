import PolicyModel
import Testing

/// Random bytes never crash a parser, and what a parser takes it writes back to the same value.
@Suite struct FuzzTests {
    /// For each of five shapes: 200,000 in all.
    static let iterations = 40_000

    @Test func selectors() throws {
        let words = [
            "a", "has(", "all()", "global()", ")", "(", "!", "&&", "||", "&", "==", "!=", "in", "not", "in {", "{", "}", ",", "'x'",
            "\"y\"", "'", "\"", "contains", "starts with", "ends", "with", " ", "\t", "\n", "ü", "label/k", "a == 'b'", "has(k)", "b in {'c'}",
        ]
        var random = Generator(seed: 1)
        var accepted = 0
        for _ in 0..<Self.iterations {
            let text = (0..<random.next(upTo: 12)).map { _ in words[random.next(upTo: words.count)] }.joined(separator: " ")
            guard let selector = try? Selector(text) else { continue }
            accepted += 1
            let again = try Selector(selector.description)
            guard again == selector else { throw Mismatch(text: text) }
            guard try Selector(selector.canonical.description) == selector.canonical else { throw Mismatch(text: text) }
        }
        #expect(accepted > 400, "\(accepted) of \(Self.iterations) texts were selectors")
    }

    @Test func documents() throws {
        let words = [
            "{", "}", "[", "]", ":", ",", "\"a\"", "\"b\"", "\"\\u0041\"", "\"\\ud83d\\ude00\"", "\"", "\\", "1", "-1.5e3", "0", "null", "true",
            "false", " ", "\n", "\u{1}", "ü", "{\"a\":1}", "[1,2]", "9223372036854775807", "1e308",
        ]
        var random = Generator(seed: 2)
        var accepted = 0
        for _ in 0..<Self.iterations {
            let text = (0..<random.next(upTo: 10)).map { _ in words[random.next(upTo: words.count)] }.joined()
            guard let value = try? JSONValue(parsing: text) else { continue }
            accepted += 1
            guard try JSONValue(parsing: value.serialized()) == value else { throw Mismatch(text: text) }
            guard try JSONValue(parsing: value.serialized(pretty: true)) == value else { throw Mismatch(text: text) }
        }
        #expect(accepted > 400, "\(accepted) of \(Self.iterations) texts were documents")
    }

    @Test func rawBytes() throws {
        var random = Generator(seed: 3)
        for _ in 0..<Self.iterations {
            let bytes = (0..<random.next(upTo: 40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let text = String(decoding: bytes, as: UTF8.self)
            _ = try? JSONValue(parsing: bytes)
            _ = try? Selector(text)
            _ = try? PortRange(json: .string(text))
            _ = TransportProtocol(.string(text))
            _ = AddressBlock(text)
        }
    }

    @Test func addresses() throws {
        let alphabet = Array("0123456789abcdefF:.:./ :0".utf8)
        var random = Generator(seed: 4)
        var accepted = 0
        for _ in 0..<Self.iterations {
            let text = String(
                decoding: (0..<random.next(upTo: 20)).map { _ in alphabet[random.next(upTo: alphabet.count)] }, as: UTF8.self)
            guard let block = AddressBlock(text) else { continue }
            accepted += 1
            guard AddressBlock(block.description) == block else { throw Mismatch(text: text) }
        }
        #expect(accepted > 10, "\(accepted) of \(Self.iterations) texts were blocks")
        for _ in 0..<Self.iterations {
            // Words that are often zero, so that runs of zeros of every shape occur.
            let groups = (0..<8).map { _ in random.next(upTo: 2) == 0 ? 0 : random.next(upTo: 65536) }
            let address = IPAddress(
                v6High: groups[..<4].reduce(0) { $0 << 16 | UInt64($1) }, low: groups[4...].reduce(0) { $0 << 16 | UInt64($1) })
            guard IPAddress(address.description) == address else { throw Mismatch(text: address.description) }
        }
    }

    /// Objects with anything at any place: an object that passes validation can be read, and no other.
    @Test func objects() throws {
        var random = Generator(seed: 5)
        var accepted: [String: Int] = [:]
        for _ in 0..<Self.iterations {
            let kind = Kinds.all[random.next(upTo: Kinds.all.count)]
            var object = ValidatorTests.object(kind)
            for field in kind.fields where random.next(upTo: 4) != 0 {
                object[field.name] = Self.value(like: field.schema, &random, depth: 0)
            }
            if kind.kind == "BaselineAdminNetworkPolicy" { object["metadata"]?["name"] = "default" }
            if random.next(upTo: 8) == 0 { object["metadata"] = Self.value(&random, depth: 0) }
            if random.next(upTo: 2) == 0 { Validator.prune(&object, kind: kind) }
            var defaulted = object
            Defaulting.apply(to: &defaulted, kind: kind)
            var again = defaulted
            Defaulting.apply(to: &again, kind: kind)
            guard again == defaulted else { throw Mismatch(text: object.text()) }
            for candidate in [object, defaulted] {
                let errors = Validator.validate(candidate, kind: kind).filter { $0.reason != .unknown }
                let isValid = errors.isEmpty
                var world = PolicyWorld()
                do {
                    let isChanged = try world.set(candidate)
                    accepted[kind.resource, default: 0] += 1
                    guard isValid || Self.failClosed(errors, kind), isChanged == PolicyWorld.resources.contains(kind.resource) else {
                        throw Mismatch(text: candidate.text())
                    }
                } catch is ValidationError {
                    guard !isValid else { throw Mismatch(text: candidate.text()) }
                }
            }
            _ = JSONMergePatch.apply(Self.value(&random, depth: 0), to: object)
            _ = try? StrategicMergePatch.apply(Self.value(&random, depth: 0), to: object, kind: kind)
            _ = try? JSONPatch.apply(.array([Self.value(&random, depth: 2), Self.value(&random, depth: 2)]), to: object)
        }
        print("valid objects by kind:", accepted.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        for kind in Kinds.all where kind.refusal == nil {
            #expect(accepted[kind.resource, default: 0] > 100, "\(kind.resource)")
        }
        #expect(accepted[Kinds.hostEndpoint.resource] == nil)
    }

    /// Whether what is refused makes rules of policy.networking.k8s.io fail closed, no more.
    private static func failClosed(_ errors: [FieldError], _ kind: ResourceKind) -> Bool {
        kind.group == "policy.networking.k8s.io"
            && errors.allSatisfy { $0.reason == .notEnforcedYet || $0.message.hasPrefix("must have one of the members") }
    }

    /// A value of the schema's shape for the most part, else anything.
    private static func value(like schema: Schema, _ random: inout Generator, depth: Int) -> JSONValue {
        if random.next(upTo: 24) == 0 { return value(&random, depth: depth + 1) }
        switch schema {
        case .object(let fields):
            var members: [String: JSONValue] = [:]
            for field in fields where field.required || random.next(upTo: 4) == 0 {
                if !field.enforced, random.next(upTo: 8) != 0 { continue }
                members[field.name] = value(like: field.schema, &random, depth: depth + 1)
            }
            return .object(members)
        case .map(let element):
            var members: [String: JSONValue] = [:]
            for _ in 0..<random.next(upTo: 3) {
                members[labels[random.next(upTo: labels.count)]] = value(like: element, &random, depth: depth + 1)
            }
            return .object(members)
        case .array(let element):
            return .array((0..<random.next(upTo: 3)).map { _ in value(like: element, &random, depth: depth + 1) })
        case .string(let allowed):
            return .string(allowed.isEmpty ? texts[random.next(upTo: texts.count)] : allowed[random.next(upTo: allowed.count)])
        case .integer: return [0, 1, 4, 6, 80, 254, 65535, .number(6.0), .number(1e20)][random.next(upTo: 9)]
        case .number: return [0, 10, .number(-1.5), .number(1e20), .integer(.max)][random.next(upTo: 5)]
        case .boolean: return .bool(random.next(upTo: 4) == 0)
        case .integerOrString: return ["TCP", "UDP", "ICMP", 6, 58, 80, "http", "80:90", .number(17.0)][random.next(upTo: 9)]
        case .timestamp: return "2026-01-02T03:04:05Z"
        case .any: return value(&random, depth: depth + 1)
        }
    }

    private static let labels = ["a", "app.kubernetes.io/name", "b", "-", "bulkhead.io/deny-action", "kubernetes.io/service-name"]
    private static let texts = [
        "", "a", "default", "web", "all()", "a == 'b'", "10.0.0.0/8", "10.0.0.1", "10.1.0.0/16", "2001:db8::1", "10.0.0.1", "x y", "Reject",
    ]

    private static let names = [
        "spec", "metadata", "name", "namespace", "labels", "tier", "order", "types", "ingress", "egress", "action", "source", "destination",
        "nets", "selector", "namespaceSelector", "ports", "protocol", "ipNetworks", "interfaceName", "node", "port", "http", "op", "path", "from",
        "value", "notPorts", "icmp", "stagedAction", "podSelector", "to", "matchLabels", "endpoints", "addresses", "nets", "$patch", "$retainKeys", "$setElementOrder/finalizers", "finalizers", "ownerReferences", "uid", "defaultAction", "x",
    ]
    private static let scalars: [JSONValue] = [
        .null, true, 0, 80, -1, 70000, .number(1.5), .number(6.0), .number(1e300), "", "Allow", "Deny", "Pass", "Log", "Ingress", "TCP", "80:90",
        .number(1e20), .integer(.min), .integer(.max), "knp.default.a", "10.0.0.0/8", "::1", "10.0.0.1", "all()", "a == 'b'", "global()", "has(", "/spec", "/a/0", "add", "copy", "delete", "replace", "default",
    ]

    private static func value(_ random: inout Generator, depth: Int) -> JSONValue {
        switch depth > 4 ? 0 : random.next(upTo: depth == 0 ? 3 : 4) {
        case 1, 2:
            var members: [String: JSONValue] = [:]
            for _ in 0..<random.next(upTo: 5) { members[names[random.next(upTo: names.count)]] = value(&random, depth: depth + 1) }
            if random.next(upTo: 2) == 0 { members["action"] = "Allow" }
            return .object(members)
        case 3: return .array((0..<random.next(upTo: 3)).map { _ in value(&random, depth: depth + 1) })
        default: return depth == 0 ? [:] : scalars[random.next(upTo: scalars.count)]
        }
    }

    struct Mismatch: Error {
        var text: String
    }
}

/// SplitMix64: the same numbers in every run.
struct Generator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    mutating func next(upTo bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
