import GRDB

/// The tables of the embedded store, version by version.
enum StoreTables {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("objects and events") { database in
            try database.execute(
                sql: """
                    CREATE TABLE objects (
                        resource TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        revision INTEGER NOT NULL,
                        value TEXT NOT NULL,
                        PRIMARY KEY (resource, namespace, name)
                    ) STRICT;
                    CREATE TABLE events (
                        revision INTEGER PRIMARY KEY,
                        kind TEXT NOT NULL,
                        resource TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        value TEXT NOT NULL
                    ) STRICT;
                    """)
        }
        return migrator
    }
}
