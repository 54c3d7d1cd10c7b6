import Foundation
import PolicyAnalysis
import PolicyFiles
import PolicyModel
import Testing

/// PolicyTests over worlds from files.
@Suite struct VerificationTests {
    private static let world = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop}
        spec: {template: {metadata: {labels: {app: web}}, spec: {containers: []}}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: db, namespace: shop}
        spec: {template: {metadata: {labels: {app: db}}, spec: {containers: []}}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: job, namespace: lab}
        spec: {template: {metadata: {labels: {app: job}}, spec: {containers: []}}}
        ---
        apiVersion: projectcalico.org/v3
        kind: NetworkPolicy
        metadata: {name: db, namespace: shop}
        spec:
          selector: app == 'db'
          types: [Ingress]
          ingress:
            - {action: Allow, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [5432]}}
            - {action: Deny, protocol: UDP}

        """

    private static func verification(_ spec: String) throws -> Verification {
        let test = "---\napiVersion: bulkhead.io/v1alpha1\nkind: PolicyTest\nmetadata: {name: t}\nspec:\n\(spec)\n"
        let folder = try TemporaryFolder(["all.yaml": world + test])
        let offline = OfflineWorld([folder.path])
        #expect(offline.problems == [])
        #expect(offline.leftOut == [])
        let objects = offline.objects.filter { Kinds.policyTest.isKind(of: $0.value) }
        return Verification(try #require(offline.world), tests: try objects.map { try PolicyTest(object: $0.value) })
    }

    private static func failures(_ spec: String) throws -> [String?] { try verification(spec).results().map(\.failure) }

    @Test func whatHoldsAndWhatDoesNotWithTheRuleThatDecides() throws {
        let failures = try Self.failures("""
              cases:
              - {name: a, from: {workload: shop/web}, to: {workload: shop/db}, ports: [tcp/5432], expect: Allowed}
              - {name: b, from: {namespace: lab}, to: {selector: app == 'db'}, expect: Denied}
              - {name: c, from: {namespaceSelector: kubernetes.io/metadata.name == 'lab'}, to: {workload: db}, ports: [tcp/5432], expect: Allowed}
              - {name: d, from: {workload: shop/web}, to: {workload: shop/db}, ports: [tcp/5432], expect: Denied}
              - {name: e, from: {workload: shop/db}, to: {workload: "shop/web[Deployment]"}, expect: Allowed}
              - {name: f, from: {address: 203.0.113.7}, to: {workload: shop/web}, expect: Allowed}
              - {name: g, from: {workload: shop/web}, to: {workload: shop/db}, expect: Allowed}
              - {name: h, from: {selector: app == 'nobody'}, to: {workload: shop/db}, expect: Denied}
              - {name: i, from: {workload: shop/db}, to: {workload: shop/db}, expect: Denied}
            """)
        #expect(failures == [
            nil, nil,
            "lab/job[Deployment] => shop/db[Deployment]: tcp/5432 is denied (ingress of shop/db: end of tier default)",
            "shop/web[Deployment] => shop/db[Deployment]: tcp/5432 is allowed (egress of shop/web: profile kns.shop; ingress of shop/db: rule 0 of "
                + "NetworkPolicy shop/db in tier default)",
            nil, nil,
            "shop/web[Deployment] => shop/db[Deployment]: TCP 5432 is allowed, not everything",
            "from picks nobody: compare it with the workloads that the files hold",
            "to picks the one workload that from picks, and no policy decides what a workload says to itself",
        ])
    }

    @Test func pathsOverSeveralConnections() throws {
        let failures = try Self.failures("""
              invariants:
              - {name: a, from: {namespace: lab}, to: {workload: shop/db}}
              - {name: b, from: {namespace: lab}, to: {workload: shop/db}, hops: 2}
              - {name: c, from: {namespace: lab}, to: {workload: shop/db}, hops: 3, ports: [tcp/80]}
              - {name: d, from: {address: 203.0.113.7}, to: {workload: shop/db}, hops: 2, ports: [tcp/5432]}
            """)
        #expect(failures.map { $0 == nil } == [true, false, true, false])
        #expect(failures[1]?.hasPrefix("there is a path of 2: lab/job[Deployment] => shop/web[Deployment] (All Connections) => shop/db[Deployment]") == true)
        #expect(failures[3]?.contains("shop/web[Deployment] (tcp/5432) => shop/db[Deployment] (tcp/5432)") == true)
    }

    @Test func whatNoTestNeeds() throws {
        let verification = try Self.verification("""
              cases:
              - {name: a, from: {workload: shop/web}, to: {workload: shop/db}, ports: [tcp/5432], expect: Allowed}
              - {name: b, from: {namespace: lab}, to: {workload: shop/db}, expect: Denied}
            """)
        #expect(verification.needless().map { "\($0.policy.words) \($0.path)" } == ["NetworkPolicy shop/db spec.ingress[1]"])
    }

    @Test func everythingThatIsWrongWithATestIsTold() throws {
        let object: JSONValue = [
            "apiVersion": "bulkhead.io/v1alpha1", "kind": "PolicyTest", "metadata": ["name": "t"],
            "spec": [
                "cases": [
                    ["name": "", "from": ["workload": "a/b", "address": "10.0.0.1"], "to": [:], "ports": ["http"], "expect": "Perhaps"],
                    ["name": "x", "from": ["address": "10.0.0.1"], "to": ["address": "10.0.0.x"], "expect": "Denied"],
                    ["name": "y", "from": ["address": "10.0.0.1"], "to": ["address": "10.0.0.2"], "expect": "Denied"],
                    ["name": "z", "from": ["selector": "a =="], "to": ["selector": "sameLabel(a)"], "expect": "Denied"],
                ],
                "invariants": [["name": "i", "from": ["namespace": "a"], "to": ["namespace": "b"], "hops": 99]],
            ],
        ]
        do throws(ValidationError) {
            _ = try PolicyTest(object: object)
            Issue.record("taken")
        } catch {
            #expect(error.errors.map(\.path) == [
                "spec.cases[0].expect", "spec.invariants[0].hops", "spec.cases[0].from.workload", "spec.cases[0].to", "spec.cases[0].ports[0]",
                "spec.cases[0].name", "spec.cases[1].to.address", "spec.cases[2].to", "spec.cases[3].from.selector", "spec.cases[3].to.selector",
            ])
        }
        #expect(throws: ValidationError.self) {
            try PolicyTest(object: ["apiVersion": "bulkhead.io/v1alpha1", "kind": "PolicyTest", "metadata": ["name": "t"], "spec": [:]])
        }
    }

    @Test func reportsForContinuousIntegration() {
        let results = [
            Verification.Result(test: "a", name: "x < y", path: "spec.cases[0]", failure: nil),
            Verification.Result(test: "a", name: "z", path: "spec.cases[1]", failure: "\"no\" & never\u{1}"),
            Verification.Result(test: "b", name: "w", path: "spec.cases[0]", failure: nil),
        ]
        #expect(JUnitReport.text(results) == """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="bulkhead verify" tests="3" failures="1" errors="0">
              <testsuite name="a" tests="2" failures="1" errors="0">
                <testcase classname="a" name="x &lt; y"/>
                <testcase classname="a" name="z">
                  <failure message="&quot;no&quot; &amp; never\u{fffd}">spec.cases[1]: &quot;no&quot; &amp; never\u{fffd}</failure>
                </testcase>
              </testsuite>
              <testsuite name="b" tests="1" failures="0" errors="0">
                <testcase classname="b" name="w"/>
              </testsuite>
            </testsuites>

            """)
    }
}
