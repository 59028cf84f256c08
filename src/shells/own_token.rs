//! Commands that use an agent's own token: the grant is taken out of the vault before, and what comes of it is kept there.
//!
//! Must never: let a request leave before the vault has noted that the refresh token may be spent, or hand an outcome on before
//! the grant that came with it is in the vault.

use crate::hands::genesys::{Call, Client};
use crate::hands::vault::{Kept, Spending, Taken, Vault, VaultError};
use crate::law::command::{Command, Effect, Failure, FailureKind, Outcome, TokenVia};
use crate::law::plan::Plan;
use crate::shells::perform::{VaultEar, bound, local};
use crate::words::clock::Timestamp;
use crate::words::id::AgentId;
use crate::words::secret::Grant;

/// One agent's own token, and what it is used with.
pub(crate) struct OwnToken<'a> {
    /// Where it is kept.
    pub(crate) vault: &'a Vault,
    /// The platform.
    pub(crate) client: &'a Client,
    /// Whose it is.
    pub(crate) agent: &'a AgentId,
    /// Hears of trouble with the vault.
    pub(crate) ear: &'a VaultEar,
}

impl OwnToken<'_> {
    /// Performs a command with it.
    pub(crate) async fn perform(
        &self,
        command: &Command,
        plan: &Plan,
        not_after: Option<Timestamp>,
    ) -> Result<Outcome, Failure> {
        let Command::RefreshToken { via, unless, .. } = command else {
            let held = self.vault.get(self.agent).await.map_err(|e| self.unusable(&e))?;
            return Ok(self.client.perform(bound(Call::new(command, plan, held), not_after)).await.outcome);
        };
        if let Some(young) = unless
            && let Some((made_at, expires_at)) = self.vault.age(self.agent).await.map_err(|e| self.unusable(&e))?
            && young.fits(made_at, expires_at)
        {
            return Ok(Outcome::TokenLeft { made_at, expires_at });
        }
        match self.vault.take(self.agent).await.map_err(|e| self.unusable(&e))? {
            Taken::Yours(spending) => {
                let call = bound(Call::new(command, plan, Some(spending.grant().clone())), not_after);
                let done = self.vault.while_held(&spending, self.client.perform(call)).await;
                self.settle(&spending, *via, done.outcome, done.grant).await
            }
            Taken::Renewed(grant) => renewed(&grant),
            Taken::Dead { why } => match via {
                // It is not tried again, in no run.
                TokenVia::Grant => Ok(Outcome::TokenDead { failure: local(&why) }),
                TokenVia::Reported => Err(local(&format!("the agent must sign in again: {why}"))),
            },
            Taken::NotEnrolled => Err(local("the vault holds no refresh token of this agent")),
        }
    }

    /// Brings the grant back, or the new one; then the outcome may be told.
    async fn settle(
        &self,
        spending: &Spending,
        via: TokenVia,
        outcome: Outcome,
        grant: Option<Grant>,
    ) -> Result<Outcome, Failure> {
        if let Some(grant) = grant {
            return match self.vault.keep(spending, &grant).await.map_err(|e| self.unkept(&e))? {
                Kept::Stored => Ok(outcome),
                Kept::Newer => self.newer().await,
                Kept::Forgotten => Err(local("the agent was taken out of the vault meanwhile")),
            };
        }
        if let Outcome::TokenDead { mut failure } = outcome {
            return match self.vault.mark_dead(spending, &failure.message).await.map_err(|e| self.unkept(&e))? {
                Kept::Stored | Kept::Forgotten => {
                    failure.message = spending.reason(&failure.message);
                    Ok(Outcome::TokenDead { failure })
                }
                Kept::Newer => self.newer().await,
            };
        }
        let brought_back = match (via, unproven(&outcome)) {
            (TokenVia::Grant, true) => self.vault.in_doubt(spending).await,
            // What users report spends no refresh token.
            (TokenVia::Grant, false) | (TokenVia::Reported, _) => self.vault.give_back(spending).await,
        };
        // Where that fails the note stays, and runs out as that of a process that has died: nothing is lost by it.
        if let Err(e) = brought_back {
            self.ear.hear(&e);
        }
        Ok(outcome)
    }

    /// Somebody else has refreshed the token or has it now, or the agent has signed in again: what the vault holds counts.
    async fn newer(&self) -> Result<Outcome, Failure> {
        match self.vault.get(self.agent).await.map_err(|e| self.unusable(&e))? {
            Some(grant) => renewed(&grant),
            None => Err(local("the agent must sign in again")),
        }
    }

    /// Nothing has left: where the vault may answer later, so may this.
    fn unusable(&self, e: &VaultError) -> Failure {
        self.ear.hear(e);
        let kind = if e.passes() { FailureKind::NotSent } else { FailureKind::Local };
        Failure::plain(kind, e.to_string())
    }

    /// The platform has answered, and its answer could not be kept.
    fn unkept(&self, e: &VaultError) -> Failure {
        self.ear.hear(e);
        local(&format!("what the platform answered could not be kept: {e}"))
    }
}

fn renewed(grant: &Grant) -> Result<Outcome, Failure> {
    match &grant.access_token {
        Some((_, expires_at)) => Ok(Outcome::TokenRefreshed { expires_at: *expires_at }),
        // Signed in again, and not refreshed since: the next attempt finds the new refresh token.
        None => Err(Failure::plain(FailureKind::NotSent, "the agent has signed in again meanwhile")),
    }
}

/// Whether the refresh token may be spent although no new one came. An outcome that is no answer to a refresh proves nothing.
fn unproven(outcome: &Outcome) -> bool {
    outcome.failure().is_none_or(|failure| failure.kind.effect() == Effect::Possible)
}
