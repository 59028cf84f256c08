//! Another key: every row is opened with the old one and sealed with the new one, all or nothing.
//!
//! A process that dies in the middle leaves the vault as it was; to begin again is always right. Processes that hold the old key
//! find out at their next question, before they take a grant out, and none is sealed anew while it is out: nothing is lost.
//!
//! Must never: leave a vault that neither key opens in full.

use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

use super::VaultError;
use super::home::{HOLD_MS, Home, Resealed};
use super::open::{known, new_key_row, open_with, seal_with};
use super::postgres::ServerHome;
use super::row::{NewRow, Row};
use super::seal::Sealer;
use super::sqlite::FileHome;
use crate::hands::postgres::IfEmpty;
use crate::hands::sqlite::IfMissing;
use crate::words::id::AgentId;
use crate::words::secret::Secret;

/// How often it is looked whether the grants that are out have come back, in milliseconds of real time, and how often at most.
const LOOK_MS: u64 = 500;
const LOOKS_MAX: u32 = 4 * (HOLD_MS as u32) / (LOOK_MS as u32);

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rekeyed {
    /// So many agents' grants are sealed with the new key.
    Done(usize),
    /// The vault was sealed with the new key already.
    Already,
}

/// Seals the vault in the file at `path` with `new`, once it is known to be sealed with `old`.
///
/// # Errors
/// [`VaultError::WrongKey`] when neither is its key; [`VaultError::Out`] when refreshes are under way for longer than 40
/// seconds; [`VaultError::Altered`] when a row cannot be opened; [`VaultError::Store`]. Nothing has been changed then.
pub async fn rekey_at(path: &Path, old: &Secret, new: &Secret) -> Result<Rekeyed, VaultError> {
    let sealers = Sealers { old: Sealer::new(old)?, new: Sealer::new(new)? };
    sealers.rekey(&Home::File(FileHome::open(path, IfMissing::Refuse).await?)).await
}

/// The same for a vault in the database at `url`.
///
/// # Errors
/// As [`rekey_at`].
pub async fn rekey_on(url: &str, password: Option<&Secret>, old: &Secret, new: &Secret) -> Result<Rekeyed, VaultError> {
    let sealers = Sealers { old: Sealer::new(old)?, new: Sealer::new(new)? };
    sealers.rekey(&Home::Server(ServerHome::open(url, password, IfEmpty::Refuse).await?)).await
}

struct Sealers {
    old: Sealer,
    new: Sealer,
}

impl Sealers {
    async fn rekey(&self, home: &Home) -> Result<Rekeyed, VaultError> {
        let mut out = 0;
        for _ in 0..LOOKS_MAX {
            let (key, agents) = home.key().await?;
            match known(&self.new, key.as_ref(), agents) {
                Ok(Some(_)) => return Ok(Rekeyed::Already),
                Ok(None) => return Ok(Rekeyed::Done(0)),
                Err(VaultError::WrongKey) => {}
                Err(e) => return Err(e),
            }
            let Some(old_id) = known(&self.old, key.as_ref(), agents)? else { return Ok(Rekeyed::Done(0)) };
            let new_key = new_key_row(&self.new)?;
            let reseal = |rows: Vec<(AgentId, Row)>| {
                let anew = |(agent, row): (AgentId, Row)| self.anew(&agent, &row, &old_id, &new_key.id);
                rows.into_iter().map(anew).collect::<Result<Vec<NewRow>, VaultError>>()
            };
            match home.rekey(&old_id, &new_key, reseal).await? {
                Resealed::Done(agents) => return Ok(Rekeyed::Done(agents)),
                Resealed::Out(count) => out = count,
                // Somebody else is doing the same; who it was shows at the next look.
                Resealed::Gone => {}
            }
            sleep(Duration::from_millis(LOOK_MS)).await;
        }
        Err(VaultError::Out { count: out })
    }

    fn anew(&self, agent: &AgentId, row: &Row, old_id: &str, new_id: &str) -> Result<NewRow, VaultError> {
        let grant = open_with(&self.old, old_id, agent, row)?;
        seal_with(&self.new, new_id, agent, &grant)
    }
}
