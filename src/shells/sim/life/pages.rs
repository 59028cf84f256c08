//! Agents' pages in a simulated Friday: what they are asked and told reaches them a little later, or not, and they answer.
//!
//! Must never: let a page know more than the companion in a real one would.

use super::{Checked, Happening, Life};
use crate::hands::companion::{PageSeen as Reported, Signalling};
use crate::law::command::{Command, CommandId, Outcome};
use crate::law::page::{Errand, PageAnswer, PageSeen};
use crate::shells::pages;
use crate::twin::{PageDone, PageSocket, PageTruth, Twin};
use crate::words::clock::Timestamp;
use crate::words::id::{AgentId, Seat};
use crate::words::secret::Secret;

/// The longest way to a page or back, in ms.
const WAY_MS_MAX: i64 = 400;
/// How long an answer of a page is waited for, in ms.
const PATIENCE_MS: i64 = 5_000;

/// Something on its way to agents' pages, with the token that it carries.
#[derive(Debug)]
pub(super) struct OnItsWay {
    command: Command,
    token: Option<Secret>,
}

impl Life {
    /// Sends what is for agents' pages.
    pub(super) fn send_to_pages(&mut self, id: CommandId, command: &Command) {
        let agent = match command {
            Command::TellPage { seat, .. } => self.plan.member(*seat).map(|member| member.agent.clone()),
            _ => None,
        };
        let held = agent.and_then(|agent| self.vault.get(&agent)?.access_token.clone());
        let what = OnItsWay { command: command.clone(), token: held.map(|(token, _)| token) };
        let (epoch, at) = (self.epoch, self.now + self.chance.between(0, WAY_MS_MAX));
        if self.fault(self.lot.request_lost) {
            let outcome = unanswered(command);
            self.schedule(self.now + PATIENCE_MS, Happening::Over { epoch, id, outcome });
        } else {
            self.schedule(at, Happening::ToPages { epoch, id, what });
        }
    }

    /// It has arrived; what is done in a page is done, whether anybody hears of it or not.
    pub(super) fn at_the_pages(&mut self, epoch: u32, id: CommandId, what: &OnItsWay) -> Checked {
        let (now, plan) = (self.now, std::sync::Arc::clone(&self.plan));
        let outcome = match &what.command {
            Command::ReadPages { seats, .. } => {
                let agents = seats.iter().filter_map(|seat| Some((*seat, &plan.member(*seat)?.agent)));
                Outcome::Pages(agents.filter_map(|(seat, agent)| seen(&mut self.twin, now, seat, agent)).collect())
            }
            Command::TellPage { seat, errand } => {
                let agent = plan.member(*seat).map(|member| &member.agent);
                let done = agent.and_then(|agent| tell(&mut self.twin, now, agent, *errand, what.token.as_ref()));
                Outcome::PageTold(done.map_or(PageAnswer::NoPage, answer))
            }
            other => return self.broken(&format!("{other:?} is not for a page")),
        };
        let lost = self.fault(self.lot.answer_lost);
        let (way, outcome) = match lost {
            true => (PATIENCE_MS, unanswered(&what.command)),
            false => (self.chance.between(0, WAY_MS_MAX), outcome),
        };
        self.schedule(now + way, Happening::Over { epoch, id, outcome });
        Ok(())
    }
}

fn unanswered(command: &Command) -> Outcome {
    match command {
        Command::ReadPages { .. } => Outcome::Pages(Vec::new()),
        _ => Outcome::PageTold(PageAnswer::NoAnswer),
    }
}

fn seen(twin: &mut Twin, at: Timestamp, seat: Seat, agent: &AgentId) -> Option<PageSeen> {
    Some(pages::heard_of(seat, &report(twin.page(at, agent)?, at)))
}

/// As the companion in a real page would report it.
fn report(page: PageTruth, at: Timestamp) -> Reported {
    let state = match page.socket {
        PageSocket::Up => Signalling::Up,
        PageSocket::Retrying => Signalling::Retrying,
        PageSocket::GivenUp => Signalling::GivenUp,
    };
    let report = Reported {
        connected: state == Signalling::Up,
        station: Some(page.station),
        ice: Some(true),
        microphone: Some(true),
        http: Some(if page.token_good { 200 } else { 401 }),
        call: page.call,
        state,
        ready: true,
        deferred: false,
        at,
        sdk: None,
    };
    report.sober()
}

fn tell(twin: &mut Twin, at: Timestamp, agent: &AgentId, errand: Errand, token: Option<&Secret>) -> Option<PageDone> {
    match (errand, token) {
        (Errand::Token | Errand::Renew, Some(token)) => twin.page_takes(at, agent, token),
        (Errand::Token | Errand::Renew, None) => Some(PageDone::Refused),
        (Errand::Revive, token) => twin.page_revives(at, agent, token),
        (Errand::AskToReload | Errand::AskToSignIn, _) => twin.page(at, agent).map(|_| PageDone::Done),
    }
}

fn answer(done: PageDone) -> PageAnswer {
    match done {
        PageDone::Done => PageAnswer::Done,
        PageDone::Deferred => PageAnswer::Deferred,
        PageDone::Refused => PageAnswer::Failed { why: "the softphone was refused".to_owned() },
    }
}
