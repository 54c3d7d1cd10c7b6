import Crypto
import Foundation
import NIOSSL
import X509

/// The certificate authority, server certificate and administrator token of one state directory.
///
/// The authority and the token are made once and kept; the server certificate is made anew at every start, so that its
/// names fit the address and it never runs out under a server that is restarted at least once a year.
struct ServerIdentity: Sendable {
    enum Failure: Error, CustomStringConvertible {
        case damaged(path: String, reason: String)

        var description: String {
            switch self {
            case .damaged(let path, let reason):
                "\(path) is damaged (\(reason)); restore it, or remove it to have it made anew: every kubeconfig must then be replaced"
            }
        }
    }

    let authorityPEM: String
    let serverCertificatePEM: String
    let serverKeyPEM: String
    let token: BearerToken

    /// Reads the directory, and makes what is missing. `hosts` are names and addresses that clients may use, beside
    /// 127.0.0.1, ::1 and localhost.
    static func load(directory: String, hosts: [String], now: Date) throws -> ServerIdentity {
        try PrivateFiles.makeDirectory(directory)
        let authority = try loadAuthority(directory: directory, now: now)
        let key = P256.Signing.PrivateKey()
        let certificate = try makeServerCertificate(authority: authority, key: key, hosts: hosts, now: now)
        return ServerIdentity(
            authorityPEM: try authority.certificate.serializeAsPEM().pemString,
            serverCertificatePEM: try certificate.serializeAsPEM().pemString, serverKeyPEM: key.pemRepresentation,
            token: try loadToken(path: directory + "/admin.token"))
    }

    /// TLS 1.2 and later, the server certificate with its authority behind it.
    func tlsConfiguration() throws -> TLSConfiguration {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(serverCertificatePEM.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(serverKeyPEM.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        // Clients prove themselves by a certificate of this authority, or by a token over any connection.
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authorityPEM.utf8)))
        configuration.certificateVerification = .optionalVerification
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        return configuration
    }

    // MARK: - Authority

    private struct Authority {
        var certificate: Certificate
        var key: P256.Signing.PrivateKey
    }

    private static func loadAuthority(directory: String, now: Date) throws -> Authority {
        let keyPath = directory + "/ca.key"
        let certificatePath = directory + "/ca.crt"
        if let keyBytes = PrivateFiles.read(keyPath), let bytes = PrivateFiles.read(certificatePath) {
            let key: P256.Signing.PrivateKey
            let certificate: Certificate
            do {
                key = try P256.Signing.PrivateKey(pemRepresentation: String(decoding: keyBytes, as: UTF8.self))
            } catch {
                throw Failure.damaged(path: keyPath, reason: "\(error)")
            }
            do {
                certificate = try Certificate(pemEncoded: String(decoding: bytes, as: UTF8.self))
            } catch {
                throw Failure.damaged(path: certificatePath, reason: "\(error)")
            }
            guard certificate.publicKey == Certificate.PublicKey(key.publicKey) else {
                throw Failure.damaged(path: certificatePath, reason: "it does not belong to ca.key")
            }
            return Authority(certificate: certificate, key: key)
        }
        let key = P256.Signing.PrivateKey()
        let certificate = try makeAuthorityCertificate(key: key, now: now)
        // The certificate last: a directory with a certificate always has its key.
        try PrivateFiles.write(Array(key.pemRepresentation.utf8), to: keyPath)
        try PrivateFiles.write(Array(try certificate.serializeAsPEM().pemString.utf8), to: certificatePath)
        return Authority(certificate: certificate, key: key)
    }

    private static func makeAuthorityCertificate(key: P256.Signing.PrivateKey, now: Date) throws -> Certificate {
        // A name of its own for each authority, so that clients with several in one bundle do not mix them up.
        let suffix = Hexadecimal.text(Insecure.SHA1.hash(data: key.publicKey.rawRepresentation).prefix(4))
        let name = try DistinguishedName {
            OrganizationName("Bulkhead")
            CommonName("bulkhead-ca-\(suffix)")
        }
        return try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: now.addingTimeInterval(-clockSkewSeconds),
            notValidAfter: now.addingTimeInterval(10 * 365.25 * 86_400), issuer: name, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(keyIdentifier: keyIdentifier(key.publicKey))
            },
            issuerPrivateKey: .init(key))
    }

    // MARK: - Server

    /// Accepts a client whose clock is behind ours by this much.
    private static let clockSkewSeconds: Double = 3600

    private static func makeServerCertificate(
        authority: Authority, key: P256.Signing.PrivateKey, hosts: [String], now: Date
    ) throws -> Certificate {
        let names = generalNames(hosts)
        return try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: now.addingTimeInterval(-clockSkewSeconds),
            notValidAfter: min(
                authority.certificate.notValidAfter, now.addingTimeInterval(5 * 365.25 * 86_400)),
            issuer: authority.certificate.subject,
            subject: try DistinguishedName {
                OrganizationName("Bulkhead")
                CommonName("bulkhead-server")
            },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(names)
                SubjectKeyIdentifier(keyIdentifier: keyIdentifier(key.publicKey))
                AuthorityKeyIdentifier(keyIdentifier: keyIdentifier(authority.key.publicKey))
            },
            issuerPrivateKey: .init(authority.key))
    }

    // MARK: - Clients

    struct ClientCertificate {
        var certificatePEM: String
        var keyPEM: String
        var der: [UInt8]
    }

    /// A certificate of the folder's authority for one user. It names the role, but what counts is the user's record: it can
    /// be taken back.
    static func makeClientCertificate(directory: String, name: String, role: Role, now: Date) throws -> ClientCertificate {
        let authority = try loadAuthority(directory: directory, now: now)
        let key = P256.Signing.PrivateKey()
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: now.addingTimeInterval(-clockSkewSeconds),
            notValidAfter: min(authority.certificate.notValidAfter, now.addingTimeInterval(365.25 * 86_400)),
            issuer: authority.certificate.subject,
            subject: try DistinguishedName {
                OrganizationName("bulkhead:\(role.rawValue)")
                CommonName(name)
            },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.clientAuth])
                SubjectKeyIdentifier(keyIdentifier: keyIdentifier(key.publicKey))
                AuthorityKeyIdentifier(keyIdentifier: keyIdentifier(authority.key.publicKey))
            },
            issuerPrivateKey: .init(authority.key))
        let document = try certificate.serializeAsPEM()
        return ClientCertificate(
            certificatePEM: document.pemString, keyPEM: key.pemRepresentation, der: document.derBytes)
    }

    private static func generalNames(_ hosts: [String]) -> [GeneralName] {
        var seen: Set<String> = []
        return (["localhost", "127.0.0.1", "::1"] + hosts).filter { seen.insert($0).inserted }.map { host in
            if let bytes = HostAddress.bytes(host) { return .ipAddress(.init(contentBytes: bytes[...])) }
            return .dnsName(host)
        }
    }

    /// RFC 5280, 4.2.1.2, method 1 wants SHA-1 of the public key; it identifies, it does not protect.
    private static func keyIdentifier(_ key: P256.Signing.PublicKey) -> ArraySlice<UInt8> {
        Array(Insecure.SHA1.hash(data: key.x963Representation))[...]
    }

    // MARK: - Token

    private static func loadToken(path: String) throws -> BearerToken {
        if let bytes = PrivateFiles.read(path) {
            let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            guard let token = BearerToken(text: text) else {
                throw Failure.damaged(path: path, reason: "the token has fewer than 64 characters")
            }
            return token
        }
        guard let token = BearerToken.random() else {
            throw Failure.damaged(path: path, reason: "no random token could be made")
        }
        try PrivateFiles.write(Array((token.text + "\n").utf8), to: path)
        return token
    }
}
