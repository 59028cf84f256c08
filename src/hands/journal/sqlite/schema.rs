//! What a journal's file looks like, step by step, so that a file of any earlier version can be brought up to date.
//!
//! Must never: change a step that has been shipped; there are files that have taken it.

use crate::hands::access::tables::{SESSIONS_BY_MAIL, SQLITE as ACCESS};
use crate::hands::outbox::tables::SQLITE as OUTBOX;
use crate::hands::sqlite::Schema;

pub(in crate::hands) const SCHEMA: Schema = Schema {
    name: "journal",
    application_id: 0x534c_4a01, // "SLJ" and 1
    // ACCESS: who may use softlanding from outside. OUTBOX: what is told to others.
    steps: &[HISTORY, LEASES_AND_ORDERS, ACCESS, OUTBOX, SESSIONS_BY_MAIL],
};

/// 1: runs with their last record, so that an append is a compare-and-swap of one row.
const HISTORY: &str = "
    CREATE TABLE runs (
        run TEXT PRIMARY KEY,
        created_ms INTEGER NOT NULL,
        last_seq INTEGER NOT NULL,
        last_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE events (
        run TEXT NOT NULL REFERENCES runs (run),
        seq INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        v INTEGER NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE claims (
        run TEXT NOT NULL REFERENCES runs (run),
        attempt INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (run, attempt)
    ) STRICT, WITHOUT ROWID;";

/// 2: who leads a run, under which fence each event was written (0: none was needed), and orders.
///
/// The numbers of orders are never used again, which is what AUTOINCREMENT is for.
const LEASES_AND_ORDERS: &str = "
    ALTER TABLE runs ADD COLUMN holder TEXT;
    ALTER TABLE runs ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN lease_until_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE events ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE orders (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL REFERENCES runs (run),
        at_ms INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX orders_of_a_run ON orders (run, number);";
