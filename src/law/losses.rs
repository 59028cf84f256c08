//! What one run tells about losses: which softphones that were ready before the publish were lost, when, and what that says.
//!
//! Before the publish the looks of the watch are compared with one another. After it each agent who was at risk at the last of
//! them counts once: until the run first says of the agent that it is ready, or that it cannot take a call. On both sides
//! whoever is on a call, or unknown, is waited for, and whoever has logged out is let go. Must never: count a softphone that
//! nobody had seen ready.

use std::collections::{BTreeMap, BTreeSet};

use crate::law::event::{Event, Record};
use crate::law::evidence::{Between, Evidence, Exposure};
use crate::law::page::{PageSeen, PageState};
use crate::law::verdict::{Deferral, LegState, ProbeState, Verdict};
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

const MINUTE_MS: i64 = 60_000;
/// A token that is pushed as changed so soon after softlanding has refreshed it is the one that it has made, in ms: the length of a
/// batch of what is pushed.
const OWN_REFRESH_MS: i64 = 10_000;
/// Minutes before and after T that are told one by one.
pub const MINUTES: i64 = 30;

/// What was seen in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Minute {
    /// Softphones that had been ready and were found lost.
    pub lost: u32,
    /// Answers 401 of the media-token endpoint to softlanding, and pages whose own token began to be refused with one.
    pub refused: u32,
    /// Stations that were pushed as disassociated; pushed events may be lost, so that there may have been more.
    pub disconnected: u32,
    /// Agents whose tokens were pushed as changed: issued, refreshed or revoked; without those that softlanding had just refreshed.
    pub tokens: u32,
    /// Media legs that were pushed as failed.
    pub legs: u32,
}

/// Whether anybody has tried a token at all, softlanding or a page: where nobody has, no refusal says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tried {
    /// Before T.
    pub before: bool,
    /// From T on. A page that was heard before goes on trying, and speaks when something is new.
    pub after: bool,
}

/// The losses of a run, as far as its records tell.
#[derive(Debug, Clone, Default)]
pub struct Losses {
    publish_at: Timestamp,
    /// Agents of the roster.
    agents: u64,
    looks: Vec<Between>,
    last: Option<(Timestamp, u64)>,
    /// At risk at the last look before the publish, and nothing said of them since.
    pending: BTreeSet<Seat>,
    published: bool,
    after: Exposure,
    minutes: BTreeMap<i64, Minute>,
    unheard: u32,
    tried: Tried,
    /// Whose token was refused when it was last heard of.
    refused: BTreeSet<Seat>,
    /// When softlanding last refreshed a token, until that is pushed.
    refreshed: BTreeMap<Seat, Timestamp>,
}

impl Losses {
    /// What these records tell.
    #[must_use]
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Losses {
        let mut losses = Losses::default();
        records.into_iter().for_each(|record| losses.hear(record));
        losses
    }
    /// Takes in one record.
    pub fn hear(&mut self, Record { at, event, .. }: &Record) {
        match event {
            Event::Staged { plan } => (self.publish_at, self.agents) = (plan.publish_at, plan.roster.len() as u64),
            Event::Watched { since, ready, lost, undecided } => {
                let at_risk = ready.iter().chain(undecided).copied().collect();
                self.watched(*at, *since, at_risk, lost.len() as u32);
            }
            Event::PublishConfirmed { .. } | Event::PublishedElsewhere { .. } => self.published = true,
            Event::Pushed { since, disassociated, tokens, legs, unheard } => {
                let failed = legs.iter().filter(|(_, state)| *state == LegState::Failed).count();
                let changed = tokens.iter().filter(|seat| !self.is_own_refresh(**seat, *since)).count();
                if !disassociated.is_empty() || changed > 0 || failed > 0 {
                    let minute = self.minute(*since);
                    minute.disconnected += disassociated.len() as u32;
                    minute.tokens += changed as u32;
                    minute.legs += failed as u32;
                }
                self.unheard = self.unheard.max(unheard.unwrap_or_default());
            }
            Event::TokenRefreshed { seat, .. } => {
                self.refreshed.insert(*seat, *at);
            }
            Event::Probed { seat, result } => self.probed(*at, *seat, *result),
            Event::PagesSeen { seen } => seen.iter().for_each(|page| self.page_said(*at, page)),
            Event::Judged { verdicts } if self.published => {
                verdicts.iter().for_each(|(seat, verdict)| self.judged(*at, *seat, *verdict));
            }
            _ => {}
        }
    }
    /// Losses before and after the publish.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let before = Evidence::of(&self.looks, self.publish_at, 0).before;
        Evidence { before, after: self.after }
    }
    /// Agents of the roster.
    #[must_use]
    pub fn agents(&self) -> u64 {
        self.agents
    }
    /// Of how many topics nothing could be heard, at the worst time: the notification channels were full.
    #[must_use]
    pub fn unheard(&self) -> u32 {
        self.unheard
    }
    /// Whether anybody has tried a token before T, and from T on.
    #[must_use]
    pub fn tried(&self) -> Tried {
        self.tried
    }
    /// Looks before the publish.
    #[must_use]
    pub fn looks(&self) -> usize {
        self.looks.len() + usize::from(self.last.is_some())
    }
    /// What was seen minute by minute, counted from T, at most [`MINUTES`] before and after it; minutes in which nothing was
    /// seen are left out.
    pub fn minutes(&self) -> impl Iterator<Item = (i64, Minute)> {
        self.minutes.iter().map(|(minute, seen)| (*minute, *seen))
    }

    fn watched(&mut self, at: Timestamp, since: Timestamp, at_risk: BTreeSet<Seat>, lost: u32) {
        if let Some((from, were_at_risk)) = self.last {
            self.looks.push(Between { from, to: since, ready: were_at_risk, lost: u64::from(lost) });
            self.minute(at).lost += lost;
        }
        self.last = Some((since, at_risk.len() as u64));
        self.pending = at_risk;
    }

    fn judged(&mut self, at: Timestamp, seat: Seat, verdict: Verdict) {
        let Some((since, _)) = self.last.filter(|_| self.pending.contains(&seat)) else { return };
        let lost = match verdict {
            Verdict::Ready | Verdict::Recovered { .. } => 0,
            Verdict::Straggler { .. } => 1,
            Verdict::Deferred { because: Deferral::LoggedOut } => {
                self.pending.remove(&seat);
                return;
            }
            Verdict::Deferred { because: Deferral::OnCall } | Verdict::Unknown { .. } => return,
        };
        self.pending.remove(&seat);
        self.after.losses += lost;
        self.after.agent_ms += u64::try_from(at.since_ms(since)).unwrap_or_default();
        if lost > 0 {
            self.minute(at).lost += 1;
        }
    }

    /// Each answer counts: there is one for each time that somebody asked.
    fn probed(&mut self, at: Timestamp, seat: Seat, result: ProbeState) {
        match result {
            ProbeState::Unknown => return,
            ProbeState::Accepted => drop(self.refused.remove(&seat)),
            ProbeState::Refused => {
                self.refused.insert(seat);
                self.minute(at).refused += 1;
            }
        }
        let is_before = at < self.publish_at;
        self.tried.before |= is_before;
        self.tried.after |= !is_before;
    }

    /// A page that turns to refused counts once, and not again until its token was found good: other words say nothing of it.
    fn page_said(&mut self, at: Timestamp, PageSeen { seat, state, .. }: &PageSeen) {
        match state {
            PageState::Unknown | PageState::Down | PageState::NoStation | PageState::NoMicrophone => return,
            PageState::Ready => drop(self.refused.remove(seat)),
            PageState::Refused if self.refused.insert(*seat) => self.minute(at).refused += 1,
            PageState::Refused => {}
        }
        self.tried.before |= at < self.publish_at;
        self.tried.after = true;
    }

    /// Whether what was pushed of a token in the batch that began at `since` is that softlanding has refreshed it. One refresh
    /// explains one change.
    fn is_own_refresh(&mut self, seat: Seat, since: Timestamp) -> bool {
        self.refreshed.remove(&seat).is_some_and(|at| since.since_ms(at) <= OWN_REFRESH_MS)
    }

    /// The minute that `at` lies in; what lies further from T than is told is kept with the first or the last.
    fn minute(&mut self, at: Timestamp) -> &mut Minute {
        let minute = at.since_ms(self.publish_at).div_euclid(MINUTE_MS).clamp(-MINUTES, MINUTES - 1);
        self.minutes.entry(minute).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::Phase;
    use crate::law::evidence::Finding;
    use crate::law::plan::{BusinessUnit, Member, PinnedSchedule, Plan};
    use crate::law::verdict::{CallState, Missing, Reason};
    use crate::words::clock::Seed;
    use crate::words::id::{AgentId, BusinessUnitId, ManagementUnitId, ScheduleId, WeekDate};

    const T: Timestamp = Timestamp(1_795_816_800_000);

    fn plan() -> Plan {
        let member = |n: u32| Member {
            agent: AgentId::new(&format!("a-{n}")).unwrap(),
            name: format!("Agent {n}"),
            management_unit: ManagementUnitId::new("mu").unwrap(),
            shift_start: None,
            enrolled: false,
        };
        Plan {
            api: None,
            client: None,
            business_unit: BusinessUnit { id: BusinessUnitId::new("bu").unwrap(), name: "Care".to_owned() },
            week: WeekDate::new("2026-11-30").unwrap(),
            schedule: PinnedSchedule { id: ScheduleId::new("s").unwrap(), description: "Draft".to_owned(), version: 7 },
            publish_at: T,
            zone: "America/Chicago".to_owned(),
            roster: (0..6).map(member).collect(),
            timing: Default::default(),
            limits: Default::default(),
            remedies: Default::default(),
            mechanisms: Default::default(),
            policy: Default::default(),
            seed: Seed(1),
        }
    }
    fn watched(since: Timestamp, ready: &[u32], lost: &[u32]) -> (Timestamp, Event) {
        let seats = |seats: &[u32]| seats.iter().copied().map(Seat).collect();
        (since + 2_000, Event::Watched { since, ready: seats(ready), lost: seats(lost), undecided: Vec::new() })
    }
    fn judged(at: Timestamp, seat: u32, verdict: Verdict) -> (Timestamp, Event) {
        (at, Event::Judged { verdicts: vec![(Seat(seat), verdict)] })
    }
    fn of(events: Vec<(Timestamp, Event)>) -> Losses {
        let staged = (T - 7_200_000, Event::Staged { plan: Box::new(plan()) });
        let all = std::iter::once(staged).chain(events);
        let records: Vec<Record> = (1..).zip(all).map(|(seq, (at, event))| Record { seq, at, event }).collect();
        Losses::of(&records)
    }

    #[test]
    fn each_agent_who_was_ready_counts_once_and_only_by_what_is_known() {
        let grey = Verdict::Straggler { reason: Reason::PhoneDown };
        let losses = of(vec![
            watched(T - 600_000, &[0, 1, 2, 3, 4], &[]),
            watched(T - 300_000, &[0, 1, 2, 3], &[4]),
            judged(T - 100_000, 0, grey),
            (T + 20_000, Event::PublishConfirmed { version: 8 }),
            judged(T + 60_000, 0, grey),
            judged(T + 60_000, 1, Verdict::Ready),
            judged(T + 60_000, 2, Verdict::Deferred { because: Deferral::OnCall }),
            judged(T + 60_000, 3, Verdict::Deferred { because: Deferral::LoggedOut }),
            judged(T + 60_000, 5, grey),
            judged(T + 120_000, 0, Verdict::Recovered { by: crate::law::verdict::Rung::Reassociate }),
            judged(T + 180_000, 2, grey),
            judged(T + 180_000, 3, grey),
            (T + 190_000, Event::Probed { seat: Seat(1), result: ProbeState::Refused }),
        ]);
        let evidence = losses.evidence();
        assert_eq!(evidence.before, Exposure { losses: 1, agent_ms: 5 * 300_000 });
        assert_eq!(evidence.after, Exposure { losses: 2, agent_ms: 2 * 360_000 + 480_000 });
        let seen = |lost, refused| Minute { lost, refused, ..Minute::default() };
        assert_eq!(losses.minutes().collect::<Vec<_>>(), [(-5, seen(1, 0)), (1, seen(1, 0)), (3, seen(1, 1))]);
        assert_eq!((losses.agents(), losses.looks()), (6, 2));
    }

    #[test]
    fn what_was_pushed_counts_in_the_minute_in_which_it_was_heard_and_is_no_loss() {
        let seats = |seats: &[u32]| seats.iter().copied().map(Seat).collect::<Vec<_>>();
        let pushed = |since, of: &[u32]| {
            let (tokens, legs) = (seats(&of[1..]), vec![(Seat(of[0]), LegState::Failed), (Seat(5), LegState::Up)]);
            Event::Pushed { since, disassociated: seats(of), tokens, legs, unheard: Some(9 - of[0]) }
        };
        let losses = of(vec![
            (T, pushed(T - 10_000, &[1, 2])),
            (T + 10_000, pushed(T, &[0])),
            (T + 50_000, pushed(T + 40_000, &[0, 3, 4])),
        ]);
        let seen = |disconnected, tokens, legs| Minute { disconnected, tokens, legs, ..Minute::default() };
        assert_eq!(losses.minutes().collect::<Vec<_>>(), [(-1, seen(2, 1, 1)), (0, seen(4, 2, 2))]);
        assert_eq!(losses.unheard(), 9);
        assert_eq!(losses.evidence().finding(), Finding::Nothing);
    }

    #[test]
    fn a_token_that_softlanding_has_just_refreshed_is_not_counted_as_changed_and_explains_one_change() {
        let refreshed = |at: Timestamp, seat| (at, Event::TokenRefreshed { seat: Seat(seat), expires_at: T + 9 });
        let pushed = |since: Timestamp, tokens: &[u32]| {
            let tokens = tokens.iter().copied().map(Seat).collect();
            let event = Event::Pushed { since, disassociated: Vec::new(), tokens, legs: Vec::new(), unheard: None };
            (since + 10_000, event)
        };
        let losses = of(vec![
            refreshed(T - 400_000, 0),
            refreshed(T - 399_000, 1),
            pushed(T - 398_000, &[0, 1]),
            refreshed(T - 300_000, 2),
            pushed(T - 289_999, &[2]),
            pushed(T + 1_000, &[0, 1, 2, 3]),
        ]);
        let seen = |tokens| Minute { tokens, ..Minute::default() };
        assert_eq!(losses.minutes().collect::<Vec<_>>(), [(-5, seen(1)), (0, seen(4))]);
    }

    #[test]
    fn a_page_that_turns_to_refused_counts_once_until_its_token_is_good_again() {
        let page = |at: Timestamp, seat, state| {
            let seen = vec![PageSeen { seat: Seat(seat), state, call: CallState::Free, at }];
            (at, Event::PagesSeen { seen })
        };
        let probed = |at: Timestamp, seat, result| (at, Event::Probed { seat: Seat(seat), result });
        let losses = of(vec![
            page(T + 61_000, 0, PageState::Refused),
            page(T + 62_000, 1, PageState::Refused),
            page(T + 63_000, 0, PageState::Unknown),
            page(T + 64_000, 0, PageState::Down),
            page(T + 121_000, 0, PageState::Refused),
            probed(T + 122_000, 2, ProbeState::Refused),
            page(T + 123_000, 2, PageState::Refused),
            page(T + 181_000, 0, PageState::Ready),
            page(T + 182_000, 0, PageState::Refused),
        ]);
        let seen = |refused| Minute { refused, ..Minute::default() };
        assert_eq!(losses.minutes().collect::<Vec<_>>(), [(1, seen(2)), (2, seen(1)), (3, seen(1))]);
        assert_eq!(losses.tried(), Tried { before: false, after: true });
    }

    #[test]
    fn who_has_tried_a_token_is_known_for_each_side_of_t() {
        let page = |at: Timestamp, state| {
            let seen = vec![PageSeen { seat: Seat(0), state, call: CallState::Free, at }];
            of(vec![(at, Event::PagesSeen { seen })]).tried()
        };
        let probed = |at: Timestamp, result| of(vec![(at, Event::Probed { seat: Seat(0), result })]).tried();
        let tried = |before, after| Tried { before, after };
        assert_eq!(of(Vec::new()).tried(), tried(false, false));
        assert_eq!(page(T - 1, PageState::Down), tried(false, false));
        assert_eq!(page(T - 1, PageState::Ready), tried(true, true), "a page goes on trying");
        assert_eq!(page(T, PageState::Ready), tried(false, true));
        assert_eq!(probed(T - 1, ProbeState::Accepted), tried(true, false));
        assert_eq!(probed(T, ProbeState::Refused), tried(false, true));
        assert_eq!(probed(T, ProbeState::Unknown), tried(false, false));
    }

    #[test]
    fn without_a_look_or_a_publish_nothing_is_found() {
        let ready = judged(T + 60_000, 1, Verdict::Unknown { missing: Missing::Everything });
        let grey = judged(T + 60_000, 0, Verdict::Straggler { reason: Reason::PhoneDown });
        for events in [
            vec![(T - 60_000, Event::PhaseEntered { phase: Phase::Preparing }), grey.clone()],
            vec![watched(T - 600_000, &[0, 1], &[]), grey],
            vec![watched(T - 600_000, &[1], &[]), (T, Event::PublishConfirmed { version: 8 }), ready],
        ] {
            assert_eq!(of(events).evidence().finding(), Finding::Nothing);
        }
    }
}
