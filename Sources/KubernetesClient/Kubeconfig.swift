import Foundation
import PolicyModel

/// Why a kubeconfig cannot be used: a sentence with the file and what to do.
public struct KubeconfigError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}

/// How to reach a server and who we are there: what one context of a kubeconfig says.
public struct Kubeconfig: Sendable, Hashable {
    /// `https://127.0.0.1:7443`, without a slash at the end.
    public var server: String
    /// PEM; nil: the system's authorities.
    public var authorityPEM: String?
    public var skipsVerification: Bool
    public var token: String?
    /// PEM, both or neither.
    public var clientCertificatePEM: String?
    public var clientKeyPEM: String?
    /// For commands without `-n`.
    public var namespace: String
    /// The file it comes from, for messages; empty if none.
    public var path: String

    public init(
        server: String, authorityPEM: String? = nil, skipsVerification: Bool = false, token: String? = nil,
        clientCertificatePEM: String? = nil, clientKeyPEM: String? = nil, namespace: String = "default", path: String = ""
    ) {
        self.server = server
        self.authorityPEM = authorityPEM
        self.skipsVerification = skipsVerification
        self.token = token
        self.clientCertificatePEM = clientCertificatePEM
        self.clientKeyPEM = clientKeyPEM
        self.namespace = namespace
        self.path = path
    }

    /// The file that a client command uses: the one named, else the first of `$KUBECONFIG` that exists, else the default.
    ///
    /// - Throws: `KubeconfigError` when there is none, with the way to make one.
    public static func locate(
        explicit: String?, environment: [String: String], defaultPath: String
    ) throws(KubeconfigError) -> String {
        if let explicit { return explicit }
        let listed = (environment["KUBECONFIG"] ?? "").split(separator: ":").map(String.init)
        for path in listed + [defaultPath] where FileManager.default.fileExists(atPath: path) { return path }
        let tried = (listed + [defaultPath]).joined(separator: ", ")
        throw KubeconfigError(
            "There is no kubeconfig at \(tried): is `bulkhead up` running? Name one with --kubeconfig or $KUBECONFIG.")
    }

    /// - Parameter context: nil: the file's current one.
    public static func load(path: String, context: String? = nil) throws(KubeconfigError) -> Kubeconfig {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw KubeconfigError("The kubeconfig \(path) cannot be read: does it exist, and may this user read it?")
        }
        return try Kubeconfig(text: text, path: path, context: context)
    }

    /// - Parameter path: for messages; relative names in the file are relative to its folder.
    public init(text: String, path: String, context wanted: String? = nil) throws(KubeconfigError) {
        let reader = KubeconfigReader(path: path)
        let document = try reader.parse(text)
        guard let contextName = wanted ?? document["current-context"]?.stringValue, !contextName.isEmpty else {
            throw reader.failure("names no current-context: set one with `kubectl config use-context NAME`")
        }
        let context = try reader.entry(contextName, of: "contexts", member: "context", in: document)
        let cluster = try reader.entry(
            try reader.reference("cluster", of: contextName, context), of: "clusters", member: "cluster", in: document)
        guard var server = cluster["server"]?.stringValue, let url = URL(string: server), url.host != nil,
            ["https", "http"].contains(url.scheme ?? "")
        else {
            throw reader.failure("has no server of the form https://HOST:PORT for the context \"\(contextName)\"")
        }
        while server.hasSuffix("/") { server.removeLast() }
        var user = JSONValue.object([:])
        if let name = context["user"]?.stringValue, !name.isEmpty {
            user = try reader.entry(name, of: "users", member: "user", in: document)
        }
        for method in ["exec", "auth-provider", "username"] where user["token"] == nil && user[method] != nil {
            throw reader.failure("authenticates by \"\(method)\", which is not supported: use a token or a client certificate")
        }
        let token: String?
        if let text = user["token"]?.stringValue, !text.isEmpty {
            token = text
        } else {
            token = try user["tokenFile"]?.stringValue.map { name throws(KubeconfigError) in try reader.file(name) }
        }
        self.init(
            server: server,
            authorityPEM: try reader.pem("certificate-authority", in: cluster),
            skipsVerification: cluster["insecure-skip-tls-verify"]?.boolValue ?? false,
            token: token?.trimmingCharacters(in: .whitespacesAndNewlines),
            clientCertificatePEM: try reader.pem("client-certificate", in: user),
            clientKeyPEM: try reader.pem("client-key", in: user),
            namespace: context["namespace"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } ?? "default", path: path)
        guard (clientCertificatePEM == nil) == (clientKeyPEM == nil) else {
            throw reader.failure("has a client certificate without its key, or a key without its certificate")
        }
    }
}

private struct KubeconfigReader {
    let path: String

    func failure(_ text: String) -> KubeconfigError { KubeconfigError("The kubeconfig \(path) \(text).") }

    func parse(_ text: String) throws(KubeconfigError) -> JSONValue {
        let documents: [YAMLDocument]
        do { documents = try YAMLDocuments.parse(text) } catch { throw failure("cannot be understood (\(error))") }
        guard let document = documents.first?.value, document.objectValue != nil else {
            throw failure("is empty: `bulkhead up` writes one")
        }
        return document
    }

    func entry(
        _ name: String, of list: String, member: String, in document: JSONValue
    ) throws(KubeconfigError) -> JSONValue {
        let entries = document[list]?.arrayValue ?? []
        guard let entry = entries.first(where: { $0["name"]?.stringValue == name }) else {
            throw failure("has no entry \"\(name)\" in \(list)")
        }
        return entry[member] ?? .object([:])
    }

    func reference(_ member: String, of contextName: String, _ context: JSONValue) throws(KubeconfigError) -> String {
        guard let name = context[member]?.stringValue, !name.isEmpty else {
            throw failure("names no \(member) in the context \"\(contextName)\"")
        }
        return name
    }

    /// `NAME-data` (base 64) goes before `NAME` (a file).
    func pem(_ name: String, in entry: JSONValue) throws(KubeconfigError) -> String? {
        if let encoded = entry["\(name)-data"]?.stringValue, !encoded.isEmpty {
            guard let data = Data(base64Encoded: encoded, options: .ignoreUnknownCharacters),
                let text = String(data: data, encoding: .utf8)
            else { throw failure("has a \(name)-data that is not PEM in base 64") }
            return text
        }
        guard let name = entry[name]?.stringValue, !name.isEmpty else { return nil }
        return try file(name)
    }

    func file(_ name: String) throws(KubeconfigError) -> String {
        let folder = (path as NSString).deletingLastPathComponent
        let full = name.hasPrefix("/") || folder.isEmpty ? name : folder + "/" + name
        do { return try String(contentsOfFile: full, encoding: .utf8) } catch {
            throw failure("names the file \(full), which cannot be read")
        }
    }
}
