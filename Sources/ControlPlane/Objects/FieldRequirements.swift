/// A `fieldSelector` query parameter on the two fields that every kind has.
struct FieldRequirements: Sendable, Hashable {
    private(set) var name: String?
    private(set) var namespace: String?
    private(set) var notName: Set<String> = []
    private(set) var notNamespace: Set<String> = []

    init(_ text: String) throws(APIFailure) {
        for part in text.split(separator: ",", omittingEmptySubsequences: true) {
            let negated = part.contains("!=")
            let pieces = part.replacing("!=", with: "=").replacing("==", with: "=")
                .split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pieces.count == 2 else {
                throw .badRequest("unable to parse fieldSelector \"\(text)\": write metadata.name=VALUE")
            }
            let value = String(pieces[1])
            switch (pieces[0], negated) {
            case ("metadata.name", false): name = value
            case ("metadata.namespace", false): namespace = value
            case ("metadata.name", true): notName.insert(value)
            case ("metadata.namespace", true): notNamespace.insert(value)
            default:
                throw .badRequest(
                    "field label not supported: \(pieces[0]); only metadata.name and metadata.namespace can be selected")
            }
        }
    }

    /// Only the object of this name, whatever else is selected.
    mutating func require(name: String) { self.name = name }

    func match(name: String, namespace: String) -> Bool {
        (self.name == nil || self.name == name) && (self.namespace == nil || self.namespace == namespace)
            && !notName.contains(name) && !notNamespace.contains(namespace)
    }
}
