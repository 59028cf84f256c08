//! What people tell a run: approve, hold, resume, abort, re-try an agent.
//!
//! Must never: follow an order twice, or lose one: each ends as an event, followed or refused.

use super::{Work, cure};
use crate::law::agent::RemedyState;
use crate::law::event::{Drift, Event, Phase, StopKind};
use crate::law::order::{Order, OrderId, Wish};
use crate::law::run::{Brake, Held, Run};
use crate::law::verdict::{CallState, Verdict};
use crate::words::id::{AgentId, Seat};

pub(super) fn taken(work: &mut Work, id: OrderId, order: Order) {
    if work.run.orders.contains(&id) {
        return;
    }
    let Order { wish, agent, who, why } = order;
    if let Some(because) = refusal(work.run, wish, agent.as_ref()) {
        work.note(Event::OrderRefused { order: id, wish, agent, who, because: because.to_owned() });
        return;
    }
    let (held, before_the_claim) = (work.run.held, work.run.before_the_claim());
    let ended = format!("aborted by {who}: {why}");
    let seat = agent.as_ref().and_then(|agent| work.run.seat_of(agent));
    work.note(Event::Ordered { order: id, wish, agent, who, why });
    match wish {
        Wish::Abort if before_the_claim => work.stop(StopKind::Aborted, ended),
        Wish::Resume if before_the_claim => resumed(work, held),
        Wish::Resume => cure::consider_all(work),
        Wish::Retry => seat.into_iter().for_each(|seat| retry(work, seat)),
        Wish::Elsewhere => super::publish::said_published(work, held),
        Wish::Approve | Wish::Hold | Wish::Abort => {}
    }
}

/// The agent is looked at first: what was seen of it may be minutes old. That look puts it on the ladder, without the wait that
/// an earlier attempt has left.
fn retry(work: &mut Work, seat: Seat) {
    work.run.desk.cure.remove(seat);
    let Some(fresh_from) = work.run.agent(seat).map(|agent| agent.fresh_from) else { return };
    let at = fresh_from.max(work.now);
    work.look(seat, at);
}

/// An order in words that nobody here knows is set aside, so that those behind it are heard.
pub(super) fn unread(work: &mut Work, id: OrderId, why: String) {
    if !work.run.orders.contains(&id) {
        work.note(Event::OrderUnread { order: id, why });
    }
}

/// Accepting that somebody else has published leaves nothing to publish: the agents are checked.
fn resumed(work: &mut Work, held: Held) {
    match held {
        Held::ByDrift(Drift::Published { version }) => super::publish::elsewhere(work, version),
        // What was uploaded carries the version that nobody wants any more.
        Held::ByDrift(Drift::Changed { .. }) => work.run.desk.upload = None,
        Held::ByDrift(Drift::Vanished) | Held::ByPerson | Held::No => {}
    }
}

/// Why a wish cannot be followed now; `None` when it can.
#[must_use]
pub fn refusal(run: &Run, wish: Wish, agent: Option<&AgentId>) -> Option<&'static str> {
    match run.phase {
        Phase::Settling | Phase::Settled => return Some("the run has settled"),
        Phase::Stopped => return Some("the run has stopped"),
        Phase::InDoubt => {
            return Some(
                "the run is in doubt: if the schedule is published, start the run again; if not, stage it again",
            );
        }
        Phase::Waiting | Phase::Refreshing | Phase::Preparing | Phase::Publishing | Phase::Checking => {}
    }
    if wish != Wish::Retry && agent.is_some() {
        return Some("it is about the whole run, and names an agent");
    }
    let claimed = !run.before_the_claim();
    match wish {
        Wish::Approve | Wish::Elsewhere if claimed => Some("the publish has been made already"),
        Wish::Approve | Wish::Elsewhere => None,
        Wish::Hold if claimed && run.brake == Brake::Aborted => Some("remedies have been aborted already"),
        Wish::Hold => None,
        Wish::Resume if claimed => match run.brake {
            Brake::Applied => None,
            Brake::Released | Brake::Overruled => (!run.open.any_is_braked()).then_some("nothing is held"),
            Brake::Aborted => Some("remedies were aborted, and that is final"),
        },
        Wish::Resume => (run.held == Held::No).then_some("nothing is held"),
        Wish::Abort if run.brake == Brake::Aborted => Some("the run has been aborted already"),
        Wish::Abort => None,
        Wish::Retry => agent.map_or(Some("it names no agent"), |agent| no_retry(run, agent)),
    }
}

/// Why an agent cannot be re-tried now; `None` when it can.
fn no_retry(run: &Run, agent: &AgentId) -> Option<&'static str> {
    let Some(agent) = run.seat_of(agent).and_then(|seat| run.agent(seat)) else {
        return Some("the run's roster has no such agent");
    };
    if run.phase != Phase::Checking {
        return Some("the publish has not been seen complete: everybody is looked at after it");
    }
    match run.brake {
        Brake::Applied => return Some("remedies are stopped: `resume` lets them go on"),
        Brake::Aborted => return Some("remedies were aborted, and that is final"),
        Brake::Released | Brake::Overruled => {}
    }
    if agent.signals.on_call() == CallState::OnCall {
        return Some("the agent is on a call, and is followed until it ends");
    }
    match (agent.remedy, agent.verdict) {
        (RemedyState::Started(_) | RemedyState::Awaiting(_), _) => {
            Some("a remedy is at work for the agent: what it brings is seen first")
        }
        (RemedyState::Idle, None) => Some("the agent has not been looked at since the publish, and will be"),
        (RemedyState::Idle, Some(Verdict::Ready | Verdict::Recovered { .. })) => {
            Some("the agent was ready when it was last looked at")
        }
        (RemedyState::Idle, Some(Verdict::Straggler { .. } | Verdict::Unknown { .. } | Verdict::Deferred { .. })) => {
            None
        }
    }
}
