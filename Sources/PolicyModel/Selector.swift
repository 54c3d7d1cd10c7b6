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
    case not(Selector)
    /// Two or more.
    case and([Selector])
    /// Two or more.
    case or([Selector])
}
