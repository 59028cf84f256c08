//! How remedies fared in earlier runs of an org: each rung for each reason, and which of them are known to be of no use.
//!
//! Must never: hold a rung useless for good; it is judged by the newest runs, and one that is not used drops out of them.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::law::command::Effect;
use crate::law::event::{Blame, Event, Record};
use crate::law::verdict::{Reason, Rung, Verdict};
use crate::words::id::Seat;

/// With fewer results than this nothing is known of a rung.
const RESULTS_MIN: u32 = 20;
/// A rung that helps fewer than this share of those who needed it is of no use.
const USEFUL_SHARE: f64 = 0.02;

/// How one rung fared for one reason: agents whose state was seen afterwards, or who were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fared {
    /// The rung.
    pub rung: Rung,
    /// Why the agents could not take calls.
    pub reason: Reason,
    /// They could afterwards.
    pub cured: u32,
    /// They could not, or it could not be applied.
    pub failed: u32,
}

impl Fared {
    /// Agents in all.
    #[must_use]
    pub fn results(&self) -> u32 {
        self.cured + self.failed
    }
    /// Whether enough is known of it to leave it out.
    #[must_use]
    pub fn is_useless(&self) -> bool {
        let results = self.results();
        results >= RESULTS_MIN && f64::from(self.cured) < f64::from(results) * USEFUL_SHARE
    }
}

/// How the remedies of a run fared. Asking a person is none that could be learnt about: nobody knows what people did.
#[must_use]
pub fn fared(records: &[Record]) -> Vec<Fared> {
    let mut reasons: HashMap<Seat, Reason> = HashMap::new();
    let mut awaited: HashMap<Seat, (Rung, Reason)> = HashMap::new();
    let mut sums = BTreeMap::new();
    for record in records {
        match &record.event {
            Event::Judged { verdicts } => {
                for (seat, verdict) in verdicts {
                    if let Some(helped) = helped(*verdict)
                        && let Some((rung, reason)) = awaited.remove(seat)
                    {
                        add(&mut sums, Fared { rung, reason, cured: u32::from(helped), failed: u32::from(!helped) });
                    }
                    match verdict {
                        Verdict::Straggler { reason } => reasons.insert(*seat, *reason),
                        _ => reasons.remove(seat),
                    };
                }
            }
            Event::RemedyAccepted { rung, seats } => await_them(&mut awaited, &reasons, *rung, seats),
            Event::RemedyFailed { rung, seats, failure, .. } if failure.kind.effect() == Effect::Possible => {
                await_them(&mut awaited, &reasons, *rung, seats);
            }
            Event::RemedyFailed { rung, seats, blame: Blame::Rung, .. } => {
                for reason in seats.iter().filter_map(|seat| reasons.get(seat)) {
                    add(&mut sums, Fared { rung: *rung, reason: *reason, cured: 0, failed: 1 });
                }
            }
            _ => {}
        }
    }
    sums.into_values().collect()
}

/// Several runs together.
#[must_use]
pub fn together<'a>(runs: impl IntoIterator<Item = &'a [Fared]>) -> Vec<Fared> {
    let mut sums = BTreeMap::new();
    runs.into_iter().flatten().for_each(|one| add(&mut sums, *one));
    sums.into_values().collect()
}

fn add(sums: &mut BTreeMap<(usize, Reason), Fared>, one: Fared) {
    let sum = sums.entry((one.rung.index(), one.reason)).or_insert(Fared { cured: 0, failed: 0, ..one });
    sum.cured += one.cured;
    sum.failed += one.failed;
}

fn await_them(
    awaited: &mut HashMap<Seat, (Rung, Reason)>,
    reasons: &HashMap<Seat, Reason>,
    rung: Rung,
    seats: &[Seat],
) {
    if rung != Rung::Ask {
        awaited.extend(seats.iter().filter_map(|seat| Some((*seat, (rung, *reasons.get(seat)?)))));
    }
}

/// Whether a remedy helped, as a verdict after it tells; `None` when it does not tell.
fn helped(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Ready | Verdict::Recovered { .. } => Some(true),
        Verdict::Straggler { .. } => Some(false),
        Verdict::Deferred { .. } | Verdict::Unknown { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::command::{Failure, FailureKind};
    use crate::law::event::Attempt;
    use crate::words::clock::Timestamp;

    fn of(events: Vec<Event>) -> Vec<Fared> {
        let record = |(seq, event)| Record { seq, at: Timestamp(0), event };
        fared(&(1..).zip(events).map(record).collect::<Vec<_>>())
    }
    fn judged(verdicts: &[(u32, Verdict)]) -> Event {
        Event::Judged { verdicts: verdicts.iter().map(|(seat, verdict)| (Seat(*seat), *verdict)).collect() }
    }
    fn accepted(rung: Rung, seats: &[u32]) -> Event {
        Event::RemedyAccepted { rung, seats: seats.iter().copied().map(Seat).collect() }
    }

    #[test]
    fn each_remedy_counts_once_by_what_was_seen_after_it() {
        let grey = Verdict::Straggler { reason: Reason::PhoneDown };
        let none = Verdict::Straggler { reason: Reason::NoStation };
        let by = Rung::SessionReset;
        let refused = Event::RemedyFailed {
            rung: Rung::Reassociate,
            seats: vec![Seat(1)],
            failure: Failure::plain(FailureKind::NoAnswer, "lost"),
            attempt: Attempt::Made,
            blame: Blame::Nobody,
        };
        let told = of(vec![
            judged(&[(0, grey), (1, grey), (2, none), (3, grey)]),
            accepted(by, &[0, 1, 2, 3]),
            judged(&[(0, Verdict::Recovered { by }), (1, grey), (2, none)]),
            judged(&[(0, Verdict::Ready)]),
            refused,
            judged(&[(1, Verdict::Recovered { by: Rung::Reassociate })]),
            accepted(Rung::Ask, &[2]),
            judged(&[(2, Verdict::Ready)]),
        ]);
        let expected = [
            Fared { rung: by, reason: Reason::NoStation, cured: 0, failed: 1 },
            Fared { rung: by, reason: Reason::PhoneDown, cured: 1, failed: 1 },
            Fared { rung: Rung::Reassociate, reason: Reason::PhoneDown, cured: 1, failed: 0 },
        ];
        assert_eq!(told, expected);
        assert_eq!(together([&told[..], &told[..]])[1], Fared { cured: 2, failed: 2, ..expected[1] });
    }

    #[test]
    fn what_was_refused_counts_as_well_unless_it_was_not_tried() {
        let down = Verdict::Straggler { reason: Reason::SoftphoneDown };
        let refused = |seats: &[u32], blame| Event::RemedyFailed {
            rung: Rung::Companion,
            seats: seats.iter().copied().map(Seat).collect(),
            failure: Failure::plain(FailureKind::Local, "failed: the softphone was refused"),
            attempt: Attempt::Made,
            blame,
        };
        let told = of(vec![
            judged(&[(0, down), (1, down), (2, Verdict::Ready)]),
            refused(&[0, 2], Blame::Rung),
            refused(&[1], Blame::Nobody),
        ]);
        let expected = Fared { rung: Rung::Companion, reason: Reason::SoftphoneDown, cured: 0, failed: 1 };
        assert_eq!(told, [expected]);
    }

    #[test]
    fn only_what_was_tried_often_and_helped_nobody_to_speak_of_is_useless() {
        let of = |cured, failed| Fared { rung: Rung::RebootPhone, reason: Reason::PhoneDown, cured, failed };
        assert!(of(0, 20).is_useless() && of(1, 99).is_useless());
        assert!(!of(0, 19).is_useless() && !of(1, 19).is_useless() && !of(2, 98).is_useless());
    }
}
