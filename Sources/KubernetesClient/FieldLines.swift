import Yams

/// Where a field stands in a file: read again only when something is wrong with it.
public enum FieldLines {
    /// The line, from 1, of the field that `path` names, or of the nearest field around it that is there.
    ///
    /// O(file). Nil for documents that are lists of objects and for files that cannot be read again.
    /// - Parameters:
    ///   - path: as the API names fields: `spec.ingress[0].http`, `metadata.labels[app]`.
    ///   - document: which document of the file, from 0, empty ones not counted.
    ///   - first: the line of the document, which a field of it cannot come before.
    public static func line(of path: String, inDocument document: Int, of text: String, within first: Int) -> Int? {
        guard let parser = try? Yams.Parser(yaml: text, resolver: .basic) else { return nil }
        var index = 0
        while let root = try? parser.nextRoot() {
            if case .scalar(let scalar) = root, scalar.string.isEmpty || scalar.string == "null" { continue }
            if index == document { return line(of: components(path)[...], in: root).map { max($0, first) } }
            index += 1
        }
        return nil
    }

    private static func line(of path: ArraySlice<String>, in node: Node) -> Int? {
        guard let next = path.first else { return node.mark?.line }
        switch node {
        case .mapping(let mapping):
            guard let (key, value) = mapping.first(where: { $0.key.scalar?.string == next }) else { return nil }
            return line(of: path.dropFirst(), in: value).map { path.count == 1 ? key.mark?.line ?? $0 : $0 } ?? key.mark?.line
        case .sequence(let sequence):
            guard let position = Int(next), sequence.indices.contains(position) else { return nil }
            return line(of: path.dropFirst(), in: sequence[position]) ?? sequence[position].mark?.line
        default: return nil
        }
    }

    /// `spec.ingress[0].http` as `spec`, `ingress`, `0`, `http`; a key in brackets may hold dots.
    static func components(_ path: String) -> [String] {
        var found: [String] = []
        var current = ""
        var isInBrackets = false
        func end() {
            if !current.isEmpty { found.append(current) }
            current = ""
        }
        for character in path {
            switch character {
            case "[" where !isInBrackets:
                end()
                isInBrackets = true
            case "]" where isInBrackets:
                end()
                isInBrackets = false
            case "." where !isInBrackets: end()
            default: current.append(character)
            }
        }
        end()
        return found
    }
}
