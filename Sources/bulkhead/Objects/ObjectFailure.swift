import KubernetesClient
import PolicyModel

/// What a server refused, told with the place in the file: FILE:LINE, the object, the path of the field.
enum ObjectFailure {
    /// One line for each thing that is wrong.
    static func lines(_ error: any Error, manifest: Manifest, in manifests: Manifests) -> [String] {
        guard let status = (error as? KubernetesError)?.status, !status.causes.isEmpty else {
            return ["\(manifests.place(of: manifest)): \(manifest.title): \(error)"]
        }
        return sentences(status).map { field, sentence in
            "\(manifests.place(of: manifest, field: field)): \(manifest.title): \(sentence)"
        }
    }

    /// The causes of a refusal, each once and each with its path once.
    static func sentences(_ status: KubernetesError.Status) -> [(field: String, sentence: String)] {
        var seen: Set<String> = []
        return status.causes.compactMap { cause in
            let namesField = cause.field.isEmpty || cause.message.contains(cause.field)
            let sentence = namesField ? cause.message : "\(cause.field): \(cause.message)"
            return seen.insert(sentence).inserted ? (cause.field, sentence) : nil
        }
    }
}
