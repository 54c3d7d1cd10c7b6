/// Lists of blocks, and addresses that endpoints can have.
enum AddressRules {
    /// Each a block, none twice; `also` sees those that are.
    static func check(
        blocks: [JSONValue], path: String, member: String, into errors: inout [FieldError],
        also: (Int, AddressBlock, inout [FieldError]) -> Void = { _, _, _ in }
    ) {
        var seen: [AddressBlock: Int] = [:]
        for (index, element) in blocks.enumerated() {
            guard let text = element.stringValue else { continue }
            guard let block = AddressBlock(text) else {
                errors.fail(
                    "\(path)[\(index)]", "\(text.quoted) is no address block: write it as 10.0.0.0/8 or 2001:db8::/32")
                continue
            }
            if let first = seen.updateValue(index, forKey: block) {
                errors.fail("\(path)[\(index)]", "\(text.quoted) is the same block as \(member)[\(first)]")
            }
            also(index, block, &errors)
        }
    }
}

extension IPAddress {
    /// Why no endpoint can have it, in half a sentence; nil for addresses that one can have.
    var reasonAgainstEndpoint: String? {
        switch version {
        case .v4:
            if low == 0 { return "it is the unspecified address" }
            if low >> 24 == 127 { return "it is a loopback address" }
            if low >> 28 == 0xe { return "it is a multicast address" }
            if low == 0xffff_ffff { return "it is the broadcast address" }
        case .v6:
            if high == 0 && low == 0 { return "it is the unspecified address" }
            if high == 0 && low == 1 { return "it is the loopback address" }
            if high >> 56 == 0xff { return "it is a multicast address" }
            if high == 0 && low >> 32 == 0xffff { return "it is an IPv4 address in IPv6 form; write the IPv4 address" }
        }
        return nil
    }
}
