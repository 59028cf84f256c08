//! The vault itself: seals what comes in, opens what is asked for.
//!
//! Must never: change anything when the key is wrong, or let a token pass unsealed.

use std::path::Path;

use super::VaultError;
use super::grant::{check, pack, unpack};
use super::home::Home;
use super::postgres::ServerHome;
use super::row::{Edition, Enrolled, GrantState, Imported, KeyRow, NewRow, Row};
use super::seal::{Owner, Sealer, new_key_id};
use super::sqlite::{FileHome, look_at};
use crate::hands::postgres::IfEmpty;
use crate::hands::sqlite::IfMissing;
use crate::words::clock::{Clock, Timestamp};
use crate::words::id::AgentId;
use crate::words::secret::{Grant, Secret};

/// What the check value says once it is opened.
const CHECK: &[u8] = b"softlanding vault";

/// The agents' grants, opened with their key: in a file, or in tables that several replicas share.
#[derive(Debug)]
pub struct Vault {
    pub(super) home: Home,
    pub(super) sealer: Sealer,
    pub(super) key_id: String,
    pub(super) clock: Clock,
}

impl Vault {
    /// Opens the vault in the file at `path` with `key` (32 bytes, base64 or hexadecimal); makes it, for its owner only, when
    /// there is none.
    ///
    /// # Errors
    /// [`VaultError::BadKey`] and [`VaultError::WrongKey`] about the key; nothing has been changed then.
    /// [`VaultError::Store`] when the file cannot be used, or others than its owner can read it.
    pub async fn open(path: &Path, key: &Secret) -> Result<Vault, VaultError> {
        let sealer = Sealer::new(key)?;
        Vault::of(Home::File(FileHome::open(path, IfMissing::Create).await?), sealer).await
    }

    /// Opens the vault in the PostgreSQL database at `url` (`postgres://USER@HOST:PORT/DATABASE`); makes its tables when there
    /// are none. `password` goes before one in the address.
    ///
    /// # Errors
    /// As [`Vault::open`]; [`VaultError::Store`] when the server cannot be reached, or its tables are somebody else's.
    pub async fn connect(url: &str, password: Option<&Secret>, key: &Secret) -> Result<Vault, VaultError> {
        let sealer = Sealer::new(key)?;
        Vault::of(Home::Server(ServerHome::open(url, password, IfEmpty::Create).await?), sealer).await
    }

    /// The same vault, whose instants are told by `clock`. One that is opened tells them by the system's.
    #[must_use]
    pub fn by(self, clock: Clock) -> Vault {
        Vault { clock, ..self }
    }

    pub(super) async fn of(home: Home, sealer: Sealer) -> Result<Vault, VaultError> {
        let key_id = checked_key_id(&home, &sealer).await?;
        Ok(Vault { home, sealer, key_id, clock: Clock::System })
    }

    /// Every agent whom the vault in the file at `path` holds, once `key` is known to be its key. Changes nothing: it does not
    /// make a vault, nor bring an older one up to date.
    ///
    /// # Errors
    /// As [`Vault::open`], and when there is no file.
    pub async fn agents_at(path: &Path, key: &Secret) -> Result<Vec<Enrolled>, VaultError> {
        let sealer = Sealer::new(key)?;
        let (key, agents) = look_at(path).await?;
        known(&sealer, key.as_ref(), agents.len() as u64).map(|_| agents)
    }

    /// The same of a vault in the database at `url`.
    ///
    /// # Errors
    /// As [`Vault::connect`], and when there are no tables of a vault.
    pub async fn agents_on(url: &str, password: Option<&Secret>, key: &Secret) -> Result<Vec<Enrolled>, VaultError> {
        let sealer = Sealer::new(key)?;
        let home = ServerHome::open(url, password, IfEmpty::Refuse).await?;
        let (key, agents) = home.key().await?;
        known(&sealer, key.as_ref(), agents)?;
        home.list().await
    }

    /// Puts an agent's grant in, or in the place of an older one, and makes it alive.
    ///
    /// # Errors
    /// [`VaultError::BadToken`] when a token is empty or absurdly long; [`VaultError::KeyReplaced`]; [`VaultError::Store`].
    pub async fn put(&self, agent: &AgentId, name: &str, grant: &Grant) -> Result<(), VaultError> {
        self.import(&[(agent.clone(), name.to_owned(), grant.clone())]).await.map(drop)
    }

    /// Puts many agents' grants in, all or none. Nobody may be named twice.
    ///
    /// # Errors
    /// As [`Vault::put`].
    pub async fn import(&self, grants: &[(AgentId, String, Grant)]) -> Result<Imported, VaultError> {
        let row = |(agent, name, grant): &(AgentId, String, Grant)| Ok((self.seal(agent, grant)?, name.clone()));
        let rows = grants.iter().map(row).collect::<Result<Vec<_>, VaultError>>()?;
        let imported = self.home.import(&self.key_id, &rows, self.clock.now().0).await?;
        imported.ok_or(VaultError::KeyReplaced)
    }

    /// The grant of an agent, to look at or to hand its access token over; `None` when there is none, or when it is dead.
    /// Whoever wants to spend the refresh token takes the grant out with [`Vault::take`].
    ///
    /// # Errors
    /// [`VaultError::Altered`] when this agent's row is not what was written; [`VaultError::KeyReplaced`];
    /// [`VaultError::Store`].
    pub async fn get(&self, agent: &AgentId) -> Result<Option<Grant>, VaultError> {
        match self.home.read(agent).await? {
            Some(row) if row.dead_because.is_none() => self.opened(agent, &row).await.map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// Every agent in the vault, by id.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn agents(&self) -> Result<Vec<Enrolled>, VaultError> {
        self.home.list().await
    }

    /// When the agent's access token was made and when it ends; `None` where there is none, or one of which that is not known,
    /// where the grant is dead, and where a refresh was interrupted.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn age(&self, agent: &AgentId) -> Result<Option<(Timestamp, Timestamp)>, VaultError> {
        let row = self.home.read(agent).await?;
        Ok(row.filter(|row| row.dead_because.is_none() && row.spent_since.is_none()).and_then(|row| row.age))
    }

    /// Notes that the access tokens of these agents were handed over now. Those who are not enrolled are passed over.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn used(&self, agents: &[AgentId]) -> Result<(), VaultError> {
        self.home.used(agents, self.clock.now().0).await
    }

    /// Takes agents out, tokens and all; how many of them were enrolled. The platform is not told: there the refresh tokens
    /// live on until they are revoked or run out.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn remove(&self, agents: &[AgentId]) -> Result<u64, VaultError> {
        self.home.remove(agents).await
    }

    /// The row that holds this grant.
    pub(super) fn seal(&self, agent: &AgentId, grant: &Grant) -> Result<NewRow, VaultError> {
        seal_with(&self.sealer, &self.key_id, agent, grant)
    }

    /// What a row holds. One that was sealed with a key that came after ours is not altered.
    pub(super) async fn opened(&self, agent: &AgentId, row: &Row) -> Result<Grant, VaultError> {
        match open_with(&self.sealer, &self.key_id, agent, row) {
            Ok(grant) => Ok(grant),
            Err(altered) => {
                self.has_our_key().await?;
                Err(altered)
            }
        }
    }

    /// Whether the vault is still sealed with the key that it was opened with.
    pub(super) async fn has_our_key(&self) -> Result<(), VaultError> {
        match self.home.key().await? {
            (Some(key), _) if key.id == self.key_id => Ok(()),
            (Some(_), _) => Err(VaultError::KeyReplaced),
            (None, _) => Err(VaultError::Damaged),
        }
    }
}

impl Enrolled {
    /// Whether the agent must sign in again before their token can be refreshed.
    #[must_use]
    pub fn must_sign_in(&self) -> bool {
        self.state != GrantState::Alive
    }
}

pub(super) fn seal_with(sealer: &Sealer, key_id: &str, agent: &AgentId, grant: &Grant) -> Result<NewRow, VaultError> {
    check(agent, grant)?;
    let edition = Edition::new()?;
    let owner = Owner { kind: "grant", agent: agent.as_str(), key_id, edition: edition.0 };
    let sealed = sealer.seal(&owner, &pack(grant))?;
    let access_until_ms = grant.access_token.as_ref().map(|(_, until)| until.0);
    Ok(NewRow { agent: agent.clone(), edition, sealed, access_until_ms })
}

pub(super) fn open_with(sealer: &Sealer, key_id: &str, agent: &AgentId, row: &Row) -> Result<Grant, VaultError> {
    let altered = || VaultError::Altered { agent: agent.clone() };
    if row.key_id != key_id {
        return Err(altered());
    }
    let owner = Owner { kind: "grant", agent: agent.as_str(), key_id, edition: row.edition.0 };
    let plain = sealer.open(&owner, &row.sealed).map_err(|_| altered())?;
    unpack(&plain).ok_or_else(altered)
}

/// A new name for a key, with its check value.
pub(super) fn new_key_row(sealer: &Sealer) -> Result<KeyRow, VaultError> {
    let id = new_key_id()?;
    let check = sealer.seal(&Owner { kind: "check", agent: "", key_id: &id, edition: 0 }, CHECK)?;
    Ok(KeyRow { id, check })
}

/// The name of the vault's key, once the check value has shown that it is this key; `None` for a vault that has no key and
/// holds nobody.
pub(super) fn known(sealer: &Sealer, key: Option<&KeyRow>, agents: u64) -> Result<Option<String>, VaultError> {
    let Some(key) = key else {
        // Grants without a key's record: someone has cut it out. A new check value would let any key in.
        return if agents > 0 { Err(VaultError::Damaged) } else { Ok(None) };
    };
    match sealer.open(&Owner { kind: "check", agent: "", key_id: &key.id, edition: 0 }, &key.check) {
        Ok(plain) if plain.as_slice() == CHECK => Ok(Some(key.id.clone())),
        Ok(_) | Err(_) => Err(VaultError::WrongKey),
    }
}

/// The same, where a vault without a key gets its check value.
async fn checked_key_id(home: &Home, sealer: &Sealer) -> Result<String, VaultError> {
    let (key, agents) = home.key().await?;
    if let Some(id) = known(sealer, key.as_ref(), agents)? {
        return Ok(id);
    }
    home.found(&new_key_row(sealer)?).await?;
    // Whoever was quicker may have come with another key.
    let (key, agents) = home.key().await?;
    known(sealer, key.as_ref(), agents)?.ok_or(VaultError::Damaged)
}
