/// Content and numbers, both ways. A number is never given to other content.
struct InternTable<Content: Hashable & Sendable, Number: InternedID>: Sendable {
    private(set) var numbers: [Content: Number] = [:]
    private(set) var contents: [Number: Content] = [:]
    /// Numbers begin at 1.
    private var next: Int32 = 1

    var count: Int { numbers.count }

    mutating func intern(_ content: Content) -> (number: Number, isNew: Bool) {
        if let known = numbers[content] { return (known, false) }
        let number = Number(rawValue: next)
        next += 1
        numbers[content] = number
        contents[number] = content
        return (number, true)
    }

    mutating func forget(except kept: (Number) -> Bool) -> Int {
        let dropped = contents.filter { !kept($0.key) }
        for (number, content) in dropped {
            contents[number] = nil
            numbers[content] = nil
        }
        return dropped.count
    }

    /// Descriptions of what is wrong; empty when nothing is.
    func checkInvariants(_ name: String) -> [String] {
        numbers.count == contents.count && numbers.allSatisfy { contents[$0.value] == $0.key }
            ? [] : ["\(name): numbers and contents do not mirror each other"]
    }
}
