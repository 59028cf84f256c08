//! A roll call: whose softphone could take a call at this moment, from one look at each signal, without a run.
//!
//! The same rule as in a run ([`readiness`](crate::law::verdict::readiness)) over the same signals, but for the probe with an
//! agent's own token, which only a run makes. Must never: lead to a remedy, or call a signal good that nobody has read.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::law::agent::Agent;
use crate::law::command::{PhoneSeen, UserSeen};
use crate::law::event::Tally;
use crate::law::evidence::Between;
use crate::law::page::PageSeen;
use crate::law::verdict::{Deferral, Missing, PhoneState, Verdict};
use crate::words::clock::Timestamp;
use crate::words::id::{AgentId, PhoneId, Seat};

/// Whether every page of phones was read: only then is a phone that was not on them no phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneReads {
    /// Every page.
    Whole,
    /// Some are missing.
    Torn,
}

/// Those who are called, and what was seen of them so far.
#[derive(Debug, Clone)]
pub struct RollCall {
    agents: Vec<(AgentId, Agent)>,
    seats: HashMap<AgentId, Seat>,
    /// Phones that stood on a page, whosever they are.
    listed: HashSet<PhoneId>,
    /// Whether one stood on two pages, so that another may have stood on none.
    shifted: bool,
}

/// What a look says of losses, each part in the order of seats.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// Ready now.
    pub ready: Vec<Seat>,
    /// At risk before, and cannot take a call now although logged in.
    pub lost: Vec<Seat>,
    /// At risk before, and on a call or unknown now, so that the next look has to tell.
    pub undecided: Vec<Seat>,
}

/// Who can be lost, over several calls of the same roll: each since the last look at which they were ready.
#[derive(Debug, Clone, Default)]
pub struct AtRisk(BTreeMap<Seat, Timestamp>);

impl AtRisk {
    /// Takes in a look that began at `at` and was read whole. Gives what it decides, by the look at which those whom it is about
    /// were last ready: whoever was on a call or unknown in between is counted when it is known, and whoever has logged out is
    /// let go.
    pub fn look(&mut self, at: Timestamp, roll: &RollCall) -> Vec<Between> {
        let told = roll.told_of(|seat| self.0.contains_key(&seat));
        let mut decided: BTreeMap<Timestamp, Between> = BTreeMap::new();
        let sides = [(&told.ready, 0), (&told.lost, 1)];
        for (seat, lost) in sides.into_iter().flat_map(|(seats, lost)| seats.iter().map(move |seat| (seat, lost))) {
            if let Some(&from) = self.0.get(seat) {
                let between = decided.entry(from).or_insert(Between { from, to: at, ready: 0, lost: 0 });
                between.ready += 1;
                between.lost += lost;
            }
        }
        self.0.retain(|seat, _| told.undecided.binary_search(seat).is_ok());
        self.0.extend(told.ready.iter().map(|seat| (*seat, at)));
        decided.into_values().collect()
    }
}

impl RollCall {
    /// Nothing seen yet of these agents; one who is named twice is called once.
    #[must_use]
    pub fn of(agents: impl IntoIterator<Item = AgentId>) -> RollCall {
        let (listed, shifted) = (HashSet::new(), false);
        let mut call = RollCall { agents: Vec::new(), seats: HashMap::new(), listed, shifted };
        for agent in agents {
            // A business unit has fewer agents than a seat can number.
            let seat = Seat(u32::try_from(call.agents.len()).unwrap_or(u32::MAX));
            if let Entry::Vacant(free) = call.seats.entry(agent) {
                call.agents.push((free.key().clone(), Agent::default()));
                free.insert(seat);
            }
        }
        call
    }
    /// Everybody with their seats, for the reads.
    #[must_use]
    pub fn seated(&self) -> Vec<(AgentId, Seat)> {
        (0..).zip(&self.agents).map(|(seat, (agent, _))| (agent.clone(), Seat(seat))).collect()
    }
    /// Takes in what a read of users showed at `at`.
    pub fn see_users(&mut self, at: Timestamp, seen: &[UserSeen]) {
        for user in seen {
            if let Some((_, agent)) = self.agents.get_mut(user.seat.0 as usize) {
                agent.see_user(at, user);
            }
        }
    }
    /// Takes in what a page of phones showed at `at`; phones of others are passed over.
    pub fn see_phones(&mut self, at: Timestamp, seen: &[PhoneSeen]) {
        for phone in seen {
            self.shifted |= !self.listed.insert(phone.phone.clone());
            let seat = self.seats.get(&phone.agent);
            if let Some((_, agent)) = seat.and_then(|seat| self.agents.get_mut(seat.0 as usize)) {
                agent.see_phone(at, Some(&phone.phone), phone.state);
            }
        }
    }
    /// Takes in what a companion said.
    pub fn see_page(&mut self, page: &PageSeen) {
        if let Some((_, agent)) = self.agents.get_mut(page.seat.0 as usize) {
            agent.see_page(page);
        }
    }
    /// The phones have been read as far as they could be. Where pages have moved while they were read, nothing is said of those
    /// that stood on none.
    pub fn phones_read(&mut self, at: Timestamp, reads: PhoneReads) {
        if reads == PhoneReads::Torn || self.shifted {
            return;
        }
        for (_, agent) in self.agents.iter_mut().filter(|(_, agent)| agent.phone.is_none()) {
            agent.see_phone(at, None, PhoneState::Absent);
        }
    }
    /// Everybody with what was seen of them and what that says, in the order in which they were named.
    pub fn answers(&self) -> impl Iterator<Item = (&AgentId, &Agent, Verdict)> {
        self.agents.iter().map(|(id, agent)| (id, agent, verdict(agent)))
    }
    /// What this look says of those who were at risk at the one before. Whoever has logged out is at risk no more.
    pub fn told_of(&self, was_at_risk: impl Fn(Seat) -> bool) -> Told {
        let mut told = Told::default();
        for (seat, (.., verdict)) in (0..).map(Seat).zip(self.answers()) {
            match verdict {
                Verdict::Ready | Verdict::Recovered { .. } => told.ready.push(seat),
                Verdict::Straggler { .. } if was_at_risk(seat) => told.lost.push(seat),
                Verdict::Deferred { because: Deferral::OnCall } | Verdict::Unknown { .. } if was_at_risk(seat) => {
                    told.undecided.push(seat);
                }
                Verdict::Straggler { .. } | Verdict::Deferred { .. } | Verdict::Unknown { .. } => {}
            }
        }
        told
    }
    /// How many answered how.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally::of(self.answers().map(|(_, _, verdict)| Some(verdict)))
    }
}

fn verdict(agent: &Agent) -> Verdict {
    match agent.readiness() {
        Some(readiness) => agent.verdict_for(readiness),
        None => Verdict::Unknown { missing: Missing::Everything },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::verdict::{CallState, PresenceState, Reason, StationState};
    use crate::words::id::{PhoneId, StationId};

    const NOW: Timestamp = Timestamp(1_795_816_800_000);

    fn agent(name: &str) -> AgentId {
        AgentId::new(name).unwrap()
    }
    fn user(seat: u32, presence: PresenceState, call: CallState) -> UserSeen {
        let station = StationState::Associated(StationId::new("s").unwrap());
        UserSeen { seat: Seat(seat), token_issued: None, station, presence, call }
    }
    fn phone(of: &str, state: PhoneState) -> PhoneSeen {
        PhoneSeen { agent: agent(of), phone: PhoneId::new(&format!("p-{of}")).unwrap(), state }
    }
    fn verdicts(call: &RollCall) -> Vec<Verdict> {
        call.answers().map(|(_, _, verdict)| verdict).collect()
    }

    #[test]
    fn everybody_has_one_answer_and_what_nobody_read_is_no_good_sign() {
        let names = ["ann", "bob", "cyd", "dan", "eve", "ann"];
        let mut call = RollCall::of(names.map(agent));
        assert_eq!(call.seated().len(), 5);
        let everything = Verdict::Unknown { missing: Missing::Everything };
        assert_eq!(verdicts(&call), [everything; 5]);
        let seen = [
            user(0, PresenceState::LoggedIn, CallState::Free),
            user(1, PresenceState::LoggedIn, CallState::Free),
            user(2, PresenceState::LoggedIn, CallState::OnCall),
            user(3, PresenceState::LoggedIn, CallState::Free),
            user(7, PresenceState::LoggedIn, CallState::Free),
        ];
        call.see_users(NOW, &seen);
        assert_eq!(verdicts(&call)[0], Verdict::Unknown { missing: Missing::Phone });
        let phones = [phone("ann", PhoneState::Up), phone("bob", PhoneState::Down), phone("zoe", PhoneState::Up)];
        call.see_phones(NOW, &phones);
        call.see_phones(NOW, &[phone("cyd", PhoneState::Down), phone("eve", PhoneState::Up)]);
        let mut torn = call.clone();
        torn.phones_read(NOW, PhoneReads::Torn);
        call.phones_read(NOW, PhoneReads::Whole);
        let straggler = |reason| Verdict::Straggler { reason };
        let on_call = Verdict::Deferred { because: Deferral::OnCall };
        let (down, none) = (straggler(Reason::PhoneDown), straggler(Reason::NoPhone));
        assert_eq!(verdicts(&call), [Verdict::Ready, down, on_call, none, everything]);
        assert_eq!(verdicts(&torn)[3], Verdict::Unknown { missing: Missing::Phone });
        let tally = Tally { ready: 1, recovered: 0, deferred: 1, stragglers: 2, unknown: 1 };
        assert_eq!(call.tally(), tally);
        // Where one phone stood on two pages, dan's may have stood on none.
        let mut shifted = torn.clone();
        shifted.see_phones(NOW, &[phone("zoe", PhoneState::Up)]);
        shifted.phones_read(NOW, PhoneReads::Whole);
        assert_eq!(verdicts(&shifted)[3], Verdict::Unknown { missing: Missing::Phone });
    }

    /// A whole look: of each agent the presence, the call and the phone.
    fn look(seen: &[(PresenceState, CallState, PhoneState)]) -> RollCall {
        let mut call = RollCall::of((0..seen.len()).map(|n| agent(&format!("a-{n}"))));
        for (seat, (presence, on_call, state)) in (0..).zip(seen) {
            call.see_users(NOW, &[user(seat, *presence, *on_call)]);
            call.see_phones(NOW, &[phone(&format!("a-{seat}"), *state)]);
        }
        call
    }

    #[test]
    fn whoever_is_on_a_call_when_it_is_lost_is_counted_when_it_is_seen() {
        use CallState::{Free, OnCall};
        use PhoneState::{Down, Up};
        let of = |on_call: usize, lost: usize| {
            let state = |n: usize| match (n < on_call, n < lost) {
                (true, _) => (PresenceState::LoggedIn, OnCall, Down),
                (false, true) => (PresenceState::LoggedIn, Free, Down),
                (false, false) => (PresenceState::LoggedIn, Free, Up),
            };
            look(&(0..100).map(state).collect::<Vec<_>>())
        };
        let mut at_risk = AtRisk::default();
        assert!(at_risk.look(NOW, &of(0, 0)).is_empty(), "nobody was at risk before the first look");
        let ready = |from, to, ready, lost| Between { from, to, ready, lost };
        assert_eq!(at_risk.look(NOW + 30, &of(60, 0)), [ready(NOW, NOW + 30, 40, 0)]);
        assert!(at_risk.look(NOW + 60, &of(100, 0)).is_empty(), "of who is on a call nothing can be said");
        let decided = [ready(NOW, NOW + 90, 60, 53), ready(NOW + 30, NOW + 90, 40, 0)];
        assert_eq!(at_risk.look(NOW + 90, &of(0, 53)), decided);
        // Once is enough, and whoever has logged out is let go, also when the softphone is down afterwards.
        let gone = look(&[(PresenceState::Offline, Free, Down); 100]);
        assert!(at_risk.look(NOW + 120, &gone).is_empty());
        assert!(at_risk.look(NOW + 150, &of(0, 100)).is_empty());
    }
}
