//! What will happen by itself, and when: the twin's only motor.
//!
//! Must never: run on its own; `advance` is called with a time.

use std::cmp::Reverse;

use super::world::{CallState, Twin};
use crate::words::clock::Timestamp;

/// Something that is due at some instant. Numbers are seats in the twin's own lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Login(usize),
    CallStart(usize),
    CallEnd(usize),
    /// A schedule update completes.
    Complete(usize),
    /// The sockets of everybody in the business unit are cut.
    Cut(usize),
    Reconnect(usize),
    /// A refreshed token (second) reaches the agent's page (first).
    HandOver(usize, usize),
    /// The companion initialises the agent's softphone anew, once its call has ended.
    Revive(usize),
    StationSettles(usize),
    ResetDone(usize),
    RebootDone(usize),
    /// The agent notices a softphone that has been grey since then.
    Notice(usize, Timestamp),
    /// The page's token expires.
    Expires(usize),
    /// A late notification, by its number, arrives.
    Arrives(u64),
    /// The socket of a channel closes.
    SocketCloses(usize),
    /// A remedy that was not about the agent leaves its softphone dead.
    CutForGood(usize),
    /// A remedy that was not about the agent leaves its phone offline.
    PhoneDrops(usize),
}

/// An entry of the agenda: earlier first, and in order of entry at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub at: Timestamp,
    pub serial: u64,
    pub due: Due,
}

impl Twin {
    /// Puts something on the agenda.
    pub(super) fn schedule(&mut self, at: Timestamp, due: Due) {
        self.agenda_serial += 1;
        self.agenda.push(Reverse(Entry { at, serial: self.agenda_serial, due }));
    }

    /// Puts something on the agenda, so many seconds from now.
    pub(super) fn schedule_in(&mut self, seconds: i64, due: Due) {
        self.schedule(self.now + seconds.saturating_mul(1000), due);
    }

    /// When something happens next by itself, if anything does.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.agenda.peek().map(|Reverse(entry)| entry.at)
    }

    /// Lets everything happen that is due up to `now`, each at its own instant.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(&Reverse(entry)) = self.agenda.peek() {
            if entry.at > now {
                break;
            }
            self.agenda.pop();
            self.now = self.now.max(entry.at);
            self.happen(entry.due);
        }
        self.now = self.now.max(now);
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Login(agent) => self.log_in(agent),
            Due::CallStart(agent) => self.start_call(agent),
            Due::CallEnd(agent) => self.end_call(agent),
            Due::Complete(operation) => self.complete(operation),
            Due::Cut(unit) => self.cut_sockets(unit),
            Due::Reconnect(agent) => self.reconnect(agent),
            Due::HandOver(agent, token) => self.hand_over(agent, token),
            Due::Revive(agent) => drop(self.revive(agent)),
            Due::StationSettles(agent) => self.settle_station(agent),
            Due::ResetDone(agent) => self.finish_reset(agent),
            Due::RebootDone(agent) => self.finish_reboot(agent),
            Due::Notice(agent, since) => self.notice(agent, since),
            Due::Expires(agent) => self.review(agent, None),
            Due::Arrives(number) => self.arrive_late(number),
            Due::SocketCloses(channel) => self.close_socket(channel),
            Due::CutForGood(agent) => self.cut_for_good(agent),
            Due::PhoneDrops(agent) => self.drop_phone(agent),
        }
    }

    fn start_call(&mut self, i: usize) {
        if self.played_by_a_page(i) {
            return;
        }
        let ready = self.media_ready(i);
        let Some(agent) = self.agents.get_mut(i) else { return };
        let Some(call) = agent.call.as_mut() else { return };
        if !ready {
            call.state = CallState::Over;
            agent.story.calls_missed += 1;
            return;
        }
        call.state = CallState::Active;
        self.tell_routing(i);
    }

    fn end_call(&mut self, i: usize) {
        let now = self.now;
        let Some(agent) = self.agents.get_mut(i) else { return };
        // A call that a page has meanwhile ends when somebody hangs up.
        let Some(call) = agent.call.as_mut().filter(|call| call.end <= now) else { return };
        let was = std::mem::replace(&mut call.state, CallState::Over);
        if was == CallState::Active {
            self.tell_routing(i);
        }
    }
}
