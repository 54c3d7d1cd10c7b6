import KubernetesClient

/// One document of a file, as text.
struct FileDocument: Sendable {
    var file: String
    /// Of the file before the document.
    var linesBefore: Int
    var text: Substring

    /// Where the document begins, from 1.
    var line: Int { linesBefore + 1 }

    /// Cuts before the lines that begin with `---`, which nothing inside a document can (YAML 1.2.2, section 9.1.2).
    ///
    /// A document is read by itself so that what is wrong with one hides no other. Directives stay with what follows them.
    static func split(_ text: String, file: String) -> [FileDocument] {
        var documents: [FileDocument] = []
        var start = text.startIndex
        var linesBefore = 0
        var line = 0
        var isDirectives = false
        var position = text.startIndex
        let bytes = text.utf8
        while position < text.endIndex {
            let rest = bytes[position...]
            if rest.starts(with: "---".utf8), position > start, !isDirectives {
                documents.append(FileDocument(file: file, linesBefore: linesBefore, text: text[start..<position]))
                start = position
                linesBefore = line
            }
            isDirectives = rest.first == UInt8(ascii: "%") || (isDirectives && rest.first == UInt8(ascii: "#"))
            position = rest.firstIndex(of: UInt8(ascii: "\n")).map { bytes.index(after: $0) } ?? text.endIndex
            line += 1
        }
        if start < text.endIndex {
            documents.append(FileDocument(file: file, linesBefore: linesBefore, text: text[start...]))
        }
        return documents
    }

    /// The line in the file of a field; nil for none. O(document).
    func line(of path: String) -> Int? {
        FieldLines.line(of: path, inDocument: 0, of: String(text), within: 1).map { $0 + linesBefore }
    }
}
