import PolicyModel

/// Turns a world into the tables that decide every packet at the endpoints of one node.
///
/// It remembers what it made: a change costs what it touches, and equal content keeps its number from one result to
/// the next. A number is never given to other content. What no result uses is forgotten at
/// `CompilerLimits.rememberedFactor`; content that comes back after that has a new number.
///
/// The tables depend on the world alone, up to their numbers, whatever was compiled before.
public struct VerdictCompiler: Sendable {
    /// What the last `compile` had to do.
    public internal(set) var lastWork = CompileWork()

    var world = PolicyWorld()
    var node: String?
    var tables = VerdictTables()

    var texts = LabelTexts()
    var sets = AddressSetTable()

    var combinations: [LabelCombination?] = []
    var freeCombinations: [Int] = []
    var combinationNumbers: [CombinationKey: Int] = [:]
    var combinationsByLabel: [LabelPair: Set<Int>] = [:]
    var endpointCombinations: [EndpointKey: Int] = [:]
    var claims: [IPAddress: [EndpointKey]] = [:]
    var localEndpoints: Set<EndpointKey> = []

    var policies: [PolicyReference: CompiledPolicy] = [:]
    var nextPolicyRevision: Int32 = 1
    /// Tiers that exist, with their policies, both in order.
    var orderedTiers: [(tier: Tier, policies: [PolicyReference])] = []
    /// Grows when tiers or policies change.
    var policyGeneration = 1

    var residuals = InternTable<ResidualPolicy, ResidualID>()
    var residualNumbers: [ResidualKey: ResidualID] = [:]
    var stackContents = InternTable<StackContent, StackID>()
    var compiledStacks: [StackID: CompiledStack] = [:]
    var identities = IdentityTable()
    var rows = RowStore()

    // What the running compile has touched.
    var touchedAddresses: Set<IPAddress> = []
    var newCombinations: [Int] = []

    public init() {}

    /// The tables for the endpoints whose `node` is empty or `node`.
    public mutating func compile(_ world: PolicyWorld, node: String) -> VerdictTables {
        lastWork = CompileWork()
        touchedAddresses = []
        newCombinations = []

        updateEndpoints(world, node: node)
        updatePolicies(world)
        self.world = world
        self.node = node

        let changes = updateLegs()
        updateUsedSets(changes)
        updateMemberships()
        updatePairs(changes)
        rows.update(&tables)
        forgetUnused()
        return tables
    }

    // MARK: Endpoints

    private mutating func updateEndpoints(_ new: PolicyWorld, node newNode: String) {
        var changedNamespaces: Set<String> = []
        if new.namespaces != world.namespaces {
            for (name, namespace) in new.namespaces where world.namespaces[name] != namespace {
                changedNamespaces.insert(name)
            }
            for name in world.namespaces.keys where new.namespaces[name] == nil { changedNamespaces.insert(name) }
        }
        if new.endpoints != world.endpoints || !changedNamespaces.isEmpty {
            for key in world.endpoints.keys where new.endpoints[key] == nil { removeEndpoint(key) }
            for (key, endpoint) in new.endpoints {
                let old = world.endpoints[key]
                if old == endpoint && !changedNamespaces.contains(key.namespace) { continue }
                changeEndpoint(key, from: old, to: endpoint, namespace: new.namespaces[key.namespace])
                let isLocal = endpoint.node.isEmpty || endpoint.node == newNode
                if isLocal { localEndpoints.insert(key) } else { localEndpoints.remove(key) }
            }
        }
        if newNode != node {
            let local = new.endpoints.filter { $0.value.node.isEmpty || $0.value.node == newNode }
            localEndpoints = Set(local.keys)
        }
    }

    private mutating func removeEndpoint(_ key: EndpointKey) {
        lastWork.endpointsChanged += 1
        for address in world.endpoints[key]?.addresses ?? [] { endClaim(address, by: key) }
        if let combination = endpointCombinations.removeValue(forKey: key) { leave(combination, key) }
        localEndpoints.remove(key)
    }

    private mutating func changeEndpoint(
        _ key: EndpointKey, from old: WorkloadEndpoint?, to new: WorkloadEndpoint, namespace: Namespace?
    ) {
        lastWork.endpointsChanged += 1
        let combination = join(CombinationKey(new, namespace: namespace), key)
        let before = endpointCombinations.updateValue(combination, forKey: key)
        if let before, before != combination { leave(before, key) }
        if before != combination { touchedAddresses.formUnion(new.addresses) }
        guard old?.addresses != new.addresses else { return }
        for address in old?.addresses ?? [] where !new.addresses.contains(address) { endClaim(address, by: key) }
        for address in new.addresses where old?.addresses.contains(address) != true {
            claims[address, default: []].append(key)
            touchedAddresses.insert(address)
        }
    }

    private mutating func endClaim(_ address: IPAddress, by key: EndpointKey) {
        touchedAddresses.insert(address)
        var claimants = claims[address] ?? []
        claimants.removeAll { $0 == key }
        claims[address] = claimants.isEmpty ? nil : claimants
    }

    private mutating func join(_ key: CombinationKey, _ endpoint: EndpointKey) -> Int {
        if let known = combinationNumbers[key] {
            combinations[known]?.endpoints.insert(endpoint)
            return known
        }
        var combination = LabelCombination(key, texts: &texts)
        combination.endpoints = [endpoint]
        let number: Int
        if let free = freeCombinations.popLast() {
            number = free
            combinations[number] = combination
        } else {
            number = combinations.count
            combinations.append(combination)
        }
        combinationNumbers[key] = number
        for label in combination.labels.pairs { combinationsByLabel[label, default: []].insert(number) }
        newCombinations.append(number)
        return number
    }

    private mutating func leave(_ number: Int, _ endpoint: EndpointKey) {
        combinations[number]?.endpoints.remove(endpoint)
        guard let combination = combinations[number], combination.endpoints.isEmpty else { return }
        combinationNumbers[combination.key] = nil
        for label in combination.labels.pairs {
            combinationsByLabel[label]?.remove(number)
            if combinationsByLabel[label]?.isEmpty == true { combinationsByLabel[label] = nil }
        }
        combinations[number] = nil
        freeCombinations.append(number)
        newCombinations.removeAll { $0 == number }
    }

    // MARK: Selectors

    /// Whether endpoints of a combination are in a set; evaluated once while both are known.
    mutating func matches(_ combination: Int, _ set: SetNumber) -> Bool {
        if let known = combinations[combination]?.result(set) { return known }
        guard let record = sets[set] else { return false }
        lastWork.selectorEvaluations += 1
        let result = combinations[combination]?.evaluate(record, texts: texts) ?? false
        combinations[combination]?.remember(set, result)
        return result
    }

    /// Whether any endpoint that has the address is in the set, or a block of the set holds it.
    mutating func contains(_ set: SetNumber, _ address: IPAddress) -> Bool {
        if case .nets(let blocks)? = sets[set]?.expression { return blocks.contains { $0.contains(address) } }
        for endpoint in claims[address] ?? [] {
            if let combination = endpointCombinations[endpoint], matches(combination, set) { return true }
        }
        return false
    }
}
