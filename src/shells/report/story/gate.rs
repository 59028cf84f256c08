//! What a person keeps from going on: the publish before its claim, the remedies after it.
//!
//! Must never: have a rule of its own. It follows the law's, and a test of the simulation holds it against the run.

use crate::law::event::{Drift, Wait};
use crate::law::order::Wish;
use crate::law::plan::{Approval, OnDrift, Plan};
use crate::law::run::{Approved, Brake, Held};
use crate::law::rungs::OpenRungs;
use crate::law::verdict::Rung;
use crate::shells::report::control::Side;

/// What holds a run up.
#[derive(Debug, Clone)]
pub struct Gate {
    approval: Approval,
    approved: Approved,
    held: Held,
    rungs: OpenRungs,
    remedies: Brake,
}

impl Gate {
    pub(super) fn of(plan: &Plan) -> Gate {
        let rungs = OpenRungs::of(&plan.mechanisms);
        let (approved, held) = (Approved::NotYet, Held::No);
        Gate { approval: plan.policy.approval, approved, held, rungs, remedies: Brake::Released }
    }
    /// Before the claim what is ordered is about the publish, after it about the remedies.
    pub(super) fn ordered(&mut self, wish: Wish, side: Side) {
        match (wish, side) {
            (Wish::Approve, _) => self.approved = Approved::Yes,
            (Wish::Hold, Side::BeforeTheClaim) if self.held == Held::No => self.held = Held::ByPerson,
            (Wish::Hold, Side::BeforeTheClaim) => {}
            (Wish::Resume, Side::BeforeTheClaim) => self.held = Held::No,
            (Wish::Hold, Side::AfterTheClaim) => self.remedies = Brake::Applied,
            (Wish::Resume, Side::AfterTheClaim) => {
                self.rungs.overrule();
                if self.remedies == Brake::Applied {
                    self.remedies = Brake::Overruled;
                }
            }
            (Wish::Abort, _) => self.remedies = Brake::Aborted,
            (Wish::Retry | Wish::Elsewhere, _) => {}
        }
    }
    pub(super) fn drifted(&mut self, drift: Drift, policy: OnDrift) {
        match policy {
            OnDrift::Hold => self.held = Held::ByDrift(drift),
            OnDrift::PublishLatest => {}
        }
    }
    pub(super) fn published_elsewhere(&mut self) {
        self.held = Held::No;
    }
    pub(super) fn unavailable(&mut self, rung: Rung) {
        self.rungs.close(rung);
    }
    pub(super) fn braked(&mut self, rung: Option<Rung>) {
        match rung {
            Some(rung) => self.rungs.brake(rung),
            None => self.remedies = Brake::Applied,
        }
    }

    /// Whether somebody must approve the publish, and has.
    #[must_use]
    pub fn approval(&self) -> (Approval, Approved) {
        (self.approval, self.approved)
    }
    /// Whether the publish is held, by a person or because the schedule has drifted.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held != Held::No
    }
    /// What the publish waits for, as long as it has not been claimed.
    #[must_use]
    pub fn waits_for(&self) -> Option<Wait> {
        self.held.waits_for(self.approval, self.approved)
    }
    /// Whether remedies go on.
    #[must_use]
    pub fn remedies(&self) -> Brake {
        self.remedies
    }
    /// Whether the brake has stopped all remedies, or one of them, and a person may let it go on.
    #[must_use]
    pub fn is_braked(&self) -> bool {
        self.remedies == Brake::Applied || self.rungs.any_is_braked()
    }
}
