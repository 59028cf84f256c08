//! What a journal's tables look like, step by step, so that those of any earlier version can be brought up to date.
//!
//! Must never: change a step that has been shipped; there are databases that have taken it.

use crate::hands::access::tables::{POSTGRES as ACCESS, SESSIONS_BY_MAIL};
use crate::hands::outbox::tables::POSTGRES as OUTBOX;
use crate::hands::postgres::PgSchema;

pub(in crate::hands) const SCHEMA: PgSchema = PgSchema {
    name: "journal",
    version_table: "softlanding_schema",
    tables: &[
        "softlanding_runs",
        "softlanding_events",
        "softlanding_claims",
        "softlanding_orders",
        "softlanding_keys",
        "softlanding_sessions",
        "softlanding_answers",
        "softlanding_received",
        "softlanding_targets",
        "softlanding_cursors",
        "softlanding_dead",
    ],
    // ACCESS: who may use softlanding from outside. OUTBOX: what is told to others.
    steps: &[EVERYTHING, ACCESS, OUTBOX, SESSIONS_BY_MAIL],
    lock: 0x534c_4a01, // "SLJ" and 1
};

/// 1: runs with their last record and their leader, events, claims, orders.
///
/// Names are compared byte by byte (COLLATE "C"), as everywhere else in softlanding.
const EVERYTHING: &str = r#"
    CREATE TABLE softlanding_schema (
        version bigint NOT NULL,
        one boolean PRIMARY KEY DEFAULT true CHECK (one)
    );
    CREATE TABLE softlanding_runs (
        run text COLLATE "C" PRIMARY KEY,
        created_ms bigint NOT NULL,
        last_seq bigint NOT NULL,
        last_ms bigint NOT NULL,
        holder text COLLATE "C",
        fence bigint NOT NULL DEFAULT 0,
        lease_until timestamptz NOT NULL DEFAULT '-infinity'
    );
    CREATE TABLE softlanding_events (
        run text COLLATE "C" NOT NULL REFERENCES softlanding_runs ON DELETE CASCADE,
        seq bigint NOT NULL,
        at_ms bigint NOT NULL,
        v bigint NOT NULL,
        fence bigint NOT NULL,
        event text NOT NULL,
        PRIMARY KEY (run, seq)
    );
    CREATE TABLE softlanding_claims (
        run text COLLATE "C" NOT NULL REFERENCES softlanding_runs ON DELETE CASCADE,
        attempt bigint NOT NULL,
        seq bigint NOT NULL,
        CONSTRAINT softlanding_one_claim PRIMARY KEY (run, attempt)
    );
    CREATE TABLE softlanding_orders (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        run text COLLATE "C" NOT NULL REFERENCES softlanding_runs ON DELETE CASCADE,
        at_ms bigint NOT NULL,
        body text NOT NULL
    );
    CREATE INDEX softlanding_orders_of_a_run ON softlanding_orders (run, number);"#;
