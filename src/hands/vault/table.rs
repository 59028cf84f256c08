//! The vault's file: one row per agent, sealed; the agent, a name and the state in the clear.
//!
//! Must never: change anything when the key is wrong.

use std::path::Path;

use sqlx::sqlite::SqliteConnection;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::VaultError;
use super::seal::{Owner, Sealed, Sealer, new_key_id};
use crate::hands::sqlite::{Check, IfMissing, Schema, begin, look, open, sql as store_sql};
use crate::words::clock::Timestamp;
use crate::words::id::AgentId;
use crate::words::secret::{Grant, Secret};

const SCHEMA: Schema = Schema {
    name: "vault",
    application_id: 0x534c_5601, // "SLV" and 1
    steps: &[
        // 1: the key's name with a value that only the right key opens; the grants.
        "CREATE TABLE keys (
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
         ) STRICT, WITHOUT ROWID;",
    ],
};

/// What the check value says once it is opened.
const CHECK: &[u8] = b"softlanding vault";
/// The longest token that is kept, in bytes. The platform's are 43 to 86 characters; JWTs of others reach a few thousand.
const TOKEN_BYTES_MAX: usize = 16_384;
/// The longest name and the longest reason that are kept, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// Whether an agent's grant can still be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantState {
    /// As far as is known.
    Alive,
    /// The platform has refused it; the agent must enrol again.
    Dead {
        /// What the platform said.
        why: String,
    },
}

/// An agent in the vault, without the tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The agent.
    pub agent: AgentId,
    /// The agent's name for people, as given when they were enrolled.
    pub name: String,
    /// Whether the grant can be used.
    pub state: GrantState,
}

/// What an import has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Agents who were not in the vault before.
    pub added: usize,
    /// Agents whose grant has been replaced.
    pub replaced: usize,
}

/// The agents' grants, opened with their key.
#[derive(Debug)]
pub struct Vault {
    db: Mutex<SqliteConnection>,
    sealer: Sealer,
    key_id: String,
}

fn sql(doing: &'static str) -> impl Fn(sqlx::Error) -> VaultError {
    let wrap = store_sql("vault", doing);
    move |source| VaultError::Store(wrap(source))
}

impl Vault {
    /// Opens the vault at `path` with `key` (32 bytes, base64 or hexadecimal); makes it, for its owner only, when there
    /// is none.
    ///
    /// # Errors
    /// [`VaultError::BadKey`] and [`VaultError::WrongKey`] about the key; nothing has been changed then.
    /// [`VaultError::Store`] when the file cannot be used.
    pub async fn open(path: &Path, key: &Secret) -> Result<Vault, VaultError> {
        let sealer = Sealer::new(key)?;
        let mut db = open(path, SCHEMA, IfMissing::Create, Check::Whole).await?;
        let key_id = checked_key_id(&mut db, &sealer).await?;
        Ok(Vault { db: Mutex::new(db), sealer, key_id })
    }

    /// Every agent whom the vault at `path` holds, once `key` is known to be its key. Changes nothing: it does not make a
    /// vault, nor bring an older one up to date.
    ///
    /// # Errors
    /// As [`Vault::open`], and when there is no file.
    pub async fn agents_at(path: &Path, key: &Secret) -> Result<Vec<Enrolled>, VaultError> {
        let sealer = Sealer::new(key)?;
        let (mut db, version) = look(path, SCHEMA).await?;
        if version == 0 {
            return Ok(Vec::new());
        }
        let known = known_key_id(&mut db, &sealer).await?;
        let agents = agents(&mut db).await?;
        match known {
            None if !agents.is_empty() => Err(VaultError::Damaged),
            Some(_) | None => Ok(agents),
        }
    }

    /// Puts an agent's grant in, or in the place of an older one, and makes it alive.
    ///
    /// # Errors
    /// [`VaultError::BadToken`] when a token is empty or absurdly long; [`VaultError::Store`].
    pub async fn put(&self, agent: &AgentId, name: &str, grant: &Grant) -> Result<(), VaultError> {
        self.import(&[(agent.clone(), name.to_owned(), grant.clone())]).await.map(drop)
    }

    /// Puts many agents' grants in, all or none.
    ///
    /// # Errors
    /// As [`Vault::put`].
    pub async fn import(&self, grants: &[(AgentId, String, Grant)]) -> Result<Imported, VaultError> {
        let sealed = grants
            .iter()
            .map(|(agent, name, grant)| Ok((agent, name, self.seal(agent, grant)?)))
            .collect::<Result<Vec<_>, VaultError>>()?;
        let sql = sql("storing grants");
        let mut imported = Imported::default();
        let mut db = self.db.lock().await;
        let mut tx = begin(&mut db).await.map_err(&sql)?;
        for (agent, name, sealed) in sealed {
            let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM grants WHERE agent = ?")
                .bind(agent.as_str())
                .fetch_optional(&mut *tx)
                .await
                .map_err(&sql)?;
            match known {
                Some(_) => imported.replaced += 1,
                None => imported.added += 1,
            }
            sqlx::query(
                "INSERT INTO grants (agent, name, key_id, nonce, sealed) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (agent) DO UPDATE
                 SET name = ?2, key_id = ?3, nonce = ?4, sealed = ?5, dead_because = NULL",
            )
            .bind(agent.as_str())
            .bind(cut(name))
            .bind(&self.key_id)
            .bind(sealed.nonce)
            .bind(sealed.bytes)
            .execute(&mut *tx)
            .await
            .map_err(&sql)?;
        }
        tx.commit().await.map_err(&sql)?;
        Ok(imported)
    }

    /// Replaces the tokens of an agent who is enrolled, after the platform has given new ones.
    ///
    /// The old refresh token is worthless from then on, so this is to be on disk before the new one is used.
    ///
    /// # Errors
    /// [`VaultError::NotEnrolled`] when the agent has been taken out meanwhile; otherwise as [`Vault::put`].
    pub async fn rotate(&self, agent: &AgentId, grant: &Grant) -> Result<(), VaultError> {
        let sealed = self.seal(agent, grant)?;
        let changed =
            sqlx::query("UPDATE grants SET key_id = ?2, nonce = ?3, sealed = ?4, dead_because = NULL WHERE agent = ?1")
                .bind(agent.as_str())
                .bind(&self.key_id)
                .bind(sealed.nonce)
                .bind(sealed.bytes)
                .execute(&mut *self.db.lock().await)
                .await
                .map_err(sql("rotating a grant"))?;
        enrolled(agent, changed.rows_affected())
    }

    /// The agent's grant; `None` when the agent is not enrolled or the grant is dead.
    ///
    /// # Errors
    /// [`VaultError::Altered`] when this agent's row has been tampered with; [`VaultError::Store`].
    pub async fn get(&self, agent: &AgentId) -> Result<Option<Grant>, VaultError> {
        let row: Option<(String, Vec<u8>, Vec<u8>)> =
            sqlx::query_as("SELECT key_id, nonce, sealed FROM grants WHERE agent = ? AND dead_because IS NULL")
                .bind(agent.as_str())
                .fetch_optional(&mut *self.db.lock().await)
                .await
                .map_err(sql("reading a grant"))?;
        let Some((key_id, nonce, bytes)) = row else { return Ok(None) };
        let altered = || VaultError::Altered { agent: agent.clone() };
        let owner = Owner { kind: "grant", agent: agent.as_str(), key_id: &key_id };
        let plain = self.sealer.open(&owner, &Sealed { nonce, bytes }).map_err(|_| altered())?;
        unpack(&plain).map(Some).ok_or_else(altered)
    }

    /// Every agent in the vault, by id.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn agents(&self) -> Result<Vec<Enrolled>, VaultError> {
        agents(&mut *self.db.lock().await).await
    }

    /// Notes that the platform no longer takes this agent's refresh token. `why` must not hold the token.
    ///
    /// # Errors
    /// [`VaultError::NotEnrolled`]; [`VaultError::Store`].
    pub async fn mark_dead(&self, agent: &AgentId, why: &str) -> Result<(), VaultError> {
        let changed = sqlx::query("UPDATE grants SET dead_because = ? WHERE agent = ?")
            .bind(cut(why))
            .bind(agent.as_str())
            .execute(&mut *self.db.lock().await)
            .await
            .map_err(sql("marking a grant as dead"))?;
        enrolled(agent, changed.rows_affected())
    }

    /// Takes an agent out, tokens and all.
    ///
    /// # Errors
    /// [`VaultError::NotEnrolled`]; [`VaultError::Store`].
    pub async fn remove(&self, agent: &AgentId) -> Result<(), VaultError> {
        let changed = sqlx::query("DELETE FROM grants WHERE agent = ?")
            .bind(agent.as_str())
            .execute(&mut *self.db.lock().await)
            .await
            .map_err(sql("removing a grant"))?;
        enrolled(agent, changed.rows_affected())
    }

    fn seal(&self, agent: &AgentId, grant: &Grant) -> Result<Sealed, VaultError> {
        let length = |field, token: &Secret| match token.expose().len() {
            1..=TOKEN_BYTES_MAX => Ok(()),
            found => Err(VaultError::BadToken { agent: agent.clone(), field, found, accepted: TOKEN_BYTES_MAX }),
        };
        length("refresh token", &grant.refresh_token)?;
        if let Some((token, _)) = &grant.access_token {
            length("access token", token)?;
        }
        let owner = Owner { kind: "grant", agent: agent.as_str(), key_id: &self.key_id };
        self.sealer.seal(&owner, &pack(grant))
    }
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect()
}

async fn agents(db: &mut SqliteConnection) -> Result<Vec<Enrolled>, VaultError> {
    let rows: Vec<(String, String, Option<String>)> =
        sqlx::query_as("SELECT agent, name, dead_because FROM grants ORDER BY agent")
            .fetch_all(db)
            .await
            .map_err(sql("listing the agents"))?;
    let enrolled = |(agent, name, dead): (String, String, Option<String>)| {
        let state = dead.map_or(GrantState::Alive, |why| GrantState::Dead { why });
        // An id that is none was not written by us, and no run can ask for it.
        Some(Enrolled { agent: AgentId::new(&agent).ok()?, name, state })
    };
    Ok(rows.into_iter().filter_map(enrolled).collect())
}

fn enrolled(agent: &AgentId, rows: u64) -> Result<(), VaultError> {
    if rows == 0 { Err(VaultError::NotEnrolled { agent: agent.clone() }) } else { Ok(()) }
}

/// The name of the vault's key, once the check value has shown that it is this key. A new vault gets its check value.
async fn checked_key_id(db: &mut SqliteConnection, sealer: &Sealer) -> Result<String, VaultError> {
    let sql = sql("checking the vault's key");
    let mut tx = begin(db).await.map_err(&sql)?;
    if let Some(id) = known_key_id(&mut tx, sealer).await? {
        return Ok(id);
    }
    let grants: i64 = sqlx::query_scalar("SELECT count(*) FROM grants").fetch_one(&mut *tx).await.map_err(&sql)?;
    if grants > 0 {
        // Grants without a key's record: someone has cut it out. A new check value would let any key in.
        return Err(VaultError::Damaged);
    }
    let id = new_key_id()?;
    let sealed = sealer.seal(&Owner { kind: "check", agent: "", key_id: &id }, CHECK)?;
    sqlx::query("INSERT INTO keys (id, nonce, sealed) VALUES (?, ?, ?)")
        .bind(&id)
        .bind(sealed.nonce)
        .bind(sealed.bytes)
        .execute(&mut *tx)
        .await
        .map_err(&sql)?;
    tx.commit().await.map_err(&sql)?;
    Ok(id)
}

/// The same for a vault that has a check value; `None` when it has none yet.
async fn known_key_id(db: &mut SqliteConnection, sealer: &Sealer) -> Result<Option<String>, VaultError> {
    let row: Option<(String, Vec<u8>, Vec<u8>)> = sqlx::query_as("SELECT id, nonce, sealed FROM keys")
        .fetch_optional(&mut *db)
        .await
        .map_err(sql("checking the vault's key"))?;
    let Some((id, nonce, bytes)) = row else { return Ok(None) };
    let owner = Owner { kind: "check", agent: "", key_id: &id };
    match sealer.open(&owner, &Sealed { nonce, bytes }) {
        Ok(plain) if plain.as_slice() == CHECK => Ok(Some(id)),
        Ok(_) | Err(_) => Err(VaultError::WrongKey),
    }
}

/// A grant as bytes: the refresh token; 0, or 1 with the access token and its expiry. Each text has its length before it.
fn pack(grant: &Grant) -> Zeroizing<Vec<u8>> {
    // With its full size from the start, so that growing leaves no copy of a token behind.
    let access_len = grant.access_token.as_ref().map_or(0, |(token, _)| token.expose().len());
    let mut plain = Zeroizing::new(Vec::with_capacity(32 + grant.refresh_token.expose().len() + access_len));
    let text = |plain: &mut Vec<u8>, secret: &Secret| {
        plain.extend((secret.expose().len() as u32).to_be_bytes());
        plain.extend(secret.expose().as_bytes());
    };
    text(&mut plain, &grant.refresh_token);
    match &grant.access_token {
        None => plain.push(0),
        Some((token, expires_at)) => {
            plain.push(1);
            text(&mut plain, token);
            plain.extend(expires_at.0.to_be_bytes());
        }
    }
    plain
}

fn unpack(mut plain: &[u8]) -> Option<Grant> {
    let refresh_token = take_text(&mut plain)?;
    let access_token = match take(&mut plain, 1)? {
        [0] => None,
        [1] => {
            let token = take_text(&mut plain)?;
            let expires_at = take(&mut plain, 8)?.try_into().ok().map(i64::from_be_bytes)?;
            Some((token, Timestamp(expires_at)))
        }
        _ => return None,
    };
    plain.is_empty().then_some(Grant { refresh_token, access_token })
}

fn take<'a>(plain: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (head, tail) = plain.split_at_checked(n)?;
    *plain = tail;
    Some(head)
}

fn take_text(plain: &mut &[u8]) -> Option<Secret> {
    let n = u32::from_be_bytes(take(plain, 4)?.try_into().ok()?);
    let text = std::str::from_utf8(take(plain, n as usize)?).ok()?;
    Some(Secret::new(text.to_owned()))
}
