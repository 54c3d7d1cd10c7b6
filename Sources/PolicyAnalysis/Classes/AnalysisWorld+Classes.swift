import PolicyModel

extension AnalysisWorld {
    /// With the pods of classes. Namespaces of theirs that this world lacks are made up.
    func adding(_ classes: LabelClasses, apartFrom blocks: Set<AddressBlock>) throws(WorldError) -> AnalysisWorld {
        let known = Set(world.namespaces.keys)
        let made = Dictionary(classes.namespaces.map { ($0.name, $0) }) { first, _ in first }
        let names = Set(classes.endpoints.map(\.key.namespace)).subtracting(known)
        let base = changing { world in
            for name in names {
                world.namespaces[name] = made[name] ?? Namespace(name: name, labels: [Namespace.nameLabel: name])
            }
            for endpoint in classes.endpoints {
                let account = NamespacedName(namespace: endpoint.key.namespace, name: endpoint.serviceAccount)
                if world.serviceAccounts[account] == nil {
                    world.serviceAccounts[account] = ServiceAccount(namespace: account.namespace, name: account.name)
                }
            }
        }
        return try base.adding(classes.endpoints, apartFrom: blocks)
    }
}
