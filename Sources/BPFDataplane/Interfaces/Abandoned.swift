/// An interface whose hooks nobody claims and that could not be removed.
struct Abandoned {
    /// Not given to another while the interface has it.
    var slot: UInt32
    /// Why it failed the last time.
    var reason: String
}
