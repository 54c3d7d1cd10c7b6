import Dataplane
import GRDB
import PolicyModel

/// The tables of accounts, in the file of the records: both are written, or none.
enum AccountTables {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE accounts (
                    number INTEGER PRIMARY KEY,
                    endpoint_namespace TEXT NOT NULL,
                    endpoint_name TEXT NOT NULL,
                    direction INTEGER NOT NULL,
                    source_address TEXT NOT NULL,
                    destination_address TEXT NOT NULL,
                    transport INTEGER NOT NULL,
                    source_port INTEGER NOT NULL,
                    destination_port INTEGER NOT NULL,
                    created INTEGER NOT NULL,
                    packets_out INTEGER NOT NULL,
                    bytes_out INTEGER NOT NULL,
                    packets_in INTEGER NOT NULL,
                    bytes_in INTEGER NOT NULL
                ) STRICT;
                CREATE TABLE accounted (boot TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT;
                """)
    }

    static func write(_ record: FlowRecord, into database: Database) throws {
        guard let account = record.account,
            let endpoint = record.direction == .egress ? record.source : record.destination
        else { return }
        let counted = account.counted
        var values: [(any DatabaseValueConvertible)?] = [
            Int64(account.number), endpoint.namespace, endpoint.name, Int64(record.direction.rawValue), record.sourceAddress,
            record.destinationAddress, Int64(record.transport), Int64(record.sourcePort), Int64(record.destinationPort),
            Int64(clamping: account.created),
        ]
        values += [
            Int64(clamping: counted.packetsOut), Int64(clamping: counted.bytesOut), Int64(clamping: counted.packetsIn),
            Int64(clamping: counted.bytesIn),
        ]
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .execute(arguments: StatementArguments(values))
    }

    /// Accounts hold for the host's start that `boot` names, and no other.
    static func begin(_ database: Database, boot: String, now: UInt64) throws {
        try database.execute(sql: "DELETE FROM accounts")
        try database.execute(sql: "DELETE FROM accounted")
        try database.execute(sql: "INSERT INTO accounted VALUES (?, ?)", arguments: [boot, Int64(clamping: now)])
    }

    /// nil: none was begun in this start.
    static func inheritance(_ database: Database, boot: String) throws -> FlowInheritance? {
        let known = try Int64.fetchOne(database, sql: "SELECT since FROM accounted WHERE boot = ?", arguments: [boot])
        guard let known else { return nil }
        var inheritance = FlowInheritance(since: UInt64(clamping: known))
        let rows = try Row.fetchCursor(database, sql: "SELECT * FROM accounts")
        while let row = try rows.next() {
            guard let identity = identity(row) else { continue }
            inheritance.accounts[identity, default: []].append(
                FlowAccount(
                    number: row["number"], created: unsigned(row["created"]),
                    counted: FlowCounters(
                        packetsOut: unsigned(row["packets_out"]), bytesOut: unsigned(row["bytes_out"]),
                        packetsIn: unsigned(row["packets_in"]), bytesIn: unsigned(row["bytes_in"]))))
        }
        return inheritance
    }

    private static func unsigned(_ value: Int64) -> UInt64 { UInt64(clamping: value) }

    private static func identity(_ row: Row) -> FlowIdentity? {
        guard let direction = Direction(rawValue: row["direction"]),
            let source = IPAddress(row["source_address"] as String),
            let destination = IPAddress(row["destination_address"] as String)
        else { return nil }
        return FlowIdentity(
            endpoint: EndpointKey(namespace: row["endpoint_namespace"], name: row["endpoint_name"]), direction: direction,
            tuple: PacketTuple(
                source: source, destination: destination, transport: TransportProtocol(number: row["transport"]),
                sourcePort: row["source_port"], destinationPort: row["destination_port"]))
    }
}
