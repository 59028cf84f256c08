//! One command on its way to the platform: a small machine over asks, without I/O. Whoever drives it sends what it
//! says, hands the answer back, and in the end takes what is done.
//!
//! Must never: send the publish more than once, name an agent whose seat the plan does not have, or leave an agent without
//! the station that it took away.

use crate::hands::genesys::ask::Ask;
pub use crate::hands::genesys::ask::Next;
use crate::hands::genesys::org::Org;
use crate::hands::genesys::stations::{self, Hold};
use crate::hands::genesys::{failure, phones, publish, tokens, users};
use crate::law::command::{Command, Effect, Failure, FailureKind, OnDoubt, Outcome, TokenVia, UploadKey};
use crate::law::pace::Party;
use crate::law::plan::Plan;
use crate::law::verdict::ProbeState;
use crate::words::clock::Timestamp;
use crate::words::http::{Lost, Response};
use crate::words::id::{AgentId, Seat, StationId};
use crate::words::secret::{Grant, Secret};

/// What came of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What it says.
    pub outcome: Outcome,
    /// A new grant of the agent, to be stored in the vault *before* the outcome is used: the old one is spent.
    pub grant: Option<Grant>,
}

/// One command on its way.
#[derive(Debug, Clone)]
pub struct Call {
    step: Step,
    then: Then,
    party: Party,
    /// Binds every request that is still to come.
    not_after: Option<Timestamp>,
    station: Freed,
    /// What must not show up in any failure's words.
    secrets: Vec<Secret>,
}

/// Whether the agent may be without the station, through this call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freed {
    No,
    Perhaps,
}

/// What is being done.
#[derive(Debug, Clone)]
enum Step {
    /// Wait until then, then ask.
    Ask(Timestamp, Box<Ask>),
    /// The path is a setting, so the request is made at the first step.
    Reset(Vec<AgentId>),
    /// Whether the token has run out shows at the first step.
    Probe(Secret, Timestamp),
    Done(Box<Done>),
}

/// What the answer is for.
#[derive(Debug, Clone)]
enum Then {
    ReadSchedule,
    UploadUrl(Vec<u8>),
    Upload(UploadKey),
    Publish,
    Users(Vec<(AgentId, Seat)>),
    Phones,
    Phone(AgentId),
    Granted(Grant),
    Refreshed(Grant),
    Probed,
    Accepted,
    StationFound(AgentId),
    StationFreed(AgentId, StationId, u8),
    StationTaken(AgentId, StationId, u8),
}

impl Call {
    /// A command about to be carried out; `held` is what the vault holds for the agent, where the command is about an
    /// agent's token. A command that cannot be asked of the platform is over at once.
    #[must_use]
    pub fn new(command: &Command, plan: &Plan, held: Option<Grant>) -> Call {
        let secrets = secrets_of(command, held.as_ref());
        let (mut step, then) = match first(command, plan, held) {
            Ok(start) => start,
            Err(outcome) => (done(outcome, None), Then::Accepted),
        };
        // What must be settled by looking is sent once, whatever comes back.
        if let (OnDoubt::Observe(_), Step::Ask(_, ask)) = (command.on_doubt(), &mut step) {
            **ask = ask.as_ref().clone().once();
        }
        Call { step, then, party: Party::HOUSE, not_after: None, station: Freed::No, secrets }
    }
    /// The same on behalf of a party: its share of the rate budget is spent. To be said before the first [`Call::next`].
    #[must_use]
    pub fn for_party(mut self, party: Party) -> Call {
        self.party = party;
        self.stamp()
    }
    /// The same, given up unless it has left by `at`, on the clock that [`Call::next`] is told; of several such instants the
    /// first counts. To be said before the first [`Call::next`].
    ///
    /// A request that has not been handed to the wire by then is not sent, whether it waits for its turn, for a login or
    /// for nothing; the failure is [`FailureKind::NotSent`], which proves that the command had no effect. Every request of
    /// a command is bound, with one exception: a station that [`Command::Reassociate`] has freed, or may have freed, is
    /// taken again however late it is.
    #[must_use]
    pub fn not_after(mut self, at: Timestamp) -> Call {
        self.not_after = Some(self.not_after.map_or(at, |earlier| earlier.min(at)));
        self.stamp()
    }
    /// Nobody drives it on. To be called when it is given up half-way.
    pub fn withdraw(&mut self, org: &mut Org) {
        match &mut self.step {
            Step::Ask(_, ask) => ask.withdraw(org),
            Step::Reset(_) | Step::Probe(..) | Step::Done(_) => {}
        }
    }
    /// What comes next; to be called again after [`Next::Wait`]'s instant, or after [`Call::answer`]. Once it says
    /// [`Next::Done`] it keeps saying so.
    pub fn next(&mut self, org: &mut Org, now: Timestamp) -> Next {
        loop {
            let (result, left) = match &mut self.step {
                Step::Done(done) => return Next::Done(done.as_ref().clone()),
                Step::Reset(agents) => {
                    let ask = tokens::reset_sessions(&org.settings.session_reset_path, agents);
                    self.go_on(ask, Then::Accepted);
                    continue;
                }
                // A token that has run out by itself would be refused whatever the publish did.
                Step::Probe(_, expires_at) if now >= *expires_at => {
                    self.step = done(Outcome::Probed(ProbeState::Unknown), None);
                    continue;
                }
                Step::Probe(access, _) => {
                    let ask = tokens::probe(access);
                    self.go_on(ask, Then::Probed);
                    continue;
                }
                Step::Ask(from, _) if now < *from => return Next::Wait(*from),
                Step::Ask(_, ask) => match ask.next(org, now) {
                    Next::Send(request) => return Next::Send(request),
                    Next::Wait(at) => return Next::Wait(at),
                    Next::Done(result) => (result, ask.left()),
                },
            };
            self.proceed(result, left, now);
            if let Step::Done(done) = &mut self.step {
                scrub(&mut done.outcome, org, &self.secrets);
            }
        }
    }
    /// The answer to what [`Next::Send`] sent, or that it was lost.
    pub fn answer(&mut self, org: &mut Org, now: Timestamp, answer: Result<Response, Lost>) {
        match &mut self.step {
            Step::Ask(_, ask) => ask.answer(org, now, answer),
            Step::Reset(_) | Step::Probe(..) | Step::Done(_) => {}
        }
    }

    fn proceed(&mut self, answer: Result<Response, Failure>, left: Option<Timestamp>, now: Timestamp) {
        let then = std::mem::replace(&mut self.then, Then::Accepted);
        match then {
            Then::Publish => self.finish(Outcome::Published { answer: publish::publish_answer(answer, now), left }),
            Then::Granted(held) => {
                let (outcome, grant) = tokens::granted(answer, &held, now);
                self.step = done(outcome, grant);
            }
            Then::Refreshed(held) => {
                let (outcome, grant) = tokens::refreshed(answer, &held, now);
                self.step = done(outcome, grant);
            }
            Then::Probed => self.finish(tokens::probed(answer, now)),
            Then::Upload(key) => self.finish(match answer {
                Ok(response) if matches!(response.status, 200..=299) => Outcome::UploadReady(key),
                Ok(response) => Outcome::Failed(publish::upload_refused(&response, now)),
                Err(failure) => Outcome::Failed(failure),
            }),
            Then::StationFreed(agent, station, tries) => self.freed(agent, station, tries, answer, now),
            Then::StationTaken(agent, station, tries) => self.taken(agent, station, tries, answer, now),
            Then::ReadSchedule
            | Then::UploadUrl(_)
            | Then::Users(_)
            | Then::Phones
            | Then::Phone(_)
            | Then::Accepted
            | Then::StationFound(_) => match answer.and_then(|response| failure::accepted(response, now)) {
                Ok(response) => self.read(then, &response),
                Err(failure) => self.finish(Outcome::Failed(failure)),
            },
        }
    }

    /// What a good answer holds.
    fn read(&mut self, then: Then, response: &Response) {
        let outcome = match then {
            Then::ReadSchedule => publish::state_of(response).map(Outcome::Schedule),
            Then::UploadUrl(body) => match publish::upload(response, body) {
                Ok((ask, key)) => return self.go_on(ask, Then::Upload(key)),
                Err(failure) => Err(failure),
            },
            Then::Users(seats) => users::seen(response, &seats).map(Outcome::Users),
            Then::Phones => phones::seen_on_page(response).map(|(seen, pages)| Outcome::Phones { seen, pages }),
            Then::Phone(agent) => phones::seen_alone(response, &agent).map(|seen| Outcome::Phones { seen, pages: 1 }),
            Then::StationFound(agent) => match stations::found(response, &agent) {
                Ok(found) => return self.reassociate(agent, found),
                Err(failure) => Err(failure),
            },
            Then::Accepted
            | Then::Upload(_)
            | Then::Publish
            | Then::Granted(_)
            | Then::Refreshed(_)
            | Then::Probed
            | Then::StationFreed(..)
            | Then::StationTaken(..) => Ok(Outcome::RemedyAccepted),
        };
        self.finish(outcome.unwrap_or_else(Outcome::Failed));
    }

    fn reassociate(&mut self, agent: AgentId, found: stations::Found) {
        match found.hold {
            Hold::Associated => {
                let ask = stations::free(&found.station);
                self.go_on(ask, Then::StationFreed(agent, found.station, 1));
            }
            Hold::Available => {
                let ask = stations::take(&agent, &found.station);
                self.go_on(ask, Then::StationTaken(agent, found.station, 1));
            }
        }
    }

    fn freed(
        &mut self,
        agent: AgentId,
        station: StationId,
        tries: u8,
        answer: Result<Response, Failure>,
        now: Timestamp,
    ) {
        let failure = match answer.and_then(|response| failure::accepted(response, now)) {
            Ok(_) => return self.take_again(agent, station),
            // 404: nobody holds it any more, which is what was wanted.
            Err(failure) if failure.kind == FailureKind::NotFound => return self.take_again(agent, station),
            Err(failure) => failure,
        };
        if failure.kind.effect() == Effect::Possible {
            self.station = Freed::Perhaps;
        }
        let again_at = now + stations::PAUSE_MS;
        let in_time = self.not_after.is_none_or(|last| again_at <= last);
        if in_time && stations::passes(&failure) && tries < stations::TRIES_MAX {
            let ask = stations::free(&station);
            self.go_on_at(again_at, ask, Then::StationFreed(agent, station, tries + 1));
        } else if self.station == Freed::Perhaps {
            self.take_again(agent, station);
        } else {
            self.finish(Outcome::Failed(failure));
        }
    }

    /// Whoever was freed, or may have been, must not stay without a station: from here on nothing is too late.
    fn take_again(&mut self, agent: AgentId, station: StationId) {
        (self.station, self.not_after) = (Freed::Perhaps, None);
        let ask = stations::take(&agent, &station);
        self.go_on(ask, Then::StationTaken(agent, station, 1));
    }

    fn taken(
        &mut self,
        agent: AgentId,
        station: StationId,
        tries: u8,
        answer: Result<Response, Failure>,
        now: Timestamp,
    ) {
        match answer.and_then(|response| failure::accepted(response, now)) {
            Ok(_) => self.finish(Outcome::RemedyAccepted),
            Err(failure) if stations::passes(&failure) && tries < stations::TRIES_MAX => {
                let ask = stations::take(&agent, &station);
                self.go_on_at(now + stations::PAUSE_MS, ask, Then::StationTaken(agent, station, tries + 1));
            }
            Err(failure) if self.station == Freed::Perhaps => {
                self.finish(Outcome::Failed(stations::freed_only(stations::gone(failure))));
            }
            Err(failure) => self.finish(Outcome::Failed(stations::gone(failure))),
        }
    }

    fn go_on(&mut self, ask: Ask, then: Then) {
        self.go_on_at(Timestamp(i64::MIN), ask, then);
    }

    fn go_on_at(&mut self, at: Timestamp, ask: Ask, then: Then) {
        (self.step, self.then) = (Step::Ask(at, Box::new(self.stamped(ask))), then);
    }

    fn stamp(mut self) -> Call {
        if let Step::Ask(at, ask) = &self.step {
            self.step = Step::Ask(*at, Box::new(self.stamped(ask.as_ref().clone())));
        }
        self
    }

    fn stamped(&self, ask: Ask) -> Ask {
        let ask = ask.for_party(self.party);
        match self.not_after {
            Some(at) => ask.not_after(at),
            None => ask,
        }
    }

    fn finish(&mut self, outcome: Outcome) {
        self.step = done(outcome, None);
    }
}

fn first(command: &Command, plan: &Plan, held: Option<Grant>) -> Result<(Step, Then), Outcome> {
    let one = |seat: Seat| agent_in(plan, seat);
    let start = match command {
        Command::ReadSchedule => (ask_now(publish::read(plan)), Then::ReadSchedule),
        Command::PrepareUpload { version } => {
            let body = publish::upload_body(plan, *version);
            (ask_now(publish::upload_url(plan, body.len())), Then::UploadUrl(body))
        }
        Command::Publish { upload } => (ask_now(publish::publish(plan, upload)), Then::Publish),
        Command::RefreshToken { via, .. } => refresh(*via, held)?,
        Command::ReadUsers { seats, .. } => {
            let agents = seats.iter().map(|seat| Ok((one(*seat)?, *seat))).collect::<Result<Vec<_>, Outcome>>()?;
            somebody(&agents)?;
            (ask_now(users::read(&agents)), Then::Users(agents))
        }
        Command::ReadPhones { page, .. } => (ask_now(phones::read_page((*page).max(1))), Then::Phones),
        Command::ReadPhone { seat, phone } => (ask_now(phones::read_one(phone)), Then::Phone(one(*seat)?)),
        Command::ProbeMedia { .. } => probe(held)?,
        Command::ResetSessions { seats } => {
            let agents = seats.iter().map(|seat| one(*seat)).collect::<Result<Vec<_>, Outcome>>()?;
            somebody(&agents)?;
            (Step::Reset(agents), Then::Accepted)
        }
        Command::Reassociate { seat } => {
            let agent = one(*seat)?;
            (ask_now(stations::find(&agent)), Then::StationFound(agent))
        }
        Command::RebootPhones { phones } => {
            somebody(phones)?;
            (ask_now(phones::reboot(phones)), Then::Accepted)
        }
        Command::RevokeTokens { seat } => (ask_now(tokens::revoke(&one(*seat)?)), Then::Accepted),
        Command::Preflight => return Err(not_here("a preflight is several questions")),
        Command::ReadPages { .. } | Command::TellPage { .. } => {
            return Err(not_here("an agent's page is not asked by the platform's client"));
        }
        Command::RunHooks { .. } => return Err(not_here("hooks are not run by the platform's client")),
    };
    Ok(start)
}

fn refresh(via: TokenVia, held: Option<Grant>) -> Result<(Step, Then), Outcome> {
    let held = held.ok_or_else(|| not_here("the vault holds no refresh token of this agent"))?;
    match (via, &held.access_token) {
        (TokenVia::Grant, _) => Ok((ask_now(tokens::refresh_by_grant(&held)), Then::Granted(held))),
        (TokenVia::Reported, Some((access, _))) => {
            Ok((ask_now(tokens::refresh_reported(access)), Then::Refreshed(held)))
        }
        (TokenVia::Reported, None) => Err(not_here("the vault holds no access token of this agent")),
    }
}

fn probe(held: Option<Grant>) -> Result<(Step, Then), Outcome> {
    match held.and_then(|held| held.access_token) {
        Some((access, expires_at)) => Ok((Step::Probe(access, expires_at), Then::Probed)),
        None => Err(Outcome::Probed(ProbeState::Unknown)),
    }
}

fn ask_now(ask: Ask) -> Step {
    Step::Ask(Timestamp(i64::MIN), Box::new(ask))
}

fn done(outcome: Outcome, grant: Option<Grant>) -> Step {
    Step::Done(Box::new(Done { outcome, grant }))
}

fn not_here(why: &str) -> Outcome {
    Outcome::Failed(failure::local(FailureKind::Local, why))
}

/// A request that names nobody could mean everybody, so it is not made.
fn somebody<T>(named: &[T]) -> Result<(), Outcome> {
    if named.is_empty() { Err(not_here("the command names nobody")) } else { Ok(()) }
}

fn agent_in(plan: &Plan, seat: Seat) -> Result<AgentId, Outcome> {
    let member = plan.member(seat).ok_or_else(|| not_here("the plan has no agent in this seat"))?;
    Ok(member.agent.clone())
}

fn secrets_of(command: &Command, held: Option<&Grant>) -> Vec<Secret> {
    let mut secrets = Vec::new();
    if let Command::Publish { upload } = command {
        secrets.push(upload.0.clone());
    }
    if let Some(held) = held {
        secrets.push(held.refresh_token.clone());
        secrets.extend(held.access_token.iter().map(|(token, _)| token.clone()));
    }
    secrets
}

fn scrub(outcome: &mut Outcome, org: &Org, own: &[Secret]) {
    use crate::law::command::PublishAnswer;
    let failure = match outcome {
        Outcome::Failed(failure)
        | Outcome::TokenDead { failure }
        | Outcome::Published { answer: PublishAnswer::NotDone(failure) | PublishAnswer::Doubt(failure), .. } => failure,
        Outcome::Schedule(_)
        | Outcome::UploadReady(_)
        | Outcome::Published { answer: PublishAnswer::Accepted { .. }, .. }
        | Outcome::TokenRefreshed { .. }
        | Outcome::TokenLeft { .. }
        | Outcome::Users(_)
        | Outcome::Phones { .. }
        | Outcome::Probed(_)
        | Outcome::Pages(_)
        | Outcome::PageTold(_)
        | Outcome::RemedyAccepted
        | Outcome::Preflighted(_)
        | Outcome::HooksRan(_) => return,
    };
    failure::scrub(failure, org.secrets().chain(own));
}
