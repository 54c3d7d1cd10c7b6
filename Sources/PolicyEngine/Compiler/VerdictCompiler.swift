import PolicyModel

/// Turns a world into the tables that decide every packet at the endpoints of one node.
///
/// It remembers what it made: a change costs what it touches, and equal content keeps its number from one result to
/// the next. A number is never given to other content. What no result uses is forgotten at
/// `CompilerLimits.rememberedFactor`; content that comes back after that has a new number.
///
/// The tables depend on the world alone, up to their numbers, whatever was compiled before.
public struct VerdictCompiler: Sendable {
    /// What the last change had to do.
    public internal(set) var lastWork = CompileWork()
    /// What the last change wrote in `tables`.
    public internal(set) var lastChanges = TableChanges()
    /// The tables of `world`. Whoever keeps a copy makes the next change copy them too: follow `lastChanges` instead where
    /// microseconds count.
    public internal(set) var tables = VerdictTables()
    /// What the tables say.
    public internal(set) var world = PolicyWorld()
    public internal(set) var node = ""

    var texts = LabelTexts()
    var sets = AddressSetTable()

    var contributors: [Contributor] = []
    var freeContributors: [Int32] = []
    var contributorNumbers: [ContributorKey: Int32] = [:]
    var contributorsByAnchor: [AddressSetTable.Anchor: Set<Int32>] = [:]
    var contributorsByProfile: [String: Set<Int32>] = [:]

    var members: [Member] = []
    var freeMembers: [Int32] = []
    var endpointMembers: [EndpointKey: Int32] = [:]
    var networkSetMembers: [NamespacedName: Int32] = [:]
    var sliceMembers: [NamespacedName: Int32] = [:]
    var netsMembers: [SetNumber: Int32] = [:]

    var addressesV4 = AddressSpace(.v4)
    var addressesV6 = AddressSpace(.v6)
    var identities = IdentityTable()
    /// Of both versions: a set that names addresses of either is one set.
    var uses = CombinationUses()

    /// How many contributors give a port's name, or a service, a number.
    var namedPorts: [String: [PortVariant: Int]] = [:]
    var servicePorts: [NamespacedName: [PortVariant: Int]] = [:]

    var owners: [RuleOwner?] = []
    var freeOwners: [Int32] = []
    var ownerNumbers: [RuleOwner.Source: Int32] = [:]
    var policiesByAnchor: [AddressSetTable.Anchor: Set<Int32>] = [:]
    var ownersByPortName: [String: Set<Int32>] = [:]
    var ownersByService: [NamespacedName: Set<Int32>] = [:]
    /// How many staged policies replace or remove an enforced one.
    var stagedTargets: [PolicyReference: Int] = [:]
    var nextRevision: Int32 = 1

    /// The contributors with endpoints of this node.
    var locals: [Int32: LocalContributor] = [:]
    var localsByAnchor: [AddressSetTable.Anchor: Set<Int32>] = [:]
    /// Those whose stacks depend on more of an address than its version.
    var addressDependent: Set<Int32> = []

    var residuals = InternTable<ResidualPolicy, ResidualID>()
    var residualNumbers: [ResidualKey: ResidualID] = [:]
    var stackContents = InternTable<StackContent, StackID>()
    var compiledStacks: [StackID: CompiledStack] = [:]
    var stackUses = UseCounts<StackID>()
    var rows = RowStore()
    /// Endings that were left when something was last forgotten: most decide no packet.
    var endingsKept = 0
    /// Names of residuals that were left when some were last forgotten.
    var residualsKept = 0
    /// Sets and texts that were left when some were last forgotten.
    var setsKept = 0
    var textsKept = 0
    /// Identities that addresses, and blocks, have, and stacks in force that ask, by set.
    var exactBySet: [SetNumber: Set<IdentityID>] = [:]
    var prefixesBySet: [SetNumber: Set<IdentityID>] = [:]
    var stacksBySet: [SetNumber: Set<StackID>] = [:]

    var pending = PendingWork()

    public init() {}

    /// The tables for the endpoints whose `node` is empty or `node`. Compares the worlds to find what changed; who knows
    /// it calls `apply`.
    public mutating func compile(_ world: PolicyWorld, node: String) -> VerdictTables {
        let changes = WorldChange.between(self.world, world)
        if node != self.node {
            self.node = node
            for number in endpointMembers.values { updateLocality(number) }
        }
        apply(changes)
        return tables
    }

    /// Brings `tables` up to date with changes of the world, in any order, all at once; the last one of an object
    /// counts. `lastChanges` tells what it wrote, `lastWork` what it did.
    public mutating func apply(_ changes: [WorldChange]) {
        lastWork = CompileWork()
        lastChanges = TableChanges()
        for change in changes { take(change) }

        settleContributors()
        recompileForPorts()
        selectPolicies()
        settleBlocks()
        findMovedLocals()
        updateLegs()
        updateUsedSets()
        settleBlocks()
        updateIdentities()
        updatePairs()
        rows.update(&tables, &lastChanges)
        forgetUnused()
        pending = PendingWork()
    }

    private mutating func take(_ change: WorldChange) {
        switch change {
        case .tier(let name, let tier):
            guard world.tiers[name] != tier else { return }
            world.tiers[name] = tier
            pending.dirtyLocals.formUnion(locals.keys)
        case .namespace(let name, let namespace):
            let old = world.namespaces[name]
            guard old != namespace else { return }
            world.namespaces[name] = namespace
            profileChanged(Profile.namespacePrefix + name, labelsOnly: (old == nil) == (namespace == nil))
        case .serviceAccount(let name, let account):
            let old = world.serviceAccounts[name]
            guard old != account else { return }
            world.serviceAccounts[name] = account
            profileChanged(
                "\(Profile.serviceAccountPrefix)\(name.namespace).\(name.name)", labelsOnly: (old == nil) == (account == nil))
        case .profile(let name, let profile):
            guard world.profiles[name] != profile else { return }
            world.profiles[name] = profile
            profileChanged(name, labelsOnly: false)
        case .endpoint(let key, let endpoint): set(endpoint, key)
        case .networkSet(let name, let networkSet): set(networkSet, name)
        case .endpointSlice(let name, let slice): set(slice, name)
        case .policy(let reference, let policy): set(policy, reference)
        case .staged(let reference, let staged): set(staged, reference)
        }
    }

    subscript(_ version: IPVersion) -> AddressSpace {
        get { version == .v4 ? addressesV4 : addressesV6 }
        _modify {
            if version == .v4 { yield &addressesV4 } else { yield &addressesV6 }
        }
    }
}

/// What the running change has found to do.
struct PendingWork: Sendable {
    /// Contributors that are new, or whose labels may have changed.
    var unsettled: Set<Int32> = []
    /// Local contributors that policies must be selected for.
    var unselected: Set<Int32> = []
    /// Policies that must select.
    var newOwners: Set<Int32> = []
    /// Local contributors whose stacks may have changed.
    var dirtyLocals: Set<Int32> = []
    /// Endpoints of this node, or that were, whose legs may have changed.
    var dirtyMembers: Set<Int32> = []
    /// Contributors whose addresses must be given identities.
    var moved: Set<Int32> = []
    var portNames: Set<String> = []
    var services: Set<NamespacedName> = []
    /// Blocks of network sets came, went or have other labels.
    var blocksChanged = false
    /// Stacks that legs use now and did not before, sorted, and the other way round.
    var stacksBegun: [StackID] = []
    var stacksEnded: [StackID] = []
}

/// What is known of a contributor with endpoints of this node.
struct LocalContributor: Sendable {
    /// Numbers of the policies that select it, in no order.
    var policies: Set<Int32> = []
    /// By direction and version, where they do not depend on the address; nil until asked for.
    var stacks: [StackID?] = [nil, nil, nil, nil]
}
