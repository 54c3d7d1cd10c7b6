import PolicyModel

/// Packets that rules can tell apart by the same numbers: one IP version, and protocols that have ports, types and codes, or
/// neither.
struct TrafficForm: Sendable, Hashable {
    enum Detail: Int, Sendable, CaseIterable { case ports, messages, neither }

    var version: IPVersion
    var detail: Detail

    static let all = Detail.allCases.flatMap { detail in IPVersion.allCases.map { TrafficForm(version: $0, detail: detail) } }

    /// 0 ..< `all.count`.
    var index: Int { detail.rawValue * 2 + (version == .v4 ? 0 : 1) }

    /// The numbers of a packet, in the order of `RuleBox.numbers`.
    enum Number: Int, CaseIterable { case transport, sourcePort, detail, source, destination }

    /// What each number can be.
    var domains: [NumberSet] { Self.domains[index] }

    private static let domains: [[NumberSet]] = all.map { form in
        let address = NumberSet(0, form.version == .v4 ? UInt128(UInt32.max) : UInt128.max)
        let sixteen = NumberSet(0, UInt16.max)
        return [
            transports[form.detail.rawValue], form.detail == .ports ? sixteen : NumberSet(0, 0),
            form.detail == .neither ? NumberSet(0, 0) : sixteen, address, address,
        ]
    }

    private static let transports: [NumberSet] = Detail.allCases.map { detail in
        NumberSet(
            union: (0...255).map { TransportProtocol(number: UInt8($0)) }.filter { transport in
                switch detail {
                case .ports: transport.hasPorts
                case .messages: transport.hasTypeAndCode
                case .neither: !transport.hasPorts && !transport.hasTypeAndCode
                }
            }.map { NumberSet.Range(first: UInt128($0.number), last: UInt128($0.number)) })
    }
}

extension NumberSet {
    /// The addresses of blocks.
    init(blocks: [AddressBlock]) {
        self.init(
            union: blocks.map { block in
                let first = block.address.number
                let size = UInt128(block.version.width - block.prefixLength)
                let rest: UInt128 = size == 128 ? .max : (UInt128(1) << size) - 1
                return Range(first: first, last: first | rest)
            })
    }

    init(ports: [PortRange]) {
        self.init(union: ports.map { Range(first: UInt128($0.first), last: UInt128($0.last)) })
    }
}

extension IPAddress {
    fileprivate var number: UInt128 { UInt128(high) << 64 | UInt128(low) }
}
