//! How a run stands, in an admin's words: one sentence, then what happened, what it means, and what to do next.
//!
//! Must never: call a publish done that was not seen done, or leave an ending without a next step.

use crate::law::event::{Phase, StopKind, Wait};
use crate::law::verdict::Rung;
use crate::shells::report::control::Side;
use crate::shells::report::facts::{Ending, PublishStanding};
use crate::shells::report::needs::{Needs, needs};
use crate::shells::report::story::Story;
use crate::shells::report::story::gate::Gate;
use crate::shells::report::words::{count, counted, duration, list, offset};

/// How loud an ending is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing is left to be done.
    Calm,
    /// Somebody should do something.
    Attention,
    /// The publish did not happen, or nobody knows.
    Alarm,
}

impl Tone {
    /// The tone's name, for styles.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Tone::Calm => "calm",
            Tone::Attention => "attention",
            Tone::Alarm => "alarm",
        }
    }
}

/// What is said about a run as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How loud.
    pub tone: Tone,
    /// The answer in one or two sentences.
    pub headline: String,
    /// What it means, one sentence each.
    pub meaning: Vec<String>,
    /// What to do next, one step each.
    pub next: Vec<String>,
}

/// The answer that a story gives.
#[must_use]
pub fn answer(story: &Story) -> Answer {
    match story.ending() {
        Ending::Open(phase) => open(story, phase),
        Ending::Settled => settled(story),
        Ending::Stopped { kind, why } => stopped(story, kind, &why),
        Ending::InDoubt => in_doubt(story),
    }
}

/// The publish in one sentence, without its full stop.
#[must_use]
pub fn publish_words(story: &Story) -> String {
    let publish = &story.publish;
    match (publish.standing(), publish.sent()) {
        (PublishStanding::Confirmed, Some((at, late_ms))) => {
            let at = story.zone.moment(at);
            let took = publish.took_ms().map(|ms| format!(", complete after {}", duration(ms))).unwrap_or_default();
            format!("Published once at {at} ({}){took}", offset(late_ms))
        }
        (PublishStanding::Confirmed, None) if publish.elsewhere.is_some() => {
            "Published by somebody else; nothing was sent".to_owned()
        }
        (PublishStanding::Confirmed, None) => "The schedule was seen published".to_owned(),
        (PublishStanding::Open, Some((at, _))) => {
            format!("The publish was sent at {}; it was not seen complete", story.zone.moment(at))
        }
        (PublishStanding::NotDone, _) => "The publish was sent and had no effect".to_owned(),
        (PublishStanding::NotSent, _) if matches!(story.ending(), Ending::Open(_)) => {
            "The schedule is not published yet".to_owned()
        }
        (PublishStanding::NotSent | PublishStanding::Open, _) => "The schedule was not published".to_owned(),
    }
}

/// Who can take calls: `520 of 540 softphones are ready`.
#[must_use]
pub fn ready_words(story: &Story) -> String {
    let all = story.agents.len() as u64;
    let able = u64::from(story.counts.able());
    if able == all {
        format!("All {} are ready", counted(all, "softphone", "softphones"))
    } else {
        format!("{} of {} softphones {} ready", count(able), count(all), if able == 1 { "is" } else { "are" })
    }
}

/// The remedies that cured somebody, the most frequent first: `81 session reset, 21 station re-association`.
#[must_use]
pub fn cures_words(story: &Story) -> String {
    let mut cures: Vec<(Rung, u32)> =
        Rung::ALL.into_iter().zip(story.rungs).map(|(rung, s)| (rung, s.cured)).filter(|(_, n)| *n > 0).collect();
    cures.sort_by_key(|(rung, n)| (std::cmp::Reverse(*n), *rung));
    cures.iter().map(|(rung, n)| format!("{} {}", count(u64::from(*n)), rung.words())).collect::<Vec<_>>().join(", ")
}

/// Deferred agents: on a call, and logged out.
#[must_use]
pub fn deferred(story: &Story) -> (u32, u32) {
    let all = story.counts.tally.deferred;
    (story.counts.on_call, all.saturating_sub(story.counts.on_call))
}

fn open(story: &Story, phase: Phase) -> Answer {
    let headline = match phase {
        Phase::Waiting => format!("Staged for {}.", story.zone.moment(story.publish_at())),
        Phase::Refreshing | Phase::Preparing | Phase::Publishing | Phase::Checking | Phase::Settling => {
            format!("Under way: {}. {}.", phase.words(), publish_words(story))
        }
        Phase::Settled | Phase::Stopped | Phase::InDoubt => format!("{}.", publish_words(story)),
    };
    let mut meaning = vec!["The run has not ended; this shows it as it was when it was last recorded.".to_owned()];
    let mut next = vec!["If no process carries it on, start the run again: it goes on where it stopped.".to_owned()];
    if let Some(need) = needs(story) {
        let what = match story.side() {
            Side::BeforeTheClaim => "The publish waits",
            Side::AfterTheClaim if need.what == Needs::Resume => "Remedies are stopped",
            Side::AfterTheClaim => "A person should look",
        };
        meaning.insert(0, format!("{what}: {}.", need.why.trim_end_matches('.')));
        next.insert(0, need.step().to_owned());
    }
    Answer { tone: Tone::Attention, headline, meaning, next }
}

fn settled(story: &Story) -> Answer {
    let tally = story.counts.tally;
    let (on_call, logged_out) = deferred(story);
    let unseen = tally.unknown + story.counts.unjudged;
    let mut parts = Vec::new();
    let mut part = |n: u32, one: &str, many: &str| {
        if n > 0 {
            parts.push(format!("{} {}", count(u64::from(n)), if n == 1 { one } else { many }));
        }
    };
    part(tally.stragglers, "needs a person", "need a person");
    part(on_call, "was on a call and not touched", "were on a call and not touched");
    part(logged_out, "was logged out", "were logged out");
    part(unseen, "could not be seen", "could not be seen");
    let rest = if parts.is_empty() { Vec::new() } else { vec![format!("Of the others, {}.", list(&parts))] };
    let calm = tally.stragglers == 0 && unseen == 0 && on_call == 0 && story.refresh.dead == 0;
    Answer {
        tone: if calm { Tone::Calm } else { Tone::Attention },
        headline: format!("{}. {}.", publish_words(story), ready_words(story)),
        meaning: rest,
        next: settled_next(story, on_call, logged_out, unseen),
    }
}

fn settled_next(story: &Story, on_call: u32, logged_out: u32, unseen: u32) -> Vec<String> {
    let mut next = Vec::new();
    let agents = |n: u32| counted(u64::from(n), "agent", "agents");
    if story.counts.tally.stragglers > 0 {
        let n = story.counts.tally.stragglers;
        next.push(format!(
            "Ask {} to reload the browser page (hard refresh) before the shift starts; the reason stands with each name.",
            counted(u64::from(n), "straggler", "stragglers")
        ));
    }
    if story.refresh.dead > 0 {
        next.push(format!(
            "Ask {} to sign in to the organisation's app again: the refresh token is dead.",
            agents(story.refresh.dead)
        ));
    }
    if on_call > 0 {
        next.push(format!("Look at {} when the call has ended: nobody on a call is touched.", agents(on_call)));
    }
    if unseen > 0 {
        next.push(format!("Look at {} by hand: the platform did not say enough.", agents(unseen)));
    }
    if logged_out > 0 {
        next.push(format!(
            "Nothing for {} who {} logged out: a new login brings a new session.",
            agents(logged_out),
            if logged_out == 1 { "was" } else { "were" }
        ));
    }
    next
}

fn stopped(story: &Story, kind: StopKind, why: &str) -> Answer {
    let standing = story.publish.standing();
    let mut meaning = vec![match standing {
        PublishStanding::NotSent => "The schedule was not published: nothing was sent.".to_owned(),
        PublishStanding::NotDone => {
            "The schedule was not published: the platform refused it, and that is proven.".to_owned()
        }
        PublishStanding::Open => "The publish may have happened: it was sent, and its effect was not seen.".to_owned(),
        PublishStanding::Confirmed => format!("{}.", publish_words(story)),
    }];
    if story.refresh.done > 0 {
        let agents = counted(u64::from(story.refresh.done), "agent", "agents");
        meaning.push(format!("Tokens of {agents} were refreshed before; that does no harm and need not be undone."));
    }
    let (what, step) = match kind {
        StopKind::Vetoed => ("A hook said no", "Settle what the hook objects to, then stage the publish again."),
        StopKind::Drifted => (
            "The schedule is not what was staged",
            "Look at who changed the schedule and why, then stage it again with its present version.",
        ),
        StopKind::Missed => ("The instant was missed", missed_step(story)),
        StopKind::Aborted => ("Aborted by a person", "Stage the publish again when it is wanted."),
        StopKind::Refused => (
            "The platform refused the publish",
            "Read the reason; a missing permission or a stale version must be settled first. Then stage again.",
        ),
    };
    let mut next = vec![step.to_owned()];
    match standing {
        PublishStanding::Open => {
            next.insert(0, "Look at the schedule in the platform before anything else is published.".to_owned());
        }
        PublishStanding::Confirmed => {
            next = vec!["Check the softphones that have no good verdict below by hand.".to_owned()];
        }
        PublishStanding::NotSent | PublishStanding::NotDone => {}
    }
    let why = why.trim_end_matches('.');
    Answer { tone: Tone::Alarm, headline: format!("Stopped. {what}: {why}."), meaning, next }
}

/// Who was waited for in vain, or that nothing was running.
fn missed_step(story: &Story) -> &'static str {
    match story.gate.as_ref().and_then(Gate::waits_for) {
        Some(Wait::Approval) => {
            "Nobody approved it in time: stage the publish again for a new instant, and approve it."
        }
        Some(Wait::Resume | Wait::Drift) => {
            "Nobody let it go on in time: settle what it was held for, then stage the publish again for a new instant."
        }
        None if story.reads_failed.0 > 0 => {
            "Settle what the platform refused or why it could not be asked, then stage the publish again for a new instant."
        }
        None => "Find out why nothing ran in time, then stage the publish again for a new instant.",
    }
}

fn in_doubt(story: &Story) -> Answer {
    let claim = story.publish.claim().map(|c| story.zone.moment(c.at)).unwrap_or_else(|| "T".to_owned());
    let looked = story.publish.unconfirmed.map(|(_, ms)| format!(" It was looked for during {}.", duration(ms)));
    Answer {
        tone: Tone::Alarm,
        headline: format!(
            "In doubt. The publish was sent at {claim}, but the schedule was not seen published.{}",
            looked.unwrap_or_default()
        ),
        meaning: vec![
            "It may have happened, it may happen yet, or it may never happen; nobody can tell from here.".to_owned(),
            "It was sent once and is not sent again: a second publish could do more harm than none.".to_owned(),
        ],
        next: vec![
            "Look at the schedule in the platform: is it published?".to_owned(),
            "If it is, start this run again (`softlanding run RUN`): it looks first, and then checks the softphones."
                .to_owned(),
            "If it is not and stays so, stage the publish again.".to_owned(),
        ],
    }
}
