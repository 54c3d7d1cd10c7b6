/// A parsed Calico label selector (libcalico-go `lib/selector`): the value that its text means.
///
/// The parser is in `SelectorParser.swift`. Evaluation belongs to whoever decides: the engine and its oracle each
/// have their own.
public indirect enum Selector: Sendable, Hashable {
    case all
    /// `global()`; only meaningful in a namespace selector.
    case global
    case has(key: String)
    case equals(key: String, value: String)
    /// Also true when the label is absent.
    case notEquals(key: String, value: String)
    case contains(key: String, value: String)
    case startsWith(key: String, value: String)
    case endsWith(key: String, value: String)
    case isIn(key: String, values: Set<String>)
    /// Also true when the label is absent.
    case isNotIn(key: String, values: Set<String>)
    /// `sameNamespace()`: in the namespace of the endpoint that the policy applies to.
    ///
    /// This and `sameLabel` compare with that endpoint; where there is none, they match nothing.
    case sameNamespace
    /// `sameLabel(KEY)`: the label is there, and as that of the endpoint that the policy applies to. Matches nothing where
    /// that endpoint has no such label.
    case sameLabel(key: String)
    case not(Selector)
    /// Two or more.
    case and([Selector])
    /// Two or more.
    case or([Selector])
}
