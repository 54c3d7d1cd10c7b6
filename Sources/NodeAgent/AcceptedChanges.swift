import Datastore

/// What has to be remembered of objects that could be read.
struct AcceptedChanges: Sendable {
    /// `versions` and `kept` are all there are.
    var isWhole = false
    /// The version of an object that decides now; nil: the object is gone.
    var versions: [StoreKey: StoredObject?] = [:]
    /// Objects whose newest version cannot be read: what is remembered of them stays.
    var kept: Set<StoreKey> = []

    var isEmpty: Bool { !isWhole && versions.isEmpty }

    /// Adds what came later.
    mutating func merge(_ later: AcceptedChanges) {
        if later.isWhole {
            let before = versions
            self = later
            for key in later.kept { versions[key] = before[key] }
        } else {
            versions.merge(later.versions) { $1 }
            kept.subtract(later.versions.keys)
        }
    }
}

/// What is remembered of an object.
enum AcceptedVersion: Sendable, Hashable {
    case version(StoredObject)
    /// Every version that this node has seen of it could not be read.
    case never
    /// There is no record that would say.
    case unknown
}
