import PolicyModel

/// Whose an address is. Where several endpoints claim one address it is nobody's: a record must not name the wrong one.
struct AddressBook {
    private var claims: [IPAddress: [EndpointKey]] = [:]
    private var addresses: [EndpointKey: [IPAddress]] = [:]
    private var sharedAddresses: Set<IPAddress> = []

    /// Addresses that several endpoints claim, with all of those, in order.
    var shared: [(address: IPAddress, endpoints: [EndpointKey])] {
        sharedAddresses.sorted().map { ($0, (claims[$0] ?? []).sorted()) }
    }

    func endpoint(of address: IPAddress) -> EndpointKey? {
        guard let owners = claims[address], owners.count == 1 else { return nil }
        return owners[0]
    }

    /// The endpoint has these addresses now. O(its addresses and their claims).
    mutating func set(_ key: EndpointKey, _ new: [IPAddress]) {
        let old = addresses[key] ?? []
        guard old != new else { return }
        for address in old {
            if let index = claims[address]?.firstIndex(of: key) { claims[address]?.remove(at: index) }
            if claims[address]?.isEmpty == true { claims[address] = nil }
        }
        for address in new { claims[address, default: []].append(key) }
        addresses[key] = new.isEmpty ? nil : new
        for address in old + new {
            if (claims[address]?.count ?? 0) > 1 { sharedAddresses.insert(address) } else { sharedAddresses.remove(address) }
        }
    }
}
