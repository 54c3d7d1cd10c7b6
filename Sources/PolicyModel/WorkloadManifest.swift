/// Pods as a manifest describes them: a Pod, or an object that makes pods. Bulkhead serves none of these kinds; analyses of
/// files read them, because they say which workloads there will be.
public struct WorkloadManifest: Sendable, Hashable {
    /// The controller that made a pod.
    public struct Owner: Sendable, Hashable {
        public var kind: String
        public var name: String

        public init(kind: String, name: String) {
            self.kind = kind
            self.name = name
        }
    }

    public var kind: String
    public var namespace: String
    public var name: String
    public var owner: Owner?
    /// Those of its pods.
    public var labels: [String: String]
    /// The named ports of its containers.
    public var ports: [NamedPort]
    public var serviceAccount: String
    /// As the status of a Pod or VirtualMachineInstance tells them; empty for everything else.
    public var addresses: [IPAddress]
    /// Its packets are the host's: no policy decides them.
    public var usesHostNetwork: Bool
    /// A pod that will not run again.
    public var hasEnded: Bool

    /// Whether an object of that name describes pods.
    public static func describesPods(apiVersion: String, kind: String) -> Bool { form(apiVersion, kind) != nil }

    /// The cost grows with the object. Fields that say nothing of policy are not looked at.
    /// - Throws: everything that is wrong with the fields that do.
    public init(object: JSONValue) throws(ValidationError) {
        let kind = ObjectDecoding.text(object["kind"])
        guard let form = Self.form(ObjectDecoding.text(object["apiVersion"]), kind) else {
            throw ValidationError([FieldError(path: "kind", message: "describes no pods", reason: .notSupported)])
        }
        var reader = PodReader()
        reader.checkMetadata(object["metadata"])
        let template = form.template.reduce(Optional(object)) { value, member in value?[member] }
        let path = form.template.joined(separator: ".")
        guard let template, case .object = template else {
            reader.errors.fail(path, "is required: it describes the pods of a \(kind)", .required)
            throw ValidationError(reader.errors)
        }
        labels = reader.labels(template["metadata"]?["labels"], path: PodReader.path(path, "metadata.labels"))
        let spec = form.spec.reduce(Optional(template)) { value, member in value?[member] }
        let specPath = PodReader.path(path, form.spec.joined(separator: "."))
        ports = reader.ports(spec, path: specPath)
        let account = ObjectDecoding.text(spec?["serviceAccountName"])
        // The older name of the field.
        let olderAccount = ObjectDecoding.text(spec?["serviceAccount"])
        serviceAccount = !account.isEmpty ? account : olderAccount.isEmpty ? "default" : olderAccount
        usesHostNetwork = spec?["hostNetwork"]?.boolValue ?? false
        let status = object["status"]
        addresses = form.hasAddresses ? reader.addresses(status) : []
        hasEnded = form.hasAddresses && ["Succeeded", "Failed"].contains(ObjectDecoding.text(status?["phase"]))
        self.kind = kind
        name = ObjectDecoding.name(object)
        namespace = ObjectDecoding.namespace(object)
        owner = Self.controller(object["metadata"])
        // Kubernetes' own label, the only one that a controller gives whose value a manifest tells.
        if kind == "Job" {
            for label in ["job-name", "batch.kubernetes.io/job-name"] where labels[label] == nil { labels[label] = name }
        }
        guard reader.errors.isEmpty else { throw ValidationError(reader.errors) }
    }

    private static func controller(_ metadata: JSONValue?) -> Owner? {
        let owners = metadata?["ownerReferences"]?.arrayValue ?? []
        guard let controller = owners.first(where: { $0["controller"] == .bool(true) }) else { return nil }
        let owner = Owner(kind: ObjectDecoding.text(controller["kind"]), name: ObjectDecoding.text(controller["name"]))
        return owner.kind.isEmpty || owner.name.isEmpty ? nil : owner
    }

    /// Where an object has what it says of pods.
    private struct Form {
        /// The members that lead to what has the pods' metadata and spec; none: the object itself.
        var template: [String] = []
        var spec = ["spec"]
        var hasAddresses = false
    }

    private static func form(_ apiVersion: String, _ kind: String) -> Form? {
        switch (apiVersion, kind) {
        case ("v1", "Pod"), ("kubevirt.io/v1", "VirtualMachineInstance"): Form(hasAddresses: true)
        case ("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"), ("apps/v1", "ReplicaSet"),
            ("v1", "ReplicationController"), ("batch/v1", "Job"), ("kubevirt.io/v1", "VirtualMachine"):
            Form(template: ["spec", "template"])
        case ("batch/v1", "CronJob"), ("batch/v1beta1", "CronJob"):
            Form(template: ["spec", "jobTemplate", "spec", "template"])
        default: nil
        }
    }
}

/// Reads the parts of a pod and collects what is wrong with them.
private struct PodReader {
    var errors: [FieldError] = []

    static func path(_ path: String, _ member: String) -> String { path.isEmpty ? member : "\(path).\(member)" }

    mutating func checkMetadata(_ metadata: JSONValue?) {
        let name = ObjectDecoding.text(metadata?["name"])
        if name.isEmpty {
            errors.fail("metadata.name", "is required", .required)
        } else if !NameRules.isSubdomain(name) {
            errors.fail("metadata.name", "\(name.quoted) is no valid name: \(NameRules.subdomainForm)")
        }
        let namespace = ObjectDecoding.text(metadata?["namespace"])
        if !NameRules.isLabel(namespace) {
            errors.fail("metadata.namespace", "\(namespace.quoted) is no valid name: \(NameRules.labelForm)")
        }
    }

    mutating func labels(_ value: JSONValue?, path: String) -> [String: String] {
        guard let value, !value.isNull else { return [:] }
        guard let members = value.objectValue else {
            errors.fail(path, "must be an object, not \(value.typeName)")
            return [:]
        }
        for (key, value) in members.sorted(by: { $0.key < $1.key }) where value.stringValue == nil {
            errors.fail("\(path)[\(key)]", "must be a text, not \(value.typeName): put it in quotes")
        }
        MetadataRules.checkLabels(value, path: path, into: &errors)
        return members.compactMapValues(\.stringValue)
    }

    /// Of containers, and of those that run beside them from the start.
    mutating func ports(_ spec: JSONValue?, path: String) -> [NamedPort] {
        var ports: [NamedPort] = []
        for (index, container) in (spec?["containers"]?.arrayValue ?? []).enumerated() {
            ports += self.ports(of: container, path: "\(path).containers[\(index)]")
        }
        for (index, container) in (spec?["initContainers"]?.arrayValue ?? []).enumerated()
        where container["restartPolicy"] == "Always" {
            ports += self.ports(of: container, path: "\(path).initContainers[\(index)]")
        }
        return ports
    }

    private mutating func ports(of container: JSONValue, path: String) -> [NamedPort] {
        var ports: [NamedPort] = []
        for (index, port) in (container["ports"]?.arrayValue ?? []).enumerated() {
            let name = ObjectDecoding.text(port["name"])
            if name.isEmpty { continue }
            let path = "\(path).ports[\(index)]"
            if !NameRules.isEndpointPortName(name) {
                errors.fail(
                    "\(path).name",
                    "\(name.quoted) is no port name: use at most 15 lower case letters, digits and single inner '-', among "
                        + "them a letter")
            }
            let number = port["containerPort"]?.integerValue ?? 0
            if !(1...65535).contains(number) {
                errors.fail("\(path).containerPort", "must be a port: a number from 1 to 65535")
            }
            let transportName = port["protocol"].map(ObjectDecoding.text) ?? "TCP"
            let transport = ["TCP": TransportProtocol.tcp, "UDP": .udp, "SCTP": .sctp][transportName]
            if transport == nil {
                errors.fail("\(path).protocol", "\(transportName.quoted) is not supported: use \"TCP\", \"UDP\" or \"SCTP\"", .notSupported)
            }
            guard let transport, let number = UInt16(exactly: number) else { continue }
            ports.append(NamedPort(name: name, transport: transport, port: number))
        }
        return ports
    }

    mutating func addresses(_ status: JSONValue?) -> [IPAddress] {
        var texts: [(path: String, text: String)] = []
        for (index, entry) in (status?["podIPs"]?.arrayValue ?? []).enumerated() {
            texts.append(("status.podIPs[\(index)].ip", ObjectDecoding.text(entry["ip"])))
        }
        texts.append(("status.podIP", ObjectDecoding.text(status?["podIP"])))
        for (index, entry) in (status?["interfaces"]?.arrayValue ?? []).enumerated() {
            texts.append(("status.interfaces[\(index)].ipAddress", ObjectDecoding.text(entry["ipAddress"])))
        }
        var addresses: [IPAddress] = []
        for (path, text) in texts where !text.isEmpty {
            guard let address = IPAddress(text) else {
                errors.fail(path, "\(text.quoted) is no address: write it as 10.0.0.1 or 2001:db8::1")
                continue
            }
            if !addresses.contains(address) { addresses.append(address) }
        }
        return addresses
    }
}
