//! The tables of the outbox, with the same names in both kinds of database, so that both are asked with the same statements.
//!
//! Must never: change once they have been shipped; there are databases that have taken them.

/// SQLite.
pub(in crate::hands) const SQLITE: &str = "
    CREATE TABLE softlanding_targets (
        target TEXT PRIMARY KEY,
        known_ms INTEGER NOT NULL,
        holder TEXT,
        fence INTEGER NOT NULL DEFAULT 0,
        lease_until_ms INTEGER NOT NULL DEFAULT 0,
        delivered_ms INTEGER,
        failing_ms INTEGER,
        failing_why TEXT,
        disabled_ms INTEGER,
        disabled_why TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE softlanding_cursors (
        target TEXT NOT NULL,
        run TEXT NOT NULL,
        seq INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        failed_ms INTEGER,
        next_ms INTEGER,
        why TEXT,
        PRIMARY KEY (target, run)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE softlanding_dead (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        target TEXT NOT NULL,
        run TEXT NOT NULL,
        seq INTEGER NOT NULL,
        event TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        why TEXT NOT NULL,
        document TEXT NOT NULL,
        UNIQUE (target, run, seq)
    ) STRICT;";

/// PostgreSQL.
pub(in crate::hands) const POSTGRES: &str = r#"
    CREATE TABLE softlanding_targets (
        target text COLLATE "C" PRIMARY KEY,
        known_ms bigint NOT NULL,
        holder text COLLATE "C",
        fence bigint NOT NULL DEFAULT 0,
        lease_until_ms bigint NOT NULL DEFAULT 0,
        delivered_ms bigint,
        failing_ms bigint,
        failing_why text,
        disabled_ms bigint,
        disabled_why text
    );
    CREATE TABLE softlanding_cursors (
        target text COLLATE "C" NOT NULL,
        run text COLLATE "C" NOT NULL,
        seq bigint NOT NULL,
        attempts bigint NOT NULL DEFAULT 0,
        failed_ms bigint,
        next_ms bigint,
        why text,
        PRIMARY KEY (target, run)
    );
    CREATE TABLE softlanding_dead (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        target text COLLATE "C" NOT NULL,
        run text COLLATE "C" NOT NULL,
        seq bigint NOT NULL,
        event text NOT NULL,
        at_ms bigint NOT NULL,
        attempts bigint NOT NULL,
        why text NOT NULL,
        document text NOT NULL,
        UNIQUE (target, run, seq)
    );"#;
