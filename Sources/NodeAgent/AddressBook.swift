import PolicyModel

/// Whose an address is. Where several endpoints claim one address it is nobody's: a record must not name the wrong one.
struct AddressBook {
    private var owners: [IPAddress: EndpointKey] = [:]
    /// Addresses that several endpoints claim, with all of those, in order.
    let shared: [(address: IPAddress, endpoints: [EndpointKey])]

    init(endpoints: [EndpointKey: WorkloadEndpoint] = [:]) {
        var claims: [IPAddress: [EndpointKey]] = [:]
        for endpoint in endpoints.values {
            for address in endpoint.addresses { claims[address, default: []].append(endpoint.key) }
        }
        owners = claims.compactMapValues { $0.count == 1 ? $0[0] : nil }
        shared = claims.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted()) }
    }

    func endpoint(of address: IPAddress) -> EndpointKey? { owners[address] }
}
