//! The tables of access: one text for both kinds of database, but for the names of types.
//!
//! Must never: change once it has been shipped; there are databases that have taken it.

/// SQLite. Names as in PostgreSQL, where a database may be shared with others.
pub(in crate::hands) const SQLITE: &str = "
    CREATE TABLE softlanding_keys (
        hash TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        made_ms INTEGER NOT NULL,
        used_ms INTEGER,
        revoked_ms INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX softlanding_keys_in_use ON softlanding_keys (name) WHERE revoked_ms IS NULL;
    CREATE TABLE softlanding_sessions (
        hash TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        made_ms INTEGER NOT NULL,
        seen_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE softlanding_answers (
        caller TEXT NOT NULL,
        key TEXT NOT NULL,
        print TEXT NOT NULL,
        holder TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        status INTEGER,
        body TEXT,
        PRIMARY KEY (caller, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX softlanding_answers_by_age ON softlanding_answers (at_ms);
    CREATE TABLE softlanding_received (
        source TEXT NOT NULL,
        id TEXT NOT NULL,
        stamp TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (source, id, stamp)
    ) STRICT, WITHOUT ROWID;";

/// The next step, the same for both. Which rule fits somebody is asked anew each time, so that the address is kept; `role` stays
/// for processes of before, which go on beside a new one. Whom they let in signs in again.
pub(in crate::hands) const SESSIONS_BY_MAIL: &str = "
    DELETE FROM softlanding_sessions;
    ALTER TABLE softlanding_sessions ADD COLUMN mail TEXT NOT NULL DEFAULT '';";

/// PostgreSQL.
pub(in crate::hands) const POSTGRES: &str = r#"
    CREATE TABLE softlanding_keys (
        hash text COLLATE "C" PRIMARY KEY,
        name text COLLATE "C" NOT NULL,
        role text NOT NULL,
        made_ms bigint NOT NULL,
        used_ms bigint,
        revoked_ms bigint
    );
    CREATE UNIQUE INDEX softlanding_keys_in_use ON softlanding_keys (name) WHERE revoked_ms IS NULL;
    CREATE TABLE softlanding_sessions (
        hash text COLLATE "C" PRIMARY KEY,
        name text NOT NULL,
        role text NOT NULL,
        made_ms bigint NOT NULL,
        seen_ms bigint NOT NULL
    );
    CREATE TABLE softlanding_answers (
        caller text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        print text NOT NULL,
        holder text NOT NULL,
        at_ms bigint NOT NULL,
        status bigint,
        body text,
        PRIMARY KEY (caller, key)
    );
    CREATE INDEX softlanding_answers_by_age ON softlanding_answers (at_ms);
    CREATE TABLE softlanding_received (
        source text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        stamp text COLLATE "C" NOT NULL,
        at_ms bigint NOT NULL,
        PRIMARY KEY (source, id, stamp)
    );"#;
