//! What people tell a run: approve, hold, resume, abort.
//!
//! Must never: follow an order twice, or lose one: each ends as an event, followed or refused.

use super::{Work, cure};
use crate::law::event::{Drift, Event, Phase, StopKind};
use crate::law::order::{Order, OrderId, Wish};
use crate::law::run::{Brake, Held, Run};

pub(super) fn taken(work: &mut Work, id: OrderId, order: Order) {
    if work.run.orders.contains(&id) {
        return;
    }
    let Order { wish, who, why } = order;
    if let Some(because) = refusal(work.run, wish) {
        work.note(Event::OrderRefused { order: id, wish, who, because: because.to_owned() });
        return;
    }
    let (held, before_the_claim) = (work.run.held, work.run.before_the_claim());
    let ended = format!("aborted by {who}: {why}");
    work.note(Event::Ordered { order: id, wish, who, why });
    match wish {
        Wish::Abort if before_the_claim => work.stop(StopKind::Aborted, ended),
        Wish::Resume if before_the_claim => resumed(work, held),
        Wish::Resume => cure::consider_all(work),
        Wish::Approve | Wish::Hold | Wish::Abort => {}
    }
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
pub fn refusal(run: &Run, wish: Wish) -> Option<&'static str> {
    match run.phase {
        Phase::Settling | Phase::Settled => return Some("the run has settled"),
        Phase::Stopped => return Some("the run has stopped"),
        Phase::InDoubt => return Some("the run is in doubt: look whether the schedule is published, then stage again"),
        Phase::Waiting | Phase::Refreshing | Phase::Preparing | Phase::Publishing | Phase::Checking => {}
    }
    let claimed = !run.before_the_claim();
    match wish {
        Wish::Approve if claimed => Some("the publish has been made already"),
        Wish::Approve => None,
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
    }
}
