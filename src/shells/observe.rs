//! Watches a business unit around a publish that is somebody else's: roll calls at a steady pace, and what they say together.
//!
//! Must never: change anything, or need a right to; or compare with a look that could not be read whole.

use std::future::Future;

use serde::Serialize;

use crate::hands::genesys::Client;
use crate::law::evidence::{Between, Evidence};
use crate::law::plan::Limits;
use crate::law::rollcall::AtRisk;
use crate::shells::rollcall::{Called, Unit, call};
use crate::words::clock::Timestamp;
use crate::words::id::BusinessUnitId;

/// What is watched, and how closely.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Watch {
    /// When the publish is expected.
    pub publish_at: Timestamp,
    /// Watched from so long before it, in ms.
    pub before_ms: i64,
    /// And until so long after it, in ms.
    pub after_ms: i64,
    /// Losses count as after the publish for so long, in ms.
    pub within_ms: i64,
    /// From one roll call to the next, in ms.
    pub every_ms: i64,
}

/// What was seen.
#[derive(Debug, Clone, Serialize)]
pub struct Observed {
    /// The business unit's name.
    pub business_unit: String,
    /// Its id.
    pub business_unit_id: BusinessUnitId,
    /// Its agents.
    pub agents: usize,
    /// What was watched.
    pub watch: Watch,
    /// Roll calls.
    pub calls: usize,
    /// Each pair of roll calls between which somebody is decided; one that could not be read whole is in none.
    pub looks: Vec<Between>,
    /// Roll calls that could not be read whole.
    pub torn: usize,
    /// The first thing that could not be read, in a sentence.
    pub gap: Option<String>,
    /// Requests for signals.
    pub reads: usize,
    /// Losses before and after.
    pub evidence: Evidence,
    /// Whether somebody ended it before its time was over: what was seen counts all the same.
    pub interrupted: bool,
}

/// Watches until the time is over or `stop` completes; `tell` hears every roll call.
pub async fn observe(
    client: &Client,
    unit: &Unit,
    limits: &Limits,
    watch: Watch,
    mut tell: impl FnMut(&Called),
    stop: impl Future<Output = ()>,
) -> Observed {
    let clock = client.clock();
    let mut observed = Observed::begun(unit.name.clone(), unit.id.clone(), unit.agents(), watch);
    let mut at_risk = AtRisk::default();
    let mut next_at = (watch.publish_at - watch.before_ms).max(clock.now());
    let mut stop = std::pin::pin!(stop);
    while next_at <= watch.publish_at + watch.after_ms {
        let look = async {
            clock.sleep_until(next_at).await;
            call(client, unit, limits, None).await
        };
        let called = tokio::select! {
            called = look => called,
            () = &mut stop => {
                observed.interrupted = true;
                break;
            }
        };
        tell(&called);
        observed.take_in(&mut at_risk, &called);
        // A look that took longer than the pace is followed at once, and none is made up for.
        next_at = (next_at + watch.every_ms).max(clock.now());
    }
    observed.evidence = Evidence::of(&observed.looks, watch.publish_at, watch.within_ms);
    observed
}

impl Observed {
    /// Nothing has been seen so far.
    fn begun(business_unit: String, business_unit_id: BusinessUnitId, agents: usize, watch: Watch) -> Observed {
        Observed {
            business_unit,
            business_unit_id,
            agents,
            watch,
            calls: 0,
            looks: Vec::new(),
            torn: 0,
            gap: None,
            reads: 0,
            evidence: Evidence::default(),
            interrupted: false,
        }
    }
    fn take_in(&mut self, at_risk: &mut AtRisk, called: &Called) {
        self.calls += 1;
        self.reads += called.reads;
        match called.gaps.first() {
            None => self.looks.extend(at_risk.look(called.span.from, &called.roll)),
            Some(gap) => {
                self.torn += 1;
                self.gap.get_or_insert_with(|| gap.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::command::{PhoneSeen, UserSeen};
    use crate::law::evidence::Exposure;
    use crate::law::rollcall::RollCall;
    use crate::law::verdict::{CallState, PhoneState, PresenceState, StationState};
    use crate::shells::rollcall::Span;
    use crate::words::id::{AgentId, PhoneId, Seat, StationId};

    const T: Timestamp = Timestamp(1_795_816_800_000);

    /// A roll call of 100 agents who all wait for a call, their phones in one state.
    fn called(at: Timestamp, state: PhoneState, gap: Option<&str>) -> Called {
        let agent = |n: u32| AgentId::new(&format!("a-{n}")).unwrap();
        let mut roll = RollCall::of((0..100).map(agent));
        let station = || StationState::Associated(StationId::new("s").unwrap());
        let user = |n| UserSeen {
            seat: Seat(n),
            token_issued: None,
            station: station(),
            presence: PresenceState::LoggedIn,
            call: CallState::Free,
        };
        let phone = |n| PhoneSeen { agent: agent(n), phone: PhoneId::new(&format!("p-{n}")).unwrap(), state };
        roll.see_users(at, &(0..100).map(user).collect::<Vec<_>>());
        if gap.is_none() {
            roll.see_phones(at, &(0..100).map(phone).collect::<Vec<_>>());
        }
        let (unit, names, gaps) = ("Care".to_owned(), Default::default(), gap.map(str::to_owned).into_iter().collect());
        Called { unit, roll, names, gaps, span: Span { from: at, to: at }, reads: 2 }
    }

    #[test]
    fn what_is_lost_between_torn_looks_is_seen_by_the_next_whole_one() {
        let watch = Watch { publish_at: T, before_ms: 60_000, after_ms: 60_000, within_ms: 60_000, every_ms: 10_000 };
        let id = BusinessUnitId::new("bu").unwrap();
        let mut observed = Observed::begun("Care".to_owned(), id, 100, watch);
        let mut at_risk = AtRisk::default();
        let (up, down, refused) = (PhoneState::Up, PhoneState::Down, "a page of phones could not be read: 403");
        let looks = [
            (-20_000, up, None),
            (-10_000, up, None),
            (-1_000, up, Some(refused)),
            (10_000, down, Some("the second reason")),
            (20_000, down, None),
            (30_000, down, None),
        ];
        for (at, state, gap) in looks {
            observed.take_in(&mut at_risk, &called(T + at, state, gap));
        }
        let evidence = Evidence::of(&observed.looks, T, watch.within_ms);
        assert_eq!(evidence.before, Exposure { losses: 0, agent_ms: 100 * 10_000 });
        assert_eq!(evidence.after, Exposure { losses: 100, agent_ms: 100 * 30_000 });
        assert_eq!((observed.calls, observed.torn, observed.gap.as_deref()), (6, 2, Some(refused)));
    }
}
