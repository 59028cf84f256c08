//! The rows of a vault in one SQLite file, for its owner only.
//!
//! Must never: write to a file that is not in its place any more, or that others can read; or report a write before it is on
//! disk.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, MutexGuard};

use super::VaultError;
use super::home::{HOLD_MS, Resealed};
use super::row::{
    Edition, Enrolled, FACTS_OF_VERSION_1, Hold, Imported, KeyRow, NewRow, ROW, Release, Row, RowColumns, cut,
    everybody, facts,
};
use super::seal::Sealed;
use crate::hands::sqlite::{
    Check, IfMissing, OpenFile, Schema, begin, connect, fetch_one, fetch_optional, look, open, sql as store_sql,
};
use crate::hands::store::{StoreError, place_of};
use crate::words::id::AgentId;

const SCHEMA: Schema = Schema {
    name: "vault",
    application_id: 0x534c_5601, // "SLV" and 1
    steps: &[GRANTS, ROTATION],
};

/// 1: the key's name with a value that only the right key opens; the grants.
const GRANTS: &str = "
    CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        nonce BLOB NOT NULL,
        sealed BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE grants (
        agent TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        key_id TEXT NOT NULL REFERENCES keys (id),
        nonce BLOB NOT NULL,
        sealed BLOB NOT NULL,
        dead_because TEXT
    ) STRICT, WITHOUT ROWID;";

/// 2: which grant a row holds, who has taken it out and until when, since when it may be spent, and what people ask for.
const ROTATION: &str = "
    ALTER TABLE grants ADD COLUMN edition INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE grants ADD COLUMN hold TEXT;
    ALTER TABLE grants ADD COLUMN hold_since_ms INTEGER;
    ALTER TABLE grants ADD COLUMN hold_until_ms INTEGER;
    ALTER TABLE grants ADD COLUMN spent_since_ms INTEGER;
    ALTER TABLE grants ADD COLUMN enrolled_ms INTEGER;
    ALTER TABLE grants ADD COLUMN refreshed_ms INTEGER;
    ALTER TABLE grants ADD COLUMN access_until_ms INTEGER;
    ALTER TABLE grants ADD COLUMN used_ms INTEGER;
    ALTER TABLE grants ADD COLUMN dead_ms INTEGER;";

/// The file's clock, in milliseconds: read where it is written, so that no hold rests on a time that was read before a process
/// was paused.
const NOW_MS: &str = "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)";

/// Whether somebody has a grant out. A hold that ends later than any can is one from before the machine's clock was set back.
fn held() -> String {
    format!("(hold IS NOT NULL AND hold_until_ms BETWEEN {NOW_MS} AND {NOW_MS} + {HOLD_MS})")
}

/// A vault's file.
#[derive(Debug)]
pub(super) struct FileHome {
    db: Mutex<SqliteConnection>,
    path: PathBuf,
    file: OpenFile,
}

fn sql(doing: &'static str) -> impl Fn(sqlx::Error) -> VaultError {
    let wrap = store_sql("vault", doing);
    move |source| VaultError::Store(wrap(source))
}

/// Refuses a file that others than its owner can read or change. One that is not there is private.
fn private(path: &Path) -> Result<(), StoreError> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o077 != 0 => {
            Err(StoreError::Exposed { name: SCHEMA.name, place: place_of(path) })
        }
        // What else is wrong with it is found when it is opened.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Everybody in the file at `path` and the record of its key, without changing it; it may be of an earlier version.
pub(super) async fn look_at(path: &Path) -> Result<(Option<KeyRow>, Vec<Enrolled>), VaultError> {
    private(path)?;
    let (mut db, version) = look(path, SCHEMA).await?;
    let facts = match version {
        0 => return Ok((None, Vec::new())),
        1 => FACTS_OF_VERSION_1.to_owned(),
        _ => facts(&held()),
    };
    Ok((key_in(&mut db).await?, list_in(&mut db, &facts).await?))
}

async fn key_in(db: &mut SqliteConnection) -> Result<Option<KeyRow>, VaultError> {
    let select = sqlx::query_as("SELECT id, nonce, sealed FROM keys");
    let row: Option<(String, Vec<u8>, Vec<u8>)> =
        fetch_optional(select, db).await.map_err(sql("reading the vault's key"))?;
    Ok(row.map(|(id, nonce, bytes)| KeyRow { id, check: Sealed { nonce, bytes } }))
}

async fn list_in(db: &mut SqliteConnection, facts: &str) -> Result<Vec<Enrolled>, VaultError> {
    let select = format!("SELECT {facts} FROM grants ORDER BY agent");
    let rows = sqlx::query_as(sqlx::AssertSqlSafe(select)).fetch_all(db).await.map_err(sql("listing the agents"))?;
    Ok(everybody(rows))
}

async fn insert_key(db: &mut SqliteConnection, key: &KeyRow) -> Result<(), sqlx::Error> {
    let insert = sqlx::query("INSERT INTO keys (id, nonce, sealed) VALUES (?, ?, ?)");
    insert.bind(&key.id).bind(&key.check.nonce).bind(&key.check.bytes).execute(db).await.map(drop)
}

async fn holds_key(db: &mut SqliteConnection, key_id: &str) -> Result<bool, sqlx::Error> {
    fetch_one(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM keys WHERE id = ?)").bind(key_id), db).await
}

impl FileHome {
    pub(super) async fn open(path: &Path, if_missing: IfMissing) -> Result<FileHome, VaultError> {
        private(path)?;
        let db = open(path, SCHEMA, if_missing, Check::Whole).await?;
        let file = OpenFile::at(path, SCHEMA)?;
        Ok(FileHome { db: Mutex::new(db), path: path.to_owned(), file })
    }

    /// The connection, as long as the file is where it was: what is written to one that was moved away or deleted would be
    /// lost to whoever starts next, and with it the only good refresh token.
    async fn db(&self) -> Result<MutexGuard<'_, SqliteConnection>, VaultError> {
        let db = self.db.lock().await;
        self.file.check()?;
        Ok(db)
    }

    /// What a write brought. After a failure nobody knows what state the connection is in, so that the next one begins on a new
    /// one, as with the journal.
    async fn done<T>(
        &self,
        mut db: MutexGuard<'_, SqliteConnection>,
        result: Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        if let Err(VaultError::Store(StoreError::Sql { .. })) = &result
            && let Ok(fresh) = connect(&self.path, SCHEMA).await
            // Another file may stand there by now; the old connection is of no use to it either.
            && self.file.check().is_ok()
        {
            *db = fresh;
        }
        result
    }

    pub(super) async fn key(&self) -> Result<(Option<KeyRow>, u64), VaultError> {
        let mut db = self.db().await?;
        let key = key_in(&mut db).await?;
        let count = sqlx::query_scalar("SELECT count(*) FROM grants");
        let agents: i64 = fetch_one(count, &mut db).await.map_err(sql("counting the agents"))?;
        Ok((key, agents.unsigned_abs()))
    }

    pub(super) async fn found(&self, key: &KeyRow) -> Result<(), VaultError> {
        let mut db = self.db().await?;
        let result = async {
            let mut tx = begin(&mut db).await?;
            let look = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM keys UNION ALL SELECT 1 FROM grants)");
            let taken: bool = fetch_one(look, &mut tx).await?;
            if !taken {
                insert_key(&mut tx, key).await?;
            }
            tx.commit().await
        };
        let result = result.await.map_err(sql("storing the name of the vault's key"));
        self.done(db, result).await
    }

    pub(super) async fn import(
        &self,
        key_id: &str,
        rows: &[(NewRow, String)],
        at_ms: i64,
    ) -> Result<Option<Imported>, VaultError> {
        let mut db = self.db().await?;
        let result = async {
            let mut tx = begin(&mut db).await?;
            if !holds_key(&mut tx, key_id).await? {
                return Ok(None);
            }
            let mut imported = Imported::default();
            for (row, name) in rows {
                let look = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM grants WHERE agent = ?)");
                let known: bool = fetch_one(look.bind(row.agent.as_str()), &mut tx).await?;
                if known {
                    imported.replaced += 1;
                } else {
                    imported.added += 1;
                }
                insert(&mut tx, key_id, row, name, at_ms).await?;
            }
            tx.commit().await?;
            Ok(Some(imported))
        };
        let result = result.await.map_err(sql("storing grants"));
        self.done(db, result).await
    }

    pub(super) async fn read(&self, agent: &AgentId) -> Result<Option<Row>, VaultError> {
        let select = format!("SELECT {ROW} FROM grants WHERE agent = ?");
        let select = sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(agent.as_str());
        let row: Option<RowColumns> =
            fetch_optional(select, &mut *self.db().await?).await.map_err(sql("reading a grant"))?;
        Ok(row.map(Row::from))
    }

    pub(super) async fn list(&self) -> Result<Vec<Enrolled>, VaultError> {
        list_in(&mut *self.db().await?, &facts(&held())).await
    }

    pub(super) async fn take(
        &self,
        agent: &AgentId,
        key_id: &str,
        hold: &Hold,
        at_ms: i64,
    ) -> Result<Option<Row>, VaultError> {
        let held = held();
        let update = format!(
            "UPDATE grants SET spent_since_ms = coalesce(spent_since_ms, hold_since_ms), hold = ?1, hold_since_ms = ?2,
                 hold_until_ms = {NOW_MS} + ?3, used_ms = ?2
             WHERE agent = ?4 AND dead_because IS NULL AND EXISTS (SELECT 1 FROM keys WHERE id = ?5)
                 AND NOT {held}
             RETURNING {ROW}"
        );
        let mut db = self.db().await?;
        let update = sqlx::query_as(sqlx::AssertSqlSafe(update))
            .bind(&hold.0)
            .bind(at_ms)
            .bind(HOLD_MS)
            .bind(agent.as_str())
            .bind(key_id);
        // Nobody may spend a grant whose note is not on disk: that needs the commit, not only the row.
        let row: Result<Option<RowColumns>, sqlx::Error> = fetch_optional(update, &mut db).await;
        let result = row.map(|row| row.map(Row::from)).map_err(sql("taking out a grant"));
        self.done(db, result).await
    }

    pub(super) async fn renew(&self, agent: &AgentId, hold: &Hold) -> Result<bool, VaultError> {
        let update = format!("UPDATE grants SET hold_until_ms = {NOW_MS} + ?1 WHERE agent = ?2 AND hold = ?3");
        let mut db = self.db().await?;
        let done = sqlx::query(sqlx::AssertSqlSafe(update))
            .bind(HOLD_MS)
            .bind(agent.as_str())
            .bind(&hold.0)
            .execute(&mut *db)
            .await;
        let result = done.map(|done| done.rows_affected() > 0).map_err(sql("keeping a grant that was taken out"));
        self.done(db, result).await
    }

    pub(super) async fn store(
        &self,
        key_id: &str,
        spent: Edition,
        row: &NewRow,
        at_ms: i64,
    ) -> Result<bool, VaultError> {
        let update = "UPDATE grants SET key_id = ?1, nonce = ?2, sealed = ?3, edition = ?4, access_until_ms = ?5,
                 refreshed_ms = ?6, hold = NULL, hold_since_ms = NULL, hold_until_ms = NULL, spent_since_ms = NULL,
                 dead_because = NULL, dead_ms = NULL
             WHERE agent = ?7 AND edition = ?8 AND EXISTS (SELECT 1 FROM keys WHERE id = ?1)";
        let mut db = self.db().await?;
        let done = sqlx::query(update)
            .bind(key_id)
            .bind(&row.sealed.nonce)
            .bind(&row.sealed.bytes)
            .bind(row.edition.0)
            .bind(row.access_until_ms)
            .bind(at_ms)
            .bind(row.agent.as_str())
            .bind(spent.0)
            .execute(&mut *db)
            .await;
        let result = done.map(|done| done.rows_affected() > 0).map_err(sql("storing a new grant"));
        self.done(db, result).await
    }

    pub(super) async fn release(
        &self,
        agent: &AgentId,
        spent: Edition,
        hold: &Hold,
        release: &Release,
    ) -> Result<bool, VaultError> {
        let (doubt, dead, dead_ms) = release.columns();
        let update = "UPDATE grants SET hold = NULL, hold_since_ms = NULL, hold_until_ms = NULL,
                 spent_since_ms = CASE WHEN ?2 IS NOT NULL THEN NULL
                     WHEN ?1 THEN coalesce(spent_since_ms, hold_since_ms) ELSE spent_since_ms END,
                 dead_because = ?2, dead_ms = ?3
             WHERE agent = ?4 AND edition = ?5 AND hold = ?6";
        let mut db = self.db().await?;
        let done = sqlx::query(update)
            .bind(doubt)
            .bind(dead)
            .bind(dead_ms)
            .bind(agent.as_str())
            .bind(spent.0)
            .bind(&hold.0)
            .execute(&mut *db)
            .await;
        let result = done.map(|done| done.rows_affected() > 0).map_err(sql("putting a grant back"));
        self.done(db, result).await
    }

    pub(super) async fn used(&self, agents: &[AgentId], at_ms: i64) -> Result<(), VaultError> {
        let mut db = self.db().await?;
        let result = async {
            let mut tx = begin(&mut db).await?;
            for agent in agents {
                let update = sqlx::query("UPDATE grants SET used_ms = ? WHERE agent = ?");
                update.bind(at_ms).bind(agent.as_str()).execute(&mut *tx).await?;
            }
            tx.commit().await
        };
        let result = result.await.map_err(sql("noting the use of grants"));
        self.done(db, result).await
    }

    pub(super) async fn remove(&self, agents: &[AgentId]) -> Result<u64, VaultError> {
        let mut db = self.db().await?;
        let result = async {
            let (mut tx, mut gone) = (begin(&mut db).await?, 0);
            for agent in agents {
                let delete = sqlx::query("DELETE FROM grants WHERE agent = ?").bind(agent.as_str());
                gone += delete.execute(&mut *tx).await?.rows_affected();
            }
            tx.commit().await?;
            Ok(gone)
        };
        let result = result.await.map_err(sql("taking out agents"));
        self.done(db, result).await
    }

    pub(super) async fn rekey(
        &self,
        old_key_id: &str,
        new_key: &KeyRow,
        reseal: impl Fn(Vec<(AgentId, Row)>) -> Result<Vec<NewRow>, VaultError> + Send,
    ) -> Result<Resealed, VaultError> {
        const DOING: &str = "sealing the vault with another key";
        let mut db = self.db().await?;
        let result = async {
            let mut tx = begin(&mut db).await.map_err(sql(DOING))?;
            if !holds_key(&mut tx, old_key_id).await.map_err(sql(DOING))? {
                return Ok(Resealed::Gone);
            }
            let out = format!("SELECT count(*) FROM grants WHERE {}", held());
            let out: i64 =
                fetch_one(sqlx::query_scalar(sqlx::AssertSqlSafe(out)), &mut tx).await.map_err(sql(DOING))?;
            if out > 0 {
                return Ok(Resealed::Out(out.unsigned_abs()));
            }
            let rows = reseal(all_rows(&mut tx).await.map_err(sql(DOING))?)?;
            replace_all(&mut tx, old_key_id, new_key, &rows).await.map_err(sql(DOING))?;
            tx.commit().await.map_err(sql(DOING))?;
            Ok(Resealed::Done(rows.len()))
        };
        let result = result.await;
        self.done(db, result).await
    }
}

async fn insert(
    db: &mut SqliteConnection,
    key_id: &str,
    row: &NewRow,
    name: &str,
    at_ms: i64,
) -> Result<(), sqlx::Error> {
    let insert = "INSERT INTO grants (agent, name, key_id, nonce, sealed, edition, access_until_ms, enrolled_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (agent) DO UPDATE SET name = ?2, key_id = ?3, nonce = ?4, sealed = ?5, edition = ?6,
             access_until_ms = ?7, enrolled_ms = ?8, refreshed_ms = NULL, used_ms = NULL, dead_because = NULL,
             dead_ms = NULL, hold = NULL, hold_since_ms = NULL, hold_until_ms = NULL, spent_since_ms = NULL";
    sqlx::query(insert)
        .bind(row.agent.as_str())
        .bind(cut(name))
        .bind(key_id)
        .bind(&row.sealed.nonce)
        .bind(&row.sealed.bytes)
        .bind(row.edition.0)
        .bind(row.access_until_ms)
        .bind(at_ms)
        .execute(db)
        .await
        .map(drop)
}

async fn all_rows(db: &mut SqliteConnection) -> Result<Vec<(AgentId, Row)>, sqlx::Error> {
    let agents: Vec<String> = sqlx::query_scalar("SELECT agent FROM grants ORDER BY agent").fetch_all(&mut *db).await?;
    let select = format!("SELECT {ROW} FROM grants ORDER BY agent");
    let rows: Vec<RowColumns> = sqlx::query_as(sqlx::AssertSqlSafe(select)).fetch_all(db).await?;
    let named = |(agent, row): (String, RowColumns)| Some((AgentId::new(&agent).ok()?, Row::from(row)));
    Ok(agents.into_iter().zip(rows).filter_map(named).collect())
}

/// Rows that no agent can have, since their id is none, go: nobody could open them with the new key.
async fn replace_all(
    db: &mut SqliteConnection,
    old_key_id: &str,
    new_key: &KeyRow,
    rows: &[NewRow],
) -> Result<(), sqlx::Error> {
    insert_key(db, new_key).await?;
    for row in rows {
        sqlx::query("UPDATE grants SET key_id = ?, nonce = ?, sealed = ?, edition = ? WHERE agent = ?")
            .bind(&new_key.id)
            .bind(&row.sealed.nonce)
            .bind(&row.sealed.bytes)
            .bind(row.edition.0)
            .bind(row.agent.as_str())
            .execute(&mut *db)
            .await?;
    }
    sqlx::query("DELETE FROM grants WHERE key_id <> ?").bind(&new_key.id).execute(&mut *db).await?;
    sqlx::query("DELETE FROM keys WHERE id = ?").bind(old_key_id).execute(db).await.map(drop)
}
