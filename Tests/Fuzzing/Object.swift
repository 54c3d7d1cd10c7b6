/// libFuzzer's entry.
@_cdecl("LLVMFuzzerTestOneInput")
public func examine(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let finding = FuzzedObject.finding(bytes) { fatalError(finding) }
    return 0
}
