//! What is worth a line of its own while a run goes on: phases, the facts of the publish, brakes, hooks that failed.
//!
//! Must never: write a line per agent; that is bounded elsewhere, and 100,000 lines inform nobody.

use crate::law::event::{Event, Phase, Record};
use crate::law::plan::Plan;
use crate::law::verdict::Verdict;
use crate::shells::report::agent::verdict_words;
use crate::shells::report::control::concern_words;
use crate::shells::report::ending::{answer, publish_words, ready_words};
use crate::shells::report::story::{Story, Turn};
use crate::shells::report::words::{clean, count, counted, cut, duration, offset};
use crate::words::hook::{HookPoint, HookRun};

/// The lines that a record deserves, without its time; the story has heard it already.
#[must_use]
pub fn notices(record: &Record, story: &Story) -> Vec<String> {
    match &record.event {
        Event::Staged { plan } => {
            std::iter::once(staged(plan, story)).chain(story.control_words(&record.event)).collect()
        }
        Event::TakenUp => {
            let is_again = story.taken_up.total() > 1;
            if is_again { vec!["taken up again after its process had ended".to_owned()] } else { Vec::new() }
        }
        Event::PhaseEntered { phase } => phase_notice(*phase, story).into_iter().collect(),
        Event::HooksRan { point, results, .. } => hooks(*point, results),
        Event::RungUnavailable { rung, failure } => {
            vec![format!("{} is not offered here, going on without it: {}", rung.words(), clean(&failure.to_string()))]
        }
        Event::ProbeUnavailable { failure } => {
            vec![format!("the media-token probe is not offered here: {}", clean(&failure.to_string()))]
        }
        Event::PublishClaimed { attempt, late_ms } => {
            vec![format!("publish: sending it, claim {attempt}, {} after T", offset(*late_ms))]
        }
        Event::PublishAccepted { .. } => vec!["publish: the platform took it and works on it".to_owned()],
        Event::PublishNotDone { failure, again_at, .. } => {
            let again = match again_at {
                Some(at) => format!("; again at {}", story.zone.clock(*at)),
                None => "; not tried again".to_owned(),
            };
            vec![format!("publish: had no effect: {}{again}", clean(&failure.to_string()))]
        }
        Event::PublishDoubted { why, .. } => {
            vec![format!("publish: in doubt ({}); looking, not repeating", clean(why))]
        }
        Event::PublishConfirmed { .. } => vec![format!("{}.", publish_words(story))],
        Event::PublishUnconfirmed { looked_ms } => {
            vec![format!("publish: not seen published within {}; a person must look", duration(*looked_ms))]
        }
        // The first, and then ever fewer: what goes on failing must not fill the log.
        Event::ReadFailed { failure } => {
            let so_far = story.reads_failed.0;
            let is_told = so_far > 0 && 10_u64.pow(so_far.ilog10()) == so_far;
            let words = || format!("reads fail, {} so far: {}", count(so_far), clean(&failure.to_string()));
            is_told.then(words).into_iter().collect()
        }
        Event::BrakeApplied { rung, why } => {
            let what = rung.map_or("all remedies", |rung| rung.words());
            vec![format!("brake: {what} stopped: {}", clean(why))]
        }
        Event::Ordered { .. }
        | Event::OrderRefused { .. }
        | Event::OrderUnread { .. }
        | Event::Drifted { .. }
        | Event::PublishWaits { .. }
        | Event::PublishLate { .. }
        | Event::PublishedElsewhere { .. } => story.control_words(&record.event).into_iter().collect(),
        Event::PublishSent { late_ms, .. } => vec![format!("publish: the request left {} after T", offset(*late_ms))],
        Event::Preflighted { concerns } => concerns.iter().map(concern_words).collect(),
        Event::Settled { .. } => vec![format!("settled: {}", ready_words(story))],
        Event::Stopped { .. } => vec![answer(story).headline],
        Event::RefreshStarted { .. }
        | Event::TokenRefreshed { .. }
        | Event::RefreshFailed { .. }
        | Event::TokenLeft { .. }
        | Event::TokenDead { .. }
        | Event::ScheduleSeen { .. }
        | Event::UsersSeen { .. }
        | Event::PhonesSeen { .. }
        | Event::PhonesAbsent { .. }
        | Event::Probed { .. }
        | Event::PagesSeen { .. }
        | Event::PageTold { .. }
        | Event::Watched { .. }
        | Event::Pushed { .. }
        | Event::Spent { .. }
        | Event::Judged { .. }
        | Event::RemedyStarted { .. }
        | Event::RemedyAccepted { .. }
        | Event::RemedyFailed { .. } => Vec::new(),
    }
}

/// What a change of verdict means to somebody who watches for stragglers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// One more straggler.
    Straggler,
    /// A straggler can take calls again.
    Cured,
    /// Nothing for the list of stragglers.
    Other,
}

/// Whether a turn finds a straggler, cures one, or neither.
#[must_use]
pub fn found(turn: &Turn) -> Found {
    match (turn.before, turn.after) {
        (Some(Verdict::Straggler { .. }), Verdict::Straggler { .. }) => Found::Other,
        (_, Verdict::Straggler { .. }) => Found::Straggler,
        (_, Verdict::Recovered { .. }) | (Some(Verdict::Straggler { .. }), Verdict::Ready) => Found::Cured,
        (_, Verdict::Ready | Verdict::Deferred { .. } | Verdict::Unknown { .. }) => Found::Other,
    }
}

/// A turn as a line: who, and what; `None` for a turn that is not about a straggler.
#[must_use]
pub fn turn_line(turn: &Turn, story: &Story) -> Option<String> {
    let (member, agent) = story.agent(turn.seat)?;
    let name = cut(&clean(&member.name), 40);
    match found(turn) {
        Found::Straggler => {
            let reason = agent.first_not_ready.map_or("not ready", |(_, reason)| reason.words());
            Some(format!("straggler: {name}, {reason}"))
        }
        Found::Cured => {
            let after = match (agent.first_not_ready, agent.ready_at) {
                (Some((from, _)), Some(to)) => format!(", after {}", duration(to.since_ms(from))),
                (_, _) => String::new(),
            };
            Some(format!("cured: {name}, {}{after}", verdict_words(Some(turn.after))))
        }
        Found::Other => None,
    }
}

/// How many stand where, in one line.
#[must_use]
pub fn count_line(story: &Story) -> String {
    let n = |n: u32| count(u64::from(n));
    match story.phase() {
        Phase::Refreshing | Phase::Preparing => {
            let refresh = story.refresh;
            format!(
                "tokens: {} of {} refreshed, {} given up, {} dead",
                n(refresh.done),
                n(refresh.enrolled),
                n(refresh.failed),
                n(refresh.dead)
            )
        }
        Phase::Waiting
        | Phase::Publishing
        | Phase::Checking
        | Phase::Settling
        | Phase::Settled
        | Phase::Stopped
        | Phase::InDoubt => {
            let tally = story.counts.tally;
            format!(
                "checked {} of {}: {} ready, {} recovered, {} deferred, {} not ready, {} unknown",
                n(story.counts.judged()),
                count(story.agents.len() as u64),
                n(tally.ready),
                n(tally.recovered),
                n(tally.deferred),
                n(tally.stragglers),
                n(tally.unknown)
            )
        }
    }
}

fn staged(plan: &Plan, story: &Story) -> String {
    format!(
        "staged: {}, week of {}, \"{}\" version {}, {}; publish at {}",
        cut(&clean(&plan.business_unit.name), 60),
        plan.week,
        cut(&clean(&plan.schedule.description), 60),
        plan.schedule.version,
        counted(plan.roster.len() as u64, "agent", "agents"),
        story.zone.moment(plan.publish_at)
    )
}

fn phase_notice(phase: Phase, story: &Story) -> Option<String> {
    match phase {
        Phase::Waiting => None,
        Phase::Refreshing => {
            let enrolled = counted(u64::from(story.refresh.enrolled), "agent", "agents");
            Some(format!("refresh: tokens of {enrolled} can be refreshed before T"))
        }
        Phase::Preparing => Some("prepare: last look at the schedule, hooks, upload".to_owned()),
        Phase::Publishing => None,
        Phase::Checking => {
            let all = counted(story.agents.len() as u64, "softphone", "softphones");
            Some(format!("check: {all}; stragglers are helped as they are found"))
        }
        Phase::Settling => Some("settle: last hooks".to_owned()),
        Phase::Settled | Phase::Stopped => None,
        Phase::InDoubt => Some(answer(story).headline),
    }
}

fn hooks(point: HookPoint, results: &[HookRun]) -> Vec<String> {
    results
        .iter()
        .filter_map(|result| {
            let problem = result.problem()?;
            let name = cut(&clean(&result.name), 60);
            Some(format!("hook {}.d/{name}: {}", point.as_str(), clean(&problem)))
        })
        .collect()
}
