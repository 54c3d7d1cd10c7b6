import PolicyModel

/// Whose an address is. Where several endpoints claim one address it is nobody's: a record must not name the wrong one.
struct AddressBook {
    private var owners: [IPAddress: EndpointKey?] = [:]

    init(endpoints: [EndpointKey: WorkloadEndpoint] = [:]) {
        for endpoint in endpoints.values {
            for address in endpoint.addresses {
                owners[address] = .some(owners[address] == nil ? endpoint.key : nil)
            }
        }
    }

    func endpoint(of address: IPAddress) -> EndpointKey? { owners[address] ?? nil }
}
