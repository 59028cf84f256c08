//! A refresh token is good for one use, and the platform may drop it at once (UNCERTAIN, API.md section 2; the twin does either):
//! how none is lost.
//!
//! 1. The grant is taken out: the row notes since when the token may be spent, and who has it. That is on disk before the
//!    request leaves. Nobody else gets the grant; whoever wants it waits, and finds the new one.
//! 2. The new grant is put in the place of the one that was used, and the note is cleared, in one write, and only if the row
//!    still holds that one: a late answer never takes the place of a newer grant.
//!
//! When a process dies between the two, or no answer comes, the note stays. The old token is tried once more, since the
//! platform may still take it; when it is refused as dead, the agent must sign in again, and the reason says that a refresh
//! was interrupted.
//!
//! Must never: hand a grant out before the note is on disk, or clear the note without proof or a new grant.

use std::time::Duration;

use tokio::time::sleep;

use super::home::HOLD_MS;
use super::row::{Edition, Hold, NewRow, Release};
use super::{Vault, VaultError};
use crate::words::clock::Timestamp;
use crate::words::id::AgentId;
use crate::words::secret::Grant;

/// How often whoever has a grant says that they still have it, in milliseconds of real time.
const RENEW_MS: u64 = 3_000;
/// How often somebody who waits for a grant looks again, and how often at most, in milliseconds of real time. Together longer
/// than a hold whose process is gone.
const LOOK_MS: u64 = 200;
const LOOKS_MAX: u32 = 3 * (HOLD_MS as u32) / (LOOK_MS as u32);
/// How often storing a new grant is tried, and the time between two tries, in milliseconds of real time. A server that changes
/// hands is away for less than these two minutes; after that the only good token is lost with this process.
const STORE_TRIES_MAX: u32 = 60;
const STORE_AGAIN_MS: u64 = 2_000;

/// A grant that was taken out to be spent. It is brought back by [`Vault::keep`], [`Vault::give_back`], [`Vault::in_doubt`] or
/// [`Vault::mark_dead`]; one that is not counts as spent.
#[derive(Debug, Clone)]
pub struct Spending {
    agent: AgentId,
    edition: Edition,
    hold: Hold,
    grant: Grant,
    interrupted: Option<Timestamp>,
}

impl Spending {
    /// The grant.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }
    /// Since when the refresh token may be spent already, by a refresh whose answer nobody has.
    #[must_use]
    pub fn interrupted(&self) -> Option<Timestamp> {
        self.interrupted
    }
    /// Why the grant is dead, when the platform says `why`: an earlier refresh that was interrupted belongs to it.
    #[must_use]
    pub fn reason(&self, why: &str) -> String {
        match self.interrupted {
            Some(since) => format!("a refresh was interrupted ({}); {why}", since.utc().format("%Y-%m-%d %H:%M UTC")),
            None => why.to_owned(),
        }
    }
}

/// What came of taking a grant out.
#[derive(Debug)]
pub enum Taken {
    /// It is yours to spend.
    Yours(Box<Spending>),
    /// Somebody else has refreshed it while this waited: here is what came of it.
    Renewed(Box<Grant>),
    /// The platform has refused it before; the agent must sign in again.
    Dead {
        /// Why, as the vault knows it.
        why: String,
    },
    /// The agent is not in the vault.
    NotEnrolled,
}

/// What came of bringing a grant back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The row says what was brought.
    Stored,
    /// The row holds a newer grant, or somebody else has taken this one; it was left as it is.
    Newer,
    /// The agent was taken out of the vault meanwhile.
    Forgotten,
}

impl Vault {
    /// Takes an agent's grant out to spend its refresh token; waits while somebody else has it.
    ///
    /// # Errors
    /// [`VaultError::Held`] when somebody else has it for longer than 30 seconds; otherwise as [`Vault::get`].
    pub async fn take(&self, agent: &AgentId) -> Result<Taken, VaultError> {
        let mut before: Option<Edition> = None;
        for _ in 0..LOOKS_MAX {
            let hold = Hold::new()?;
            if let Some(row) = self.home.take(agent, &self.key_id, &hold, self.clock.now().0).await? {
                let (edition, interrupted) = (row.edition, row.spent_since);
                let grant = match self.opened(agent, &row).await {
                    Ok(grant) => grant,
                    Err(e) => {
                        self.home.release(agent, edition, &hold, &Release::Unspent).await?;
                        return Err(e);
                    }
                };
                let spending = Spending { agent: agent.clone(), edition, hold, grant, interrupted };
                let renewed = before.is_some_and(|before| before != edition) && spending.grant.access_token.is_some();
                if !renewed {
                    return Ok(Taken::Yours(Box::new(spending)));
                }
                self.give_back(&spending).await?;
                return Ok(Taken::Renewed(Box::new(spending.grant)));
            }
            match self.home.read(agent).await? {
                None => return Ok(Taken::NotEnrolled),
                Some(row) => {
                    if let Some(why) = row.dead_because {
                        return Ok(Taken::Dead { why });
                    }
                    before = before.or(Some(row.edition));
                }
            }
            self.has_our_key().await?;
            sleep(Duration::from_millis(LOOK_MS)).await;
        }
        Err(VaultError::Held { agent: agent.clone() })
    }

    /// Does what the grant was taken out for, and says meanwhile that it is still out.
    pub async fn while_held<T>(&self, spending: &Spending, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.renew_later(spending) => {}
            }
        }
    }

    async fn renew_later(&self, spending: &Spending) {
        sleep(Duration::from_millis(RENEW_MS)).await;
        // What cannot be renewed runs out; then another may try the same token, and the newest answer is kept.
        let _ = self.home.renew(&spending.agent, &spending.hold).await;
    }

    /// Puts the new grant in the place of the one that was spent. Tries again for two minutes when the store is away: the old
    /// refresh token is worthless by now.
    ///
    /// # Errors
    /// [`VaultError::BadToken`]; [`VaultError::KeyReplaced`]; [`VaultError::Store`] when all tries have failed.
    pub async fn keep(&self, spending: &Spending, grant: &Grant) -> Result<Kept, VaultError> {
        self.keep_row(spending, &self.seal(&spending.agent, grant)?).await
    }

    pub(super) async fn keep_row(&self, spending: &Spending, row: &NewRow) -> Result<Kept, VaultError> {
        let mut tries = 1;
        loop {
            let stored = self.home.store(&self.key_id, spending.edition, row, self.clock.now().0).await;
            match stored {
                Ok(true) => return Ok(Kept::Stored),
                Ok(false) => {
                    // A write whose answer was lost may have been ours.
                    let found = self.standing(&spending.agent, row.edition).await?;
                    return match found {
                        Kept::Newer => self.has_our_key().await.map(|()| Kept::Newer),
                        Kept::Stored | Kept::Forgotten => Ok(found),
                    };
                }
                Err(VaultError::Store(e)) if e.passes() && tries < STORE_TRIES_MAX => tries += 1,
                Err(e) => return Err(e),
            }
            self.while_held(spending, sleep(Duration::from_millis(STORE_AGAIN_MS))).await;
        }
    }

    /// Brings the grant back unspent: it is proven that the request had no effect.
    ///
    /// # Errors
    /// [`VaultError::Store`]; the note stays then, and runs out as one of a process that has died.
    pub async fn give_back(&self, spending: &Spending) -> Result<Kept, VaultError> {
        self.release(spending, &Release::Unspent).await
    }

    /// Brings the grant back as one that may have been spent: no answer came.
    ///
    /// # Errors
    /// [`VaultError::Store`]; the note stays then all the same.
    pub async fn in_doubt(&self, spending: &Spending) -> Result<Kept, VaultError> {
        self.release(spending, &Release::Doubt).await
    }

    /// Notes that the platform no longer takes the refresh token that was taken out: the agent must sign in again. `why` must
    /// not hold the token.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn mark_dead(&self, spending: &Spending, why: &str) -> Result<Kept, VaultError> {
        let dead = Release::Dead { why: spending.reason(why), at_ms: self.clock.now().0 };
        self.release(spending, &dead).await
    }

    async fn release(&self, spending: &Spending, release: &Release) -> Result<Kept, VaultError> {
        let Spending { agent, edition, hold, .. } = spending;
        if self.home.release(agent, *edition, hold, release).await? {
            return Ok(Kept::Stored);
        }
        Ok(match self.home.read(agent).await? {
            Some(_) => Kept::Newer,
            None => Kept::Forgotten,
        })
    }

    async fn standing(&self, agent: &AgentId, edition: Edition) -> Result<Kept, VaultError> {
        Ok(match self.home.read(agent).await? {
            Some(row) if row.edition == edition => Kept::Stored,
            Some(_) => Kept::Newer,
            None => Kept::Forgotten,
        })
    }
}
