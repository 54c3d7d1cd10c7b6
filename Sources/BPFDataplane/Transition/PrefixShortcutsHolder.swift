/// A place for the one `PrefixShortcuts` of a kernel object, which is never copied nor changed itself.
final class PrefixShortcutsHolder {
    var value = PrefixShortcuts()
}
