// swift-tools-version: 6.1
import PackageDescription

// The engine is compared with its oracle over millions of verdicts and the tests run in the debug
// configuration, so its modules are optimised in every configuration.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]

let package = Package(
    name: "bulkhead",
    products: [
        .executable(name: "bulkhead", targets: ["bulkhead"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // The pure core: no file, no socket, no clock.
        .target(name: "PolicyModel", swiftSettings: optimised),
        .target(name: "PolicyEngine", dependencies: ["PolicyModel"], swiftSettings: optimised),
        .target(name: "PolicyAnalysis", dependencies: ["PolicyModel", "PolicyEngine"], swiftSettings: optimised),

        // What is stored.
        .target(
            name: "Datastore",
            dependencies: ["PolicyModel", .product(name: "GRDB", package: "GRDB.swift")]),

        // What is enforced.
        .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),
        .target(name: "Dataplane", dependencies: ["PolicyModel", "PolicyEngine"], swiftSettings: optimised),
        .target(name: "Netlink", dependencies: ["CLinux"], swiftSettings: optimised),
        .target(name: "CBPF", cSettings: [.define("_GNU_SOURCE")], linkerSettings: [.linkedLibrary("bpf")]),
        .executableTarget(name: "EmbedKernelProgram"),
        .plugin(name: "KernelPrograms", capability: .buildTool(), dependencies: ["EmbedKernelProgram"]),
        .target(
            name: "BPFDataplane",
            dependencies: ["Dataplane", "Netlink", "CBPF", "CLinux", "PolicyModel", "PolicyEngine"],
            swiftSettings: optimised,
            plugins: ["KernelPrograms"]),

        // What a host can do and what stands in the way.
        .target(name: "CHostProbes", cSettings: [.define("_GNU_SOURCE")]),
        .target(name: "HostDiagnosis", dependencies: ["PolicyModel", "Netlink", "CBPF", "CHostProbes"]),

        // What was seen.
        .target(
            name: "FlowLogs",
            dependencies: [
                "PolicyModel", "PolicyEngine", "Dataplane", "Datastore", .product(name: "GRDB", package: "GRDB.swift"),
            ]),

        // The edges.
        .target(
            name: "KubernetesClient",
            dependencies: [
                "PolicyModel",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Yams", package: "Yams"),
            ]),
        // Worlds from files, for whoever asks without a server.
        .target(name: "PolicyFiles", dependencies: ["PolicyModel", "PolicyAnalysis", "KubernetesClient"]),
        .target(
            name: "WorkloadSources",
            dependencies: [
                "PolicyModel", "Netlink", "CLinux",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .target(
            name: "ControlPlane",
            dependencies: [
                "PolicyModel", "PolicyEngine", "PolicyAnalysis", "Datastore", "Dataplane", "FlowLogs", "KubernetesClient",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "NodeAgent",
            dependencies: [
                "PolicyModel", "PolicyEngine", "Datastore", "Dataplane", "FlowLogs", "WorkloadSources", "Netlink",
                "ControlPlane",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .executableTarget(
            name: "bulkhead",
            dependencies: [
                "PolicyModel", "PolicyEngine", "Datastore", "Dataplane", "BPFDataplane", "FlowLogs", "KubernetesClient",
                "WorkloadSources", "ControlPlane", "NodeAgent", "HostDiagnosis", "Netlink", "PolicyAnalysis", "PolicyFiles",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),

        // What it costs; `make bench`.
        .target(
            name: "CBenchmarks", path: "Benchmarks/CBenchmarks", cSettings: [.define("_GNU_SOURCE")],
            linkerSettings: [.linkedLibrary("bpf")]),
        .executableTarget(
            name: "bulkhead-benchmarks",
            dependencies: [
                "PolicyModel", "PolicyEngine", "PolicyAnalysis", "Dataplane", "BPFDataplane", "Netlink", "CBPF", "CBenchmarks",
            ],
            path: "Benchmarks", exclude: [
                "CBenchmarks", "Probe", "api_server.py", "change_to_packet.py", "laboratories.py", "packet_path.py", "peers.py", "probe.py",
            ], swiftSettings: optimised),

        // Tests. PolicyTesting makes worlds and packets for every test that compares deciders.
        .target(
            name: "PolicyTesting", dependencies: ["PolicyModel", "PolicyEngine", "Dataplane"],
            path: "Tests/PolicyTesting", swiftSettings: optimised),
        .testTarget(name: "PolicyModelTests", dependencies: ["PolicyModel"], swiftSettings: optimised),
        .testTarget(
            name: "PolicyEngineTests", dependencies: ["PolicyModel", "PolicyEngine", "Dataplane", "PolicyTesting"],
            exclude: ["Cases"], swiftSettings: optimised),
        .testTarget(
            name: "PolicyAnalysisTests",
            dependencies: ["PolicyModel", "PolicyEngine", "PolicyAnalysis", "PolicyTesting"], swiftSettings: optimised),
        .testTarget(
            name: "DatastoreTests",
            dependencies: ["Datastore", "PolicyModel", .product(name: "GRDB", package: "GRDB.swift")]),
        .testTarget(name: "NetlinkTests", dependencies: ["Netlink", "CLinux"]),
        .testTarget(
            name: "BPFDataplaneTests",
            dependencies: [
                "BPFDataplane", "Dataplane", "Netlink", "CBPF", "CLinux", "PolicyEngine", "PolicyModel", "PolicyTesting",
            ],
            swiftSettings: optimised),
        .testTarget(
            name: "FlowLogsTests",
            dependencies: [
                "FlowLogs", "Dataplane", "Datastore", "PolicyModel", .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "WorkloadSourcesTests", dependencies: ["WorkloadSources", "PolicyModel", "Netlink", "CLinux"]),
        .testTarget(
            name: "KubernetesClientTests",
            dependencies: [
                "KubernetesClient", "ControlPlane", "Dataplane", "Datastore", "FlowLogs", "PolicyModel",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "ControlPlaneTests",
            dependencies: [
                "ControlPlane", "PolicyModel", "PolicyEngine", "Datastore", "Dataplane", "FlowLogs",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(name: "PolicyFilesTests", dependencies: ["PolicyFiles", "PolicyAnalysis", "PolicyModel"]),
        .testTarget(
            name: "NodeAgentTests",
            dependencies: [
                "NodeAgent", "PolicyModel", "PolicyEngine", "Datastore", "Dataplane", "FlowLogs", "ControlPlane", "Netlink",
                .product(name: "Logging", package: "swift-log"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
