import PolicyEngine
import PolicyModel

/// What one node is to enforce, at one revision of the store.
public struct NodeProgram: Sendable {
    /// How packets of one endpoint reach the kernel's hooks.
    public struct Attachment: Sendable, Hashable {
        /// The host side of a veth, or a tap, in the agent's network namespace.
        public var interfaceName: String
        /// In the agent's network namespace; an interface recreated under its name has another.
        public var interfaceIndex: Int32

        public init(interfaceName: String, interfaceIndex: Int32) {
            self.interfaceName = interfaceName
            self.interfaceIndex = interfaceIndex
        }
    }

    /// The store's revision that the tables were computed from.
    public var revision: Int64
    public var tables: VerdictTables
    /// The endpoints whose interface exists now. Endpoints in `tables.legs` without an attachment wait for theirs.
    public var attachments: [EndpointKey: Attachment]
    /// What endpoints may do beside plain frames of their own; those that are not named: nothing.
    public var admissions: [EndpointKey: EndpointAdmissions]
    /// Interfaces that a process before policed and that no endpoint has now stay closed: nothing passes there.
    public var keepsUnclaimedInterfaces: Bool

    /// Everything in `tables` that differs from the program that was last applied without an error, of the same compiler;
    /// it may name more. nil: anything may differ.
    public var changes: TableChanges?

    public init(
        revision: Int64, tables: VerdictTables, attachments: [EndpointKey: Attachment],
        admissions: [EndpointKey: EndpointAdmissions] = [:], keepsUnclaimedInterfaces: Bool = false, changes: TableChanges? = nil
    ) {
        self.revision = revision
        self.tables = tables
        self.attachments = attachments
        self.admissions = admissions
        self.keepsUnclaimedInterfaces = keepsUnclaimedInterfaces
        self.changes = changes
    }
}
