//! Which rungs of the ladder may be used now: allowed by the plan, offered by the organisation, not stopped by the brake.
//!
//! Must never: open again what the organisation does not offer, or let the brake stop what a person has let go on.

use crate::law::plan::Mechanisms;
use crate::law::verdict::Rung;

/// The rungs that may be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRungs([Standing; Rung::ALL.len()]);

/// Whether a rung may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It may.
    Open,
    /// The plan does not allow it, or the organisation does not offer it.
    Closed,
    /// The brake has stopped it; a person may let it go on.
    Braked,
    /// A person has let it go on: it may be used, and the brake stops it no more.
    Overruled,
}

impl OpenRungs {
    /// What the plan allows.
    #[must_use]
    pub fn of(mechanisms: &Mechanisms) -> OpenRungs {
        OpenRungs(Rung::ALL.map(|rung| {
            let is_allowed = match rung {
                Rung::Companion => mechanisms.companion,
                Rung::TokenRefresh => mechanisms.oauth_refresh || mechanisms.authentication_refresh,
                Rung::SessionReset => mechanisms.session_reset,
                Rung::Reassociate => mechanisms.reassociate,
                Rung::RebootPhone => mechanisms.reboot_phone,
                Rung::RevokeTokens => mechanisms.revoke_tokens,
                Rung::Ask => mechanisms.ask,
            };
            if is_allowed { Standing::Open } else { Standing::Closed }
        }))
    }
    /// Whether a rung may be used.
    #[must_use]
    pub fn is_open(&self, rung: Rung) -> bool {
        matches!(self.standing(rung), Standing::Open | Standing::Overruled)
    }
    /// Whether the brake may stop a rung: it is in use, and nobody has let it go on against the brake.
    #[must_use]
    pub fn may_be_braked(&self, rung: Rung) -> bool {
        self.standing(rung) == Standing::Open
    }
    /// Whether the brake has stopped any.
    #[must_use]
    pub fn any_is_braked(&self) -> bool {
        self.0.contains(&Standing::Braked)
    }
    /// Closes a rung for the rest of the run.
    pub fn close(&mut self, rung: Rung) {
        self.put(rung, Standing::Closed);
    }
    /// The brake stops a rung.
    pub fn brake(&mut self, rung: Rung) {
        if self.is_open(rung) {
            self.put(rung, Standing::Braked);
        }
    }
    /// A person lets go on what the brake has stopped.
    pub fn overrule(&mut self) {
        for standing in self.0.iter_mut().filter(|standing| **standing == Standing::Braked) {
            *standing = Standing::Overruled;
        }
    }

    fn standing(&self, rung: Rung) -> Standing {
        self.0.get(rung.index()).copied().unwrap_or(Standing::Closed)
    }
    fn put(&mut self, rung: Rung, standing: Standing) {
        if let Some(place) = self.0.get_mut(rung.index()) {
            *place = standing;
        }
    }
}
