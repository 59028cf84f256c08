//! What a run needs of a person, and why: one wording for the terminal, the API, the dashboard and the reports.
//!
//! Must never: ask for what the run would refuse, or keep quiet about what it waits for.

use serde::Serialize;
use utoipa::ToSchema;

use crate::law::event::{Phase, Wait};
use crate::law::plan::Approval;
use crate::law::run::{Approved, Brake};
use crate::shells::report::control::Side;
use crate::shells::report::facts::Ending;
use crate::shells::report::story::Story;
use crate::shells::report::story::gate::Gate;

/// What is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// That it is approved.
    Approval,
    /// That it is told to go on.
    Resume,
    /// That somebody looks.
    Look,
}

impl Needs {
    /// What is needed, in a few words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Needs::Approval => "waits for approval",
            Needs::Resume => "waits for somebody to resume",
            Needs::Look => "a person should look",
        }
    }
}

/// What is needed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What.
    pub what: Needs,
    /// Why: a fragment of a sentence.
    pub why: String,
}

impl Need {
    fn new(what: Needs, why: &str) -> Need {
        Need { what, why: why.to_owned() }
    }
    /// What to do about it, in one sentence.
    #[must_use]
    pub fn step(&self) -> &'static str {
        match self.what {
            Needs::Approval => {
                "Approve it, if it may be published: `softlanding approve RUN --why …`. Without that it is missed."
            }
            Needs::Resume => {
                "Find out why, then let it go on: `softlanding resume RUN --why …`, or end it with `abort`."
            }
            Needs::Look => "Look at it in the platform.",
        }
    }
}

/// Whether somebody must approve a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Nobody must.
    NotNeeded,
    /// Nobody has so far.
    Missing,
    /// Somebody has.
    Given,
}

impl ApprovalState {
    /// The same in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            ApprovalState::NotNeeded => "needs no approval",
            ApprovalState::Missing => "not approved",
            ApprovalState::Given => "approved",
        }
    }
}

/// Whether somebody must approve the publish, and has.
#[must_use]
pub fn approval(story: &Story) -> ApprovalState {
    match story.gate.as_ref().map(Gate::approval) {
        Some((_, Approved::Yes)) => ApprovalState::Given,
        Some((Approval::Required, Approved::NotYet)) => ApprovalState::Missing,
        Some((Approval::NotNeeded, Approved::NotYet)) | None => ApprovalState::NotNeeded,
    }
}

/// Whether the publish is held or, after it, the remedies.
#[must_use]
pub fn is_held(story: &Story) -> bool {
    match (story.ending(), story.side()) {
        (Ending::Settled | Ending::Stopped { .. } | Ending::InDoubt | Ending::Open(Phase::Settling), _) => false,
        (Ending::Open(_), Side::BeforeTheClaim) => story.gate.as_ref().is_some_and(Gate::is_held),
        (Ending::Open(_), Side::AfterTheClaim) => story.remedies() == Brake::Applied,
    }
}

/// What the run needs now; `None` for nothing.
#[must_use]
pub fn needs(story: &Story) -> Option<Need> {
    match story.ending() {
        Ending::Stopped { .. } => None,
        Ending::InDoubt => Some(Need::new(
            Needs::Look,
            "nobody knows whether the publish was made: look at the schedule in the platform",
        )),
        Ending::Settled | Ending::Open(Phase::Settling) => left_over(story),
        Ending::Open(_) => match story.side() {
            Side::BeforeTheClaim => story.gate.as_ref()?.waits_for().map(waits),
            Side::AfterTheClaim => under_way(story),
        },
    }
}

fn left_over(story: &Story) -> Option<Need> {
    match (story.counts.tally.stragglers, story.counts.tally.unknown) {
        (0, 0) => None,
        (0, _) => Some(Need::new(Needs::Look, "of some agents not enough could be seen")),
        (_, _) => Some(Need::new(Needs::Look, "some softphones cannot take a call")),
    }
}

fn waits(wait: Wait) -> Need {
    match wait {
        Wait::Approval => Need::new(Needs::Approval, wait.words()),
        Wait::Resume | Wait::Drift => Need::new(Needs::Resume, wait.words()),
    }
}

fn under_way(story: &Story) -> Option<Need> {
    if story.gate.as_ref()?.is_braked() {
        let why = story.brakes.items.last().map_or("remedies are held", |brake| &*brake.why);
        return Some(Need::new(Needs::Resume, why));
    }
    let is_doubted = story.publish.confirmed.is_none() && story.publish.is_doubted();
    is_doubted.then(|| Need::new(Needs::Look, "the answer to the publish was lost, and it is being looked for"))
}
