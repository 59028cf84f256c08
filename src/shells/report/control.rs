//! What people told a run, and what the publish waited for, in words: one wording for every face.
//!
//! Must never: judge; who, when and why stand as they were recorded.

use crate::law::event::Event;
use crate::law::order::Wish;
use crate::law::plan::OnDrift;
use crate::shells::report::words::{clean, duration};

/// The line for an event that a person has a part in, or should have; `None` for every other.
#[must_use]
pub fn control_words(event: &Event) -> Option<String> {
    match event {
        Event::Ordered { wish, who, why, .. } => Some(format!("{} by {}: {}", done(*wish), clean(who), clean(why))),
        Event::OrderRefused { wish, who, because, .. } => {
            Some(format!("{} by {} came to nothing: {because}", wish.words(), clean(who)))
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
        Event::Staged { .. }
        | Event::TakenUp
        | Event::PhaseEntered { .. }
        | Event::HooksRan { .. }
        | Event::RefreshStarted { .. }
        | Event::TokenRefreshed { .. }
        | Event::RefreshFailed { .. }
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
        | Event::ReadFailed { .. }
        | Event::Judged { .. }
        | Event::RemedyStarted { .. }
        | Event::RemedyAccepted { .. }
        | Event::RemedyFailed { .. }
        | Event::BrakeApplied { .. }
        | Event::Settled { .. }
        | Event::Stopped { .. } => None,
    }
}

fn done(wish: Wish) -> &'static str {
    match wish {
        Wish::Approve => "approved",
        Wish::Hold => "held",
        Wish::Resume => "resumed",
        Wish::Abort => "aborted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::order::OrderId;

    #[test]
    fn who_and_why_stand_in_the_line() {
        let (who, why) = ("ann@ops".to_owned(), "the board has met".to_owned());
        let approved = Event::Ordered { order: OrderId(1), wish: Wish::Approve, who, why };
        assert_eq!(control_words(&approved).unwrap(), "approved by ann@ops: the board has met");
        assert_eq!(control_words(&Event::TakenUp), None);
    }
}
