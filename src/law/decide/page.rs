//! The companions in agents' pages: they are given new tokens, they are heard, and they initialise softphones again.
//!
//! What goes to a page costs no call of the platform's API, so it waits for no budget and takes no room from what does.
//! Must never: take a page's silence for a good sign, or be needed: where no companion is, everything goes on without.

use super::{Work, cure, failure_in};
use crate::law::agent::Delivery;
use crate::law::command::{Command, Failure, FailureKind, Outcome};
use crate::law::event::{Blame, Event, Phase};
use crate::law::page::{Errand, PageAnswer, PageSeen, PageState};
use crate::law::verdict::{CallState, Rung};
use crate::words::clock::Timestamp;
use crate::words::id::{AgentId, Seat};

/// Whether a command is for a page.
pub(super) fn is_for_a_page(command: &Command) -> bool {
    matches!(command, Command::ReadPages { .. } | Command::TellPage { .. })
}

/// Hands a new token to the agent's page; true when somebody is to be waited for.
pub(super) fn hand_over(work: &mut Work, seat: Seat) -> bool {
    let mechanisms = &work.run.plan.mechanisms;
    if !mechanisms.companion {
        return false;
    }
    // After the publish a session that works is left alone: one that does not is opened anew by the page itself.
    let renews = mechanisms.renew_sessions && work.run.before_the_claim();
    tell(work, seat, if renews { Errand::Renew } else { Errand::Token });
    true
}

/// A process that took the run up does not know which tokens were on their way to their pages: those of which nobody has said
/// that they arrived are handed over again. A page that has a token already loses nothing by it.
pub(super) fn hand_over_again(work: &mut Work) {
    if !work.run.plan.mechanisms.companion || !takes_tokens(work.run.phase) {
        return;
    }
    let seats: Vec<Seat> = work.run.all_seats().filter(|seat| is_due(work, *seat)).collect();
    for seat in seats {
        hand_over(work, seat);
    }
}

/// An agent's page is there now: a token that found none before is handed over.
pub(super) fn came(work: &mut Work, agent: &AgentId) {
    let Some(seat) = work.run.seat_of(agent) else { return };
    if takes_tokens(work.run.phase) && is_due(work, seat) {
        hand_over(work, seat);
    }
}

/// Whether an agent's new token has not reached the page, and is not on its way there.
fn is_due(work: &Work, seat: Seat) -> bool {
    let is_told = || work.under_way(|c| matches!(c, Command::TellPage { seat: s, .. } if *s == seat));
    work.run.agent(seat).is_some_and(|agent| agent.delivery == Delivery::Due) && !is_told()
}

/// While a run is under way; after its end nobody hears what became of an errand.
fn takes_tokens(phase: Phase) -> bool {
    match phase {
        Phase::Refreshing | Phase::Preparing | Phase::Publishing | Phase::Checking => true,
        Phase::Waiting | Phase::Settling | Phase::Settled | Phase::Stopped | Phase::InDoubt => false,
    }
}

/// Tells the agent's page something, where companions are used at all.
pub(super) fn tell(work: &mut Work, seat: Seat, errand: Errand) {
    if work.run.plan.mechanisms.companion {
        work.ask(Command::TellPage { seat, errand });
    }
}

/// What to ask before a sweep over these agents.
pub(super) fn reads(work: &Work, seats: &[Seat]) -> Option<Command> {
    let read = || Command::ReadPages { seats: seats.to_vec(), since: work.now };
    work.run.plan.mechanisms.companion.then(read)
}

/// Whether the companions have still to answer.
pub(super) fn are_read(work: &Work) -> bool {
    work.under_way(|c| matches!(c, Command::ReadPages { .. }))
}

/// The companions were heard. Whoever was asked for and said nothing is unknown from now on.
pub(super) fn seen(work: &mut Work, seats: &[Seat], since: Timestamp, outcome: Outcome) {
    let heard = match outcome {
        Outcome::Pages(heard) => heard,
        other => {
            work.note(Event::ReadFailed { failure: failure_in(other) });
            Vec::new()
        }
    };
    let mut heard: Vec<PageSeen> = heard.into_iter().filter(|page| page.at >= since).collect();
    heard.sort_by_key(|page| page.seat);
    let silent = |seat: &Seat| {
        let known = work.run.agent(*seat).is_some_and(|agent| agent.signals.page != PageState::Unknown);
        (known && heard.binary_search_by_key(seat, |page| page.seat).is_err()).then_some(*seat)
    };
    let nothing = |seat| PageSeen { seat, state: PageState::Unknown, call: CallState::Unknown, at: work.now };
    let silent: Vec<PageSeen> = seats.iter().filter_map(silent).map(nothing).collect();
    let seen: Vec<PageSeen> = heard.into_iter().chain(silent).collect();
    if !seen.is_empty() {
        work.note(Event::PagesSeen { seen });
    }
}

/// What became of an errand.
pub(super) fn told(work: &mut Work, seat: Seat, errand: Errand, outcome: Outcome) {
    if let (Errand::Revive, Outcome::Failed(failure)) = (errand, &outcome) {
        // It has not left, and so is no attempt.
        cure::answered(work, Rung::Companion, vec![seat], Outcome::Failed(failure.clone()));
        return;
    }
    let answer = match outcome {
        Outcome::PageTold(answer) => answer,
        other => PageAnswer::Failed { why: failure_in(other).to_string() },
    };
    work.note(Event::PageTold { seat, errand, answer: answer.clone() });
    match errand {
        // The token counts as refreshed whatever the page says: the platform has given it.
        Errand::Token | Errand::Renew => cure::token_answered(work, seat, Blame::Nobody),
        Errand::Revive => revived(work, seat, answer),
        Errand::AskToReload | Errand::AskToSignIn => {}
    }
}

fn revived(work: &mut Work, seat: Seat, answer: PageAnswer) {
    let (rung, seats) = (Rung::Companion, vec![seat]);
    let failure = |kind| Failure::plain(kind, answer.words());
    match answer {
        PageAnswer::Done | PageAnswer::Deferred => cure::answered(work, rung, seats, Outcome::RemedyAccepted),
        // Nobody was there to try it.
        PageAnswer::NoPage => cure::failed(work, rung, seats, failure(FailureKind::Local), Blame::Nobody),
        PageAnswer::Failed { .. } => cure::failed(work, rung, seats, failure(FailureKind::Local), Blame::Rung),
        PageAnswer::NoAnswer => {
            let silent = Failure::plain(FailureKind::NoAnswer, "the page has not answered");
            cure::failed(work, rung, seats, silent, Blame::Nobody);
        }
    }
}
