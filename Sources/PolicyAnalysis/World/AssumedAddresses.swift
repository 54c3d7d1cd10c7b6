import PolicyModel

/// Addresses for workloads whose own nobody told.
///
/// Each is in no block of the input but those of length 0: rules that name blocks do not mean a workload by its address,
/// and rules that name everything do.
enum AssumedAddresses {
    /// Gives an IPv4 address to every one of `needy`, and an IPv6 address too where a block or an endpoint has one.
    static func give(
        _ needy: [EndpointKey], in world: inout PolicyWorld, apartFrom others: Set<AddressBlock>
    ) throws(WorldError) {
        guard !needy.isEmpty else { return }
        let blocks = WorldBlocks.all(of: world).union(others)
        let versions = blocks.contains { $0.version == .v6 } ? IPVersion.allCases : [.v4]
        for version in versions {
            // Length 0 holds everybody, whatever address they have.
            let ranges = AddressRange.cut(version, by: blocks.filter { $0.version == version && $0.prefixLength > 0 })
            var free = FreeAddresses(version, ranges: ranges, blocks: blocks)
            for key in needy {
                guard let address = free.next() else { throw .noFreeAddress(version) }
                world.endpoints[key]?.addresses.append(address)
            }
        }
    }

    /// Hands out addresses that no block holds.
    private struct FreeAddresses {
        private var gaps: [AddressRange]
        private var nextAddress: IPAddress?

        init(_ version: IPVersion, ranges: [AddressRange], blocks: Set<AddressBlock>) {
            let lengths = Set(blocks.lazy.filter { $0.version == version && $0.prefixLength > 0 }.map(\.prefixLength))
            gaps = ranges.filter { range in
                !lengths.contains { length in
                    AddressBlock(address: range.first, prefixLength: length).map(blocks.contains) ?? false
                }
            }
            // From the reserved end of the address space (RFC 1112 section 4, RFC 4291 section 2.4), where nobody lives.
            gaps.sort { $0.first < $1.first }
            let start = version == .v4 ? IPAddress(v4: 0xF000_0000) : IPAddress(v6High: 0xFE00_0000_0000_0000, low: 1)
            let upper = gaps.filter { $0.last >= start }.map { AddressRange(first: max($0.first, start), last: $0.last) }
            gaps = upper + gaps.filter { $0.first < start }.map { AddressRange(first: $0.first, last: min($0.last, start)) }
        }

        mutating func next() -> IPAddress? {
            while let gap = gaps.first {
                let address = nextAddress ?? gap.first
                if address == gap.last {
                    gaps.removeFirst()
                    nextAddress = nil
                } else {
                    nextAddress = address.successor
                }
                // Neither the address of nobody nor that of everybody.
                if address.low != 0 || address.high != 0 { return address }
            }
            return nil
        }
    }
}
