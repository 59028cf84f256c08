//! What people want of a run, and what becomes of a schedule that has drifted: how far it changes the run.
//!
//! Must never: change anything but by an event; `Run::apply` is the only one that calls it.

use super::{Approved, Brake, Elsewhere, Held, PublishState, Run};
use crate::law::agent::Agent;
use crate::law::event::{Drift, Phase};
use crate::law::order::Wish;
use crate::law::plan::OnDrift;
use crate::words::id::AgentId;

impl Run {
    /// Whether the publish may still be claimed: it never was, or it is proven not done and will be tried again. Until then it
    /// can be held and called back.
    #[must_use]
    pub fn before_the_claim(&self) -> bool {
        self.phase < Phase::Publishing
            || self.phase == Phase::Publishing && matches!(self.publish, PublishState::NotDone { again_at: Some(_) })
    }

    pub(super) fn apply_wish(&mut self, wish: Wish, agent: Option<&AgentId>) {
        let before_the_claim = self.before_the_claim();
        match wish {
            Wish::Approve => self.approved = Approved::Yes,
            // What the drift asks for must not be forgotten: whoever resumes decides about it as well.
            Wish::Hold if before_the_claim && self.held != Held::No => {}
            Wish::Hold if before_the_claim => self.held = Held::ByPerson,
            Wish::Hold => self.brake = Brake::Applied,
            Wish::Resume if before_the_claim => self.accept(),
            Wish::Resume => {
                self.open.overrule();
                // Where only single rungs were stopped, an outage is still to be noticed.
                if self.brake == Brake::Applied {
                    self.brake = Brake::Overruled;
                }
            }
            // Before the claim the run stops, which is an event of its own.
            Wish::Abort => self.brake = Brake::Aborted,
            Wish::Elsewhere => self.elsewhere = Elsewhere::Told,
            Wish::Retry => {
                if let Some(seat) = agent.and_then(|agent| self.seat_of(agent)) {
                    self.with(seat, Agent::begin_anew);
                }
            }
        }
    }

    /// What was held goes on: with the version that was found, or after another look.
    fn accept(&mut self) {
        if let Held::ByDrift(Drift::Changed { version }) = self.held {
            self.version = version;
        }
        if self.held != Held::ByPerson {
            self.preflight_at = None;
        }
        self.held = Held::No;
    }

    pub(super) fn apply_drift(&mut self, drift: Drift, policy: OnDrift) {
        match (drift, policy) {
            (_, OnDrift::Hold) => self.held = Held::ByDrift(drift),
            (Drift::Changed { version }, OnDrift::PublishLatest) => self.version = version,
            (Drift::Published { .. } | Drift::Vanished, OnDrift::PublishLatest) => {}
        }
    }
}
