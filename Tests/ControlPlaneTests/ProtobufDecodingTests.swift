import PolicyModel
import Testing

@testable import ControlPlane

@Suite struct ProtobufDecodingTests {
    // MARK: - A writer of our own, to make what kubectl makes

    private func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        repeat {
            let byte = UInt8(rest & 0x7f)
            rest >>= 7
            bytes.append(rest == 0 ? byte : byte | 0x80)
        } while rest != 0
        return bytes
    }

    private func field(_ number: UInt64, _ content: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(content.count)) + content
    }

    private func field(_ number: UInt64, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

    private func field(_ number: UInt64, integer: UInt64) -> [UInt8] { varint(number << 3) + varint(integer) }

    private func unknown(_ kind: String, _ raw: [UInt8]) -> [UInt8] {
        [0x6b, 0x38, 0x73, 0] + field(1, field(1, "v1") + field(2, kind)) + field(2, raw) + field(3, "") + field(4, "")
    }

    // MARK: - Tests

    @Test func readsEveryMemberOfANamespace() throws {
        let owner =
            field(1, "Team") + field(3, "payments") + field(4, "uid-9") + field(5, "example.org/v1") + field(6, integer: 1)
            + field(7, integer: 0)
        let managed =
            field(1, "kubectl") + field(2, "Update") + field(3, "v1") + field(4, field(1, integer: 1_700_000_000))
            + field(6, "FieldsV1") + field(7, field(1, #"{"f:metadata":{}}"#)) + field(8, "")
        let metadata: [[UInt8]] = [
            field(1, "shop"), field(2, "sh"), field(3, ""), field(4, ""), field(5, "uid-1"), field(6, "12"),
            field(7, integer: 3), field(8, field(1, integer: 1_136_214_245) + field(2, integer: 5)),
            field(10, integer: 30), field(11, field(1, "team") + field(2, "a")), field(11, field(1, "env") + field(2, "")),
            field(12, field(1, "note") + field(2, "b")), field(13, owner), field(14, "one"), field(14, "two"),
            field(17, managed), field(99, "from the future"),
        ]
        let namespace =
            field(1, metadata.flatMap { $0 }) + field(2, field(1, "kubernetes")) + field(3, field(1, "Active"))
        let value = try ProtobufDecoding.decode(unknown("Namespace", namespace))
        #expect(
            value == [
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": [
                    "name": "shop", "generateName": "sh", "uid": "uid-1", "resourceVersion": "12", "generation": 3,
                    "creationTimestamp": "2006-01-02T15:04:05Z", "deletionGracePeriodSeconds": 30,
                    "labels": ["team": "a", "env": ""], "annotations": ["note": "b"],
                    "ownerReferences": [
                        [
                            "kind": "Team", "name": "payments", "uid": "uid-9", "apiVersion": "example.org/v1",
                            "controller": true, "blockOwnerDeletion": false,
                        ]
                    ],
                    "finalizers": ["one", "two"],
                    "managedFields": [
                        [
                            "manager": "kubectl", "operation": "Update", "apiVersion": "v1",
                            "time": "2023-11-14T22:13:20Z", "fieldsType": "FieldsV1", "fieldsV1": ["f:metadata": [:]],
                        ]
                    ],
                ], "spec": ["finalizers": ["kubernetes"]], "status": ["phase": "Active"],
            ])
    }

    @Test func readsDeleteOptions() throws {
        let options =
            field(1, integer: 0) + field(2, field(1, "uid-1") + field(2, "7")) + field(4, "Background") + field(5, "All")
        let value = try ProtobufDecoding.decode(unknown("DeleteOptions", options))
        #expect(
            value == [
                "apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0,
                "preconditions": ["uid": "uid-1", "resourceVersion": "7"], "propagationPolicy": "Background",
                "dryRun": ["All"],
            ])
    }

    @Test func refusesWhatItDoesNotUnderstand() throws {
        let good = unknown("Namespace", field(1, field(1, "shop")))
        do {
            _ = try ProtobufDecoding.decode(unknown("Pod", []))
            Issue.record("a kind without a table was accepted")
        } catch { #expect(error.code == 415) }
        let wrongType = unknown("Namespace", field(1, integer: 5))
        let tooLong = unknown("Namespace", [0x0a, 0x7f, 0x01])
        let notText = unknown("Namespace", field(1, field(1, [0xff, 0xfe])))
        let endlessNumber = unknown("Namespace", [UInt8](repeating: 0xff, count: 20))
        for body in [[], Array(good.dropFirst()), wrongType, tooLong, notText, endlessNumber] {
            do {
                _ = try ProtobufDecoding.decode(body)
                Issue.record("\(body) was accepted")
            } catch { #expect(error.code == 400) }
        }
    }

    /// Truncated and altered messages are refused or read, but never end the process.
    @Test func survivesDamage() {
        let metadata = field(1, "shop") + field(8, field(1, integer: 1_136_214_245)) + field(11, field(1, "team") + field(2, "a"))
        let good = unknown("Namespace", field(1, metadata))
        var generator = SplitMix(state: 42)
        var refused = 0
        var read = 0
        for round in 0..<20_000 {
            var bytes = good
            if round % 2 == 0 { bytes = Array(bytes.prefix(Int(generator.next() % UInt64(bytes.count)))) }
            for _ in 0..<(1 + generator.next() % 3) where !bytes.isEmpty {
                bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
            }
            if (try? ProtobufDecoding.decode(bytes)) == nil { refused += 1 } else { read += 1 }
        }
        #expect(refused > 1000)
        #expect(read > 100)
    }
}

/// Steele, Lea and Flood's SplitMix64: repeatable.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
