//! The rows of a vault on a PostgreSQL server, where several replicas share them. The server never sees a token or the key.
//!
//! Every write is one statement, so that a process that is stopped in the middle never holds a lock over an open transaction.
//! Only sealing everything anew is a transaction, and the server ends one that stands still. Holds run by the server's clock.
//!
//! Must never: read a time anywhere but on the server where a hold depends on it, or be asked for what is not sealed.

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Postgres, Transaction};

use super::VaultError;
use super::home::{HOLD_MS, Resealed};
use super::row::{
    Edition, Enrolled, FactsColumns, Hold, Imported, KeyRow, NewRow, ROW, Release, Row, RowColumns, cut, everybody,
    facts,
};
use super::seal::Sealed;
use crate::hands::postgres::{Hurry, IfEmpty, Patience, PgSchema, Server};
use crate::words::id::AgentId;
use crate::words::secret::Secret;

const SCHEMA: PgSchema = PgSchema {
    name: "vault",
    version_table: "softlanding_vault_schema",
    tables: &["softlanding_vault_keys", "softlanding_vault_grants"],
    steps: &[EVERYTHING],
    lock: 0x534c_5601, // "SLV" and 1
};

/// 1: the key's name with a value that only the right key opens; the grants. Columns as in a file's second version.
const EVERYTHING: &str = r#"
    CREATE TABLE softlanding_vault_schema (
        version bigint NOT NULL,
        one boolean PRIMARY KEY DEFAULT true CHECK (one)
    );
    CREATE TABLE softlanding_vault_keys (
        id text COLLATE "C" NOT NULL,
        nonce bytea NOT NULL,
        sealed bytea NOT NULL,
        one boolean PRIMARY KEY DEFAULT true CHECK (one)
    );
    CREATE TABLE softlanding_vault_grants (
        agent text COLLATE "C" PRIMARY KEY,
        name text NOT NULL,
        key_id text COLLATE "C" NOT NULL,
        nonce bytea NOT NULL,
        sealed bytea NOT NULL,
        dead_because text,
        edition bigint NOT NULL,
        hold text COLLATE "C",
        hold_since_ms bigint,
        hold_until timestamptz,
        spent_since_ms bigint,
        enrolled_ms bigint,
        refreshed_ms bigint,
        access_until_ms bigint,
        used_ms bigint,
        dead_ms bigint
    );"#;

/// Whether somebody has a grant out.
const HELD: &str = "(hold IS NOT NULL AND hold_until > clock_timestamp())";

/// How many agents there are; the key's name, nonce and check, or nothing of the three.
type KeyColumns = (i64, Option<String>, Option<Vec<u8>>, Option<Vec<u8>>);

/// A vault's tables.
#[derive(Debug)]
pub(super) struct ServerHome {
    server: Box<Server>,
}

/// Asks the server one question: the statement with its values, and how its rows are fetched.
macro_rules! ask {
    ($home:expr, $doing:literal, $fetch:ident, $query:expr) => {
        crate::hands::postgres::ask!($home.server, Hurry::Usual, $doing, $fetch, $query)
    };
}

impl ServerHome {
    pub(super) async fn open(
        url: &str,
        password: Option<&Secret>,
        if_empty: IfEmpty,
    ) -> Result<ServerHome, VaultError> {
        let server = Server::open(url, password, SCHEMA, if_empty, Patience::USUAL).await?;
        Ok(ServerHome { server: Box::new(server) })
    }

    pub(super) async fn key(&self) -> Result<(Option<KeyRow>, u64), VaultError> {
        let select = "SELECT (SELECT count(*) FROM softlanding_vault_grants), id, nonce, sealed
             FROM (SELECT 1) AS always LEFT JOIN softlanding_vault_keys ON true";
        let query = sqlx::query_as(select);
        let (agents, id, nonce, bytes): KeyColumns = ask!(self, "reading the vault's key", fetch_one, query).await?;
        // The three are there together or not at all.
        let key = id.zip(nonce).zip(bytes).map(|((id, nonce), bytes)| KeyRow { id, check: Sealed { nonce, bytes } });
        Ok((key, agents.unsigned_abs()))
    }

    pub(super) async fn found(&self, key: &KeyRow) -> Result<(), VaultError> {
        let insert = "INSERT INTO softlanding_vault_keys (id, nonce, sealed) SELECT $1, $2, $3
             WHERE NOT EXISTS (SELECT 1 FROM softlanding_vault_grants) ON CONFLICT DO NOTHING";
        let query = sqlx::query(insert).bind(&key.id).bind(&key.check.nonce).bind(&key.check.bytes);
        ask!(self, "storing the name of the vault's key", execute, query).await?;
        Ok(())
    }

    pub(super) async fn import(
        &self,
        key_id: &str,
        rows: &[(NewRow, String)],
        at_ms: i64,
    ) -> Result<Option<Imported>, VaultError> {
        // A row that is new has no xmax. Of agents that are named twice the last would win, and a statement may not touch a row
        // twice; a list names everybody once.
        let import = "WITH key AS (SELECT id FROM softlanding_vault_keys WHERE id = $1), imported AS (
             INSERT INTO softlanding_vault_grants AS g
                 (agent, name, key_id, nonce, sealed, edition, access_until_ms, enrolled_ms)
             SELECT n.agent, n.name, key.id, n.nonce, n.sealed, n.edition, n.access_until_ms, $8
             FROM key, unnest($2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::bigint[], $7::bigint[])
                 AS n (agent, name, nonce, sealed, edition, access_until_ms)
             ORDER BY n.agent
             ON CONFLICT (agent) DO UPDATE SET name = excluded.name, key_id = excluded.key_id, nonce = excluded.nonce,
                 sealed = excluded.sealed, edition = excluded.edition, access_until_ms = excluded.access_until_ms,
                 enrolled_ms = excluded.enrolled_ms, refreshed_ms = NULL, used_ms = NULL, dead_because = NULL,
                 dead_ms = NULL, hold = NULL, hold_since_ms = NULL, hold_until = NULL, spent_since_ms = NULL
             RETURNING xmax = 0 AS is_new
         )
         SELECT (SELECT count(*) FROM key), count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new)
         FROM imported";
        let columns = Columns::of(rows);
        let query = sqlx::query_as(import)
            .bind(key_id)
            .bind(columns.agents)
            .bind(columns.names)
            .bind(columns.nonces)
            .bind(columns.sealed)
            .bind(columns.editions)
            .bind(columns.access_until_ms)
            .bind(at_ms);
        let (keys, added, replaced): (i64, i64, i64) = self
            .server
            .read("storing grants", async |mut db: PgConnection| {
                let answer = query.fetch_one(&mut db).await;
                (db, answer)
            })
            .await?;
        let count = |n: i64| usize::try_from(n).unwrap_or_default();
        Ok((keys > 0).then(|| Imported { added: count(added), replaced: count(replaced) }))
    }

    pub(super) async fn read(&self, agent: &AgentId) -> Result<Option<Row>, VaultError> {
        let select = format!("SELECT {ROW} FROM softlanding_vault_grants WHERE agent = $1");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(agent.as_str());
        let row: Option<RowColumns> = ask!(self, "reading a grant", fetch_optional, query).await?;
        Ok(row.map(Row::from))
    }

    pub(super) async fn list(&self) -> Result<Vec<Enrolled>, VaultError> {
        let select = format!("SELECT {} FROM softlanding_vault_grants ORDER BY agent", facts(HELD));
        let query = sqlx::query_as(sqlx::AssertSqlSafe(select));
        let rows: Vec<FactsColumns> = self
            .server
            .read("listing the agents", async |mut db: PgConnection| {
                let answer = query.fetch_all(&mut db).await;
                (db, answer)
            })
            .await?;
        Ok(everybody(rows))
    }

    pub(super) async fn take(
        &self,
        agent: &AgentId,
        key_id: &str,
        hold: &Hold,
        at_ms: i64,
    ) -> Result<Option<Row>, VaultError> {
        let update = format!(
            "UPDATE softlanding_vault_grants SET spent_since_ms = coalesce(spent_since_ms, hold_since_ms), hold = $1,
                 hold_since_ms = $2, hold_until = clock_timestamp() + $3 * interval '1 millisecond', used_ms = $2
             WHERE agent = $4 AND dead_because IS NULL
                 AND EXISTS (SELECT 1 FROM softlanding_vault_keys WHERE id = $5)
                 AND NOT {HELD}
             RETURNING {ROW}"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(update))
            .bind(&hold.0)
            .bind(at_ms)
            .bind(HOLD_MS)
            .bind(agent.as_str())
            .bind(key_id);
        let row: Option<RowColumns> = ask!(self, "taking out a grant", fetch_optional, query).await?;
        Ok(row.map(Row::from))
    }

    pub(super) async fn renew(&self, agent: &AgentId, hold: &Hold) -> Result<bool, VaultError> {
        let update = "UPDATE softlanding_vault_grants
             SET hold_until = clock_timestamp() + $1 * interval '1 millisecond' WHERE agent = $2 AND hold = $3";
        let query = sqlx::query(update).bind(HOLD_MS).bind(agent.as_str()).bind(&hold.0);
        let done = ask!(self, "keeping a grant that was taken out", execute, query).await?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn store(
        &self,
        key_id: &str,
        spent: Edition,
        row: &NewRow,
        at_ms: i64,
    ) -> Result<bool, VaultError> {
        let update = "UPDATE softlanding_vault_grants SET key_id = $1, nonce = $2, sealed = $3, edition = $4,
                 access_until_ms = $5, refreshed_ms = $6, hold = NULL, hold_since_ms = NULL, hold_until = NULL,
                 spent_since_ms = NULL, dead_because = NULL, dead_ms = NULL
             WHERE agent = $7 AND edition = $8 AND EXISTS (SELECT 1 FROM softlanding_vault_keys WHERE id = $1)";
        let query = sqlx::query(update)
            .bind(key_id)
            .bind(&row.sealed.nonce)
            .bind(&row.sealed.bytes)
            .bind(row.edition.0)
            .bind(row.access_until_ms)
            .bind(at_ms)
            .bind(row.agent.as_str())
            .bind(spent.0);
        let done = ask!(self, "storing a new grant", execute, query).await?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn release(
        &self,
        agent: &AgentId,
        spent: Edition,
        hold: &Hold,
        release: &Release,
    ) -> Result<bool, VaultError> {
        let (doubt, dead, dead_ms) = release.columns();
        let update = "UPDATE softlanding_vault_grants SET hold = NULL, hold_since_ms = NULL, hold_until = NULL,
                 spent_since_ms = CASE WHEN $2::text IS NOT NULL THEN NULL
                     WHEN $1 THEN coalesce(spent_since_ms, hold_since_ms) ELSE spent_since_ms END,
                 dead_because = $2, dead_ms = $3
             WHERE agent = $4 AND edition = $5 AND hold = $6";
        let query =
            sqlx::query(update).bind(doubt).bind(dead).bind(dead_ms).bind(agent.as_str()).bind(spent.0).bind(&hold.0);
        let done = ask!(self, "putting a grant back", execute, query).await?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn used(&self, agents: &[AgentId], at_ms: i64) -> Result<(), VaultError> {
        let update = "UPDATE softlanding_vault_grants SET used_ms = $1 WHERE agent = ANY ($2)";
        let query = sqlx::query(update).bind(at_ms).bind(texts(agents));
        ask!(self, "noting the use of grants", execute, query).await?;
        Ok(())
    }

    pub(super) async fn remove(&self, agents: &[AgentId]) -> Result<u64, VaultError> {
        let query = sqlx::query("DELETE FROM softlanding_vault_grants WHERE agent = ANY ($1)").bind(texts(agents));
        Ok(ask!(self, "taking out agents", execute, query).await?.rows_affected())
    }

    pub(super) async fn rekey(
        &self,
        old_key_id: &str,
        new_key: &KeyRow,
        reseal: impl Fn(Vec<(AgentId, Row)>) -> Result<Vec<NewRow>, VaultError> + Send,
    ) -> Result<Resealed, VaultError> {
        let resealed = self.server.read("sealing the vault with another key", async |mut db: PgConnection| {
            let answer = async {
                let mut tx = db.begin().await?;
                let resealed = rekey(&mut tx, old_key_id, new_key, reseal).await?;
                if let Ok(Resealed::Done(_)) = resealed {
                    tx.commit().await?;
                } else {
                    tx.rollback().await?;
                }
                Ok(resealed)
            };
            let answer = answer.await;
            (db, answer)
        });
        resealed.await?
    }
}

/// Inside of the transaction. What cannot be sealed anew is an answer, not an error of the database.
async fn rekey(
    tx: &mut Transaction<'_, Postgres>,
    old_key_id: &str,
    new_key: &KeyRow,
    reseal: impl Fn(Vec<(AgentId, Row)>) -> Result<Vec<NewRow>, VaultError> + Send,
) -> Result<Result<Resealed, VaultError>, sqlx::Error> {
    // Others read on; whoever wants to write waits until this is over, and then finds the new key.
    sqlx::raw_sql("LOCK TABLE softlanding_vault_keys, softlanding_vault_grants IN EXCLUSIVE MODE")
        .execute(&mut **tx)
        .await?;
    let look = format!(
        "SELECT EXISTS (SELECT 1 FROM softlanding_vault_keys WHERE id = $1),
             (SELECT count(*) FROM softlanding_vault_grants WHERE {HELD})"
    );
    let (known, out): (bool, i64) =
        sqlx::query_as(sqlx::AssertSqlSafe(look)).bind(old_key_id).fetch_one(&mut **tx).await?;
    if !known {
        return Ok(Ok(Resealed::Gone));
    }
    if out > 0 {
        return Ok(Ok(Resealed::Out(out.unsigned_abs())));
    }
    let agents: Vec<String> =
        sqlx::query_scalar("SELECT agent FROM softlanding_vault_grants ORDER BY agent").fetch_all(&mut **tx).await?;
    let select = format!("SELECT {ROW} FROM softlanding_vault_grants ORDER BY agent");
    let rows: Vec<RowColumns> = sqlx::query_as(sqlx::AssertSqlSafe(select)).fetch_all(&mut **tx).await?;
    let named = |(agent, row): (String, RowColumns)| Some((AgentId::new(&agent).ok()?, Row::from(row)));
    let rows = match reseal(agents.into_iter().zip(rows).filter_map(named).collect()) {
        Ok(rows) => rows,
        Err(e) => return Ok(Err(e)),
    };
    let count = rows.len();
    let columns = Columns::of(&rows.into_iter().map(|row| (row, String::new())).collect::<Vec<_>>());
    sqlx::query(
        "UPDATE softlanding_vault_grants AS g
         SET key_id = $1, nonce = n.nonce, sealed = n.sealed, edition = n.edition
         FROM unnest($2::text[], $3::bytea[], $4::bytea[], $5::bigint[]) AS n (agent, nonce, sealed, edition)
         WHERE g.agent = n.agent",
    )
    .bind(&new_key.id)
    .bind(columns.agents)
    .bind(columns.nonces)
    .bind(columns.sealed)
    .bind(columns.editions)
    .execute(&mut **tx)
    .await?;
    // Rows that no agent can have, since their id is none, go: nobody could open them with the new key.
    sqlx::query("DELETE FROM softlanding_vault_grants WHERE key_id <> $1").bind(&new_key.id).execute(&mut **tx).await?;
    sqlx::query("UPDATE softlanding_vault_keys SET id = $1, nonce = $2, sealed = $3")
        .bind(&new_key.id)
        .bind(&new_key.check.nonce)
        .bind(&new_key.check.bytes)
        .execute(&mut **tx)
        .await?;
    Ok(Ok(Resealed::Done(count)))
}

fn texts(agents: &[AgentId]) -> Vec<String> {
    agents.iter().map(|agent| agent.as_str().to_owned()).collect()
}

/// Many rows as the lists that one statement takes.
#[derive(Default)]
struct Columns {
    agents: Vec<String>,
    names: Vec<String>,
    nonces: Vec<Vec<u8>>,
    sealed: Vec<Vec<u8>>,
    editions: Vec<i64>,
    access_until_ms: Vec<Option<i64>>,
}

impl Columns {
    fn of(rows: &[(NewRow, String)]) -> Columns {
        let mut columns = Columns::default();
        for (row, name) in rows {
            columns.agents.push(row.agent.as_str().to_owned());
            columns.names.push(cut(name));
            columns.nonces.push(row.sealed.nonce.clone());
            columns.sealed.push(row.sealed.bytes.clone());
            columns.editions.push(row.edition.0);
            columns.access_until_ms.push(row.access_until_ms);
        }
        columns
    }
}
