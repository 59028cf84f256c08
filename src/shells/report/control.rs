//! What people told a run, and what the publish waited for, in words: one wording for every face.
//!
//! Must never: judge; who, when and why stand as they were recorded.

use crate::law::command::Concern;
use crate::law::event::Event;
use crate::law::order::Wish;
use crate::law::plan::{OnDrift, StagedBy};
use crate::shells::report::words::{clean, duration};
use crate::words::id::AgentId;

/// On which side of the publish's claim an order finds a run: after it, the publish cannot be called back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Nothing has been sent.
    BeforeTheClaim,
    /// The publish has been made, or may have been.
    AfterTheClaim,
}

/// The line for an event that a person has a part in, or should have; `None` for every other.
#[must_use]
pub fn control_words(event: &Event, side: Side) -> Option<String> {
    words_with(event, side, |agent| format!("agent {agent}"))
}

/// The same, with the name by which people know an agent.
pub(super) fn words_with(event: &Event, side: Side, name: impl Fn(&AgentId) -> String) -> Option<String> {
    let whom = |agent: &Option<AgentId>| agent.as_ref().map(|agent| format!(" {}", name(agent))).unwrap_or_default();
    match event {
        Event::Ordered { wish, agent, who, why, .. } => {
            let (done, means) = (done(*wish), what_it_means(*wish, side));
            Some(format!("{done}{} by {}: {}{means}", whom(agent), clean(who), clean(why)))
        }
        Event::OrderRefused { wish, agent, who, because, .. } => {
            Some(format!("{}{} by {} came to nothing: {because}", wish.words(), whom(agent), clean(who)))
        }
        Event::OrderUnread { order, why } => {
            Some(format!("order {} cannot be read and came to nothing: {}", order.0, clean(why)))
        }
        Event::Drifted { drift, policy } => {
            let then = match policy {
                OnDrift::Hold => "held until somebody decides",
                OnDrift::PublishLatest => "the plan takes what is there now",
            };
            Some(format!("{}; {then}", drift.words()))
        }
        Event::PublishWaits { wait } => Some(format!("the publish waits: {}", wait.words())),
        Event::PublishLate { late_ms, why } => {
            Some(format!("the publish is late by {}: {}", duration(*late_ms), clean(why)))
        }
        Event::PublishedElsewhere { version } => {
            Some(format!("published by somebody else, version {version}: nothing is sent, the agents are checked"))
        }
        Event::Staged { plan } => plan.policy.staged_by.as_ref().map(|StagedBy { who, why }| match why {
            Some(why) => format!("staged by {}: {}", clean(who), clean(why)),
            None => format!("staged by {}", clean(who)),
        }),
        Event::TakenUp
        | Event::PhaseEntered { .. }
        | Event::HooksRan { .. }
        | Event::RefreshStarted { .. }
        | Event::TokenRefreshed { .. }
        | Event::RefreshFailed { .. }
        | Event::TokenLeft { .. }
        | Event::TokenDead { .. }
        | Event::RungUnavailable { .. }
        | Event::ProbeUnavailable { .. }
        | Event::ScheduleSeen { .. }
        | Event::PublishSent { .. }
        | Event::PublishClaimed { .. }
        | Event::PublishAccepted { .. }
        | Event::PublishNotDone { .. }
        | Event::PublishDoubted { .. }
        | Event::PublishConfirmed { .. }
        | Event::PublishUnconfirmed { .. }
        | Event::UsersSeen { .. }
        | Event::PhonesSeen { .. }
        | Event::PhonesAbsent { .. }
        | Event::Probed { .. }
        | Event::PagesSeen { .. }
        | Event::PageTold { .. }
        | Event::ReadFailed { .. }
        | Event::Watched { .. }
        | Event::Pushed { .. }
        | Event::Preflighted { .. }
        | Event::Spent { .. }
        | Event::Judged { .. }
        | Event::RemedyStarted { .. }
        | Event::RemedyAccepted { .. }
        | Event::RemedyFailed { .. }
        | Event::BrakeApplied { .. }
        | Event::Settled { .. }
        | Event::Stopped { .. } => None,
    }
}

/// What the preflight found, in words.
#[must_use]
pub fn concern_words(concern: &Concern) -> String {
    let fix = concern.fix.as_ref().map(|fix| format!("; {}", clean(fix))).unwrap_or_default();
    format!("preflight: {}: {}{fix}", clean(&concern.what), clean(&concern.words))
}

/// What an order cannot do any more is said where it is told.
fn what_it_means(wish: Wish, side: Side) -> &'static str {
    match (side, wish) {
        (Side::BeforeTheClaim, _) | (Side::AfterTheClaim, Wish::Approve | Wish::Retry | Wish::Elsewhere) => "",
        (Side::AfterTheClaim, Wish::Hold) => "; the publish stands, no remedy is begun until somebody resumes",
        (Side::AfterTheClaim, Wish::Resume) => "; remedies go on",
        (Side::AfterTheClaim, Wish::Abort) => "; the publish stands, no more remedies are begun",
    }
}

fn done(wish: Wish) -> &'static str {
    match wish {
        Wish::Approve => "approved",
        Wish::Hold => "held",
        Wish::Resume => "resumed",
        Wish::Abort => "aborted",
        Wish::Retry => "re-tried",
        Wish::Elsewhere => "reported published",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::order::OrderId;

    #[test]
    fn who_and_why_stand_in_the_line() {
        let (who, why) = ("ann@ops".to_owned(), "the board has met".to_owned());
        let approved = Event::Ordered { order: OrderId(1), wish: Wish::Approve, agent: None, who, why };
        assert_eq!(control_words(&approved, Side::BeforeTheClaim).unwrap(), "approved by ann@ops: the board has met");
        assert_eq!(control_words(&Event::TakenUp, Side::BeforeTheClaim), None);
    }

    #[test]
    fn an_order_that_comes_after_the_publish_says_what_it_cannot_do_any_more() {
        let words = |wish, side| {
            let (who, why) = ("ann".to_owned(), "storm".to_owned());
            control_words(&Event::Ordered { order: OrderId(1), wish, agent: None, who, why }, side).unwrap()
        };
        assert_eq!(words(Wish::Abort, Side::BeforeTheClaim), "aborted by ann: storm");
        let after = words(Wish::Abort, Side::AfterTheClaim);
        assert_eq!(after, "aborted by ann: storm; the publish stands, no more remedies are begun");
        assert!(words(Wish::Hold, Side::AfterTheClaim).contains("until somebody resumes"));
    }
}
