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
        migrator.registerMigration("history and owners") { database in
            try database.execute(
                sql: """
                    CREATE TABLE history (
                        superseded INTEGER PRIMARY KEY,
                        resource TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        revision INTEGER NOT NULL,
                        value TEXT NOT NULL
                    ) STRICT;
                    CREATE TABLE owners (
                        uid TEXT NOT NULL,
                        resource TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        PRIMARY KEY (uid, resource, namespace, name)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX owned ON owners (resource, namespace, name);
                    CREATE TABLE bookkeeping (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
                    -- What stood in the log has no versions before it: watches begin anew.
                    INSERT INTO bookkeeping (name, value) SELECT 'compacted', coalesce(max(revision), 0) FROM events;
                    DELETE FROM events;
                    """)
        }
        return migrator
    }
}
