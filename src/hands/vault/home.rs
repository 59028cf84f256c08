//! Where the rows are: either kind of home, so that the configuration decides which one a process works with.
//!
//! Must never: treat one kind differently from another, or see a token.

use super::VaultError;
use super::postgres::ServerHome;
use super::row::{Edition, Enrolled, Hold, Imported, KeyRow, NewRow, Release, Row};
use super::sqlite::FileHome;
use crate::words::id::AgentId;

/// How long a grant that was taken out is nobody else's, in milliseconds, by the home's own clock. Whoever has it says so
/// again well before; the time after a crash in which nobody can refresh the agent's token is as long as this.
pub(super) const HOLD_MS: i64 = 10_000;

/// The rows of a vault.
#[derive(Debug)]
pub(super) enum Home {
    /// In a file.
    File(FileHome),
    /// On a server.
    Server(ServerHome),
}

macro_rules! either {
    ($self:ident, $home:ident => $ask:expr) => {
        match $self {
            Home::File($home) => $ask.await,
            Home::Server($home) => $ask.await,
        }
    };
}

impl Home {
    /// The record of the vault's key, if it has one, and how many agents there are.
    pub(super) async fn key(&self) -> Result<(Option<KeyRow>, u64), VaultError> {
        either!(self, home => home.key())
    }
    /// Records the key of a vault that has none and holds nobody. Another may have been quicker; it is not overwritten.
    pub(super) async fn found(&self, key: &KeyRow) -> Result<(), VaultError> {
        either!(self, home => home.found(key))
    }
    /// Puts grants in with the names of their agents, all or none, and makes them alive; nothing when `key_id` is not the
    /// vault's key any more.
    pub(super) async fn import(
        &self,
        key_id: &str,
        rows: &[(NewRow, String)],
        at_ms: i64,
    ) -> Result<Option<Imported>, VaultError> {
        either!(self, home => home.import(key_id, rows, at_ms))
    }
    /// One agent's row.
    pub(super) async fn read(&self, agent: &AgentId) -> Result<Option<Row>, VaultError> {
        either!(self, home => home.read(agent))
    }
    /// Everybody, by id, in the clear.
    pub(super) async fn list(&self) -> Result<Vec<Enrolled>, VaultError> {
        either!(self, home => home.list())
    }
    /// Takes a living grant out to be spent, and notes that before anything else can happen; `None` when there is none, when
    /// it is dead, when somebody else has it, or when `key_id` is not the vault's key any more.
    pub(super) async fn take(
        &self,
        agent: &AgentId,
        key_id: &str,
        hold: &Hold,
        at_ms: i64,
    ) -> Result<Option<Row>, VaultError> {
        either!(self, home => home.take(agent, key_id, hold, at_ms))
    }
    /// Says that whoever has the grant still has it.
    pub(super) async fn renew(&self, agent: &AgentId, hold: &Hold) -> Result<bool, VaultError> {
        either!(self, home => home.renew(agent, hold))
    }
    /// Puts a new grant in the place of `spent`, if the row still holds that, and clears the note, in one write.
    pub(super) async fn store(
        &self,
        key_id: &str,
        spent: Edition,
        row: &NewRow,
        at_ms: i64,
    ) -> Result<bool, VaultError> {
        either!(self, home => home.store(key_id, spent, row, at_ms))
    }
    /// Puts a grant that was taken out back, if the row still holds it and nobody else has it.
    pub(super) async fn release(
        &self,
        agent: &AgentId,
        spent: Edition,
        hold: &Hold,
        release: &Release,
    ) -> Result<bool, VaultError> {
        either!(self, home => home.release(agent, spent, hold, release))
    }
    /// Notes that agents' access tokens were used.
    pub(super) async fn used(&self, agents: &[AgentId], at_ms: i64) -> Result<(), VaultError> {
        either!(self, home => home.used(agents, at_ms))
    }
    /// Takes agents out, tokens and all; how many there were.
    pub(super) async fn remove(&self, agents: &[AgentId]) -> Result<u64, VaultError> {
        either!(self, home => home.remove(agents))
    }
    /// Seals everything anew, all or nothing: `reseal` is given every row and gives back as many. Nothing is done while grants
    /// are out: then it says how many.
    pub(super) async fn rekey(
        &self,
        old_key_id: &str,
        new_key: &KeyRow,
        reseal: impl Fn(Vec<(AgentId, Row)>) -> Result<Vec<NewRow>, VaultError> + Send,
    ) -> Result<Resealed, VaultError> {
        either!(self, home => home.rekey(old_key_id, new_key, reseal))
    }
}

/// How sealing everything anew went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resealed {
    /// So many agents.
    Done(usize),
    /// So many grants are out; nothing was changed.
    Out(u64),
    /// The old key is not the vault's key any more; nothing was changed.
    Gone,
}
