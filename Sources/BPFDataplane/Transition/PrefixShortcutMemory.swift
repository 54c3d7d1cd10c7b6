/// The two arrays that `PrefixShortcuts` writes. Each write is one word that readers see wholly, after all before it.
protocol PrefixShortcutMemory: AnyObject {
    func setFirst(_ index: Int, _ word: UInt64)
    func setSecond(_ index: Int, _ word: UInt64)
}
