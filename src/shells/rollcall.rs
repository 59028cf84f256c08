//! Calls the roll of a business unit: reads every signal once, in bulk, hears the pages that are connected, and gives it all to
//! [`law::rollcall`](crate::law::rollcall).
//!
//! Must never: change anything in the org, or ask about one agent alone.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use serde::Serialize;
use utoipa::ToSchema;

use crate::hands::companion::Pages;
use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::staging::{self, read::read, units::names_in};
use crate::hands::genesys::{Client, phones, users};
use crate::law::command::{Failure, PhoneSeen};
use crate::law::event::Tally;
use crate::law::page::PageState;
use crate::law::plan::Limits;
use crate::law::rollcall::{PhoneReads, RollCall};
use crate::law::verdict::{CallState, PhoneState, PresenceState, StationState, Verdict};
use crate::shells::pages;
use crate::shells::report::agent::verdict_words;
use crate::shells::report::pictures::Kind;
use crate::shells::stage::{Refusal, find_unit, refused_by_platform};
use crate::words::clock::Timestamp;
use crate::words::http::Response;
use crate::words::id::{AgentId, BusinessUnitId, Seat};

/// Whose roll is called.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The business unit's id.
    pub id: BusinessUnitId,
    /// Its name.
    pub name: String,
    agents: Vec<AgentId>,
}

impl Unit {
    /// How many agents it has.
    #[must_use]
    pub fn agents(&self) -> usize {
        self.agents.len()
    }
}

/// What a roll call brought.
#[derive(Debug)]
pub struct Called {
    /// The business unit's name.
    pub unit: String,
    /// Everybody's answer.
    pub roll: RollCall,
    /// Names, where the platform tells them.
    pub names: BTreeMap<AgentId, String>,
    /// What could not be read, one sentence each; whom it concerns is unknown.
    pub gaps: Vec<String>,
    /// When it began and ended.
    pub span: Span,
    /// Requests for signals.
    pub reads: usize,
}

/// From the first read to the last answer.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Span {
    /// When the first read left.
    pub from: Timestamp,
    /// When the last answer was in.
    pub to: Timestamp,
}

/// What a roll call brought, for programs.
#[derive(Debug, Serialize, ToSchema)]
pub struct RollDocument<'a> {
    /// The business unit's name.
    business_unit: &'a str,
    /// When the first read left.
    #[schema(format = "date-time")]
    from: String,
    /// When the last answer was in.
    #[schema(format = "date-time")]
    to: String,
    /// Requests for signals.
    reads: usize,
    /// How many agents have which verdict.
    #[schema(value_type = Object)]
    tally: Tally,
    /// What could not be read, one sentence each.
    gaps: &'a [String],
    /// Everybody.
    agents: Vec<CalledDocument<'a>>,
}

/// One agent's answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalledDocument<'a> {
    /// The platform's user id.
    agent: &'a str,
    /// The name, where the platform tells it.
    name: Option<&'a str>,
    /// The verdict, with its reason.
    #[schema(value_type = Value)]
    verdict: Verdict,
    /// How the agent's cell is drawn: ready, oncall, loggedout, unknown or straggler.
    cell: &'static str,
    /// The verdict in words.
    words: String,
    /// Each signal.
    signals: SignalsDocument<'a>,
}

/// Signals, each with when it was read; null for never.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignalsDocument<'a> {
    /// Where the agent's calls ring.
    #[schema(value_type = Value)]
    station: &'a StationState,
    /// Whether the agent is logged in.
    #[schema(value_type = String)]
    presence: PresenceState,
    /// Whether the agent is on a call.
    #[schema(value_type = String)]
    call: CallState,
    /// When these three were read.
    #[schema(format = "date-time")]
    users_read_at: Option<String>,
    /// Whether the softphone's phone answers.
    #[schema(value_type = String)]
    phone: PhoneState,
    /// When that was read.
    #[schema(format = "date-time")]
    phones_read_at: Option<String>,
    /// What the companion in the agent's page said.
    #[schema(value_type = String)]
    page: PageState,
    /// When the agent's newest token was issued.
    #[schema(format = "date-time")]
    token_issued: Option<String>,
}

/// The business unit with this id or name, with its agents.
///
/// # Errors
/// [`Refusal`] when it cannot be found or read.
pub async fn unit(client: &Client, wanted: &str) -> Result<Unit, Refusal> {
    let unit = find_unit(client, wanted).await?;
    let agents = staging::agents_of(client, &unit.id).await.map_err(refused_by_platform("reading its agents"))?;
    Ok(Unit { id: unit.id, name: unit.name, agents })
}

/// Calls the roll, where agents' `pages` can be heard theirs as well. What cannot be read is a gap, and whom it concerns is
/// unknown.
pub async fn call(client: &Client, unit: &Unit, limits: &Limits, pages: Option<&Pages>) -> Called {
    let from = client.clock().now();
    let mut called = Called {
        unit: unit.name.clone(),
        roll: RollCall::of(unit.agents.iter().cloned()),
        names: BTreeMap::new(),
        gaps: Vec::new(),
        span: Span { from, to: from },
        reads: 0,
    };
    if !called.roll.seated().is_empty() {
        let (users, phones) = tokio::join!(read_users(client, &called.roll, limits), read_phones(client, limits));
        called.take_in_users(users);
        called.take_in_phones(phones);
    }
    if let Some(pages) = pages {
        called.hear(pages).await;
    }
    called.span.to = client.clock().now();
    called
}

type UsersRead = (Vec<(AgentId, Seat)>, Timestamp, Result<Response, Failure>);
type PhonesRead = (Timestamp, Result<(Vec<PhoneSeen>, u32), Failure>);

async fn read_users(client: &Client, roll: &RollCall, limits: &Limits) -> Vec<UsersRead> {
    let batches = roll.seated().chunks(limits.bulk_ids_max).map(<[_]>::to_vec).collect::<Vec<_>>();
    let asked = batches.into_iter().map(|batch| async move {
        let answer = read(client, users::read(&batch)).await;
        (batch, client.clock().now(), answer)
    });
    stream::iter(asked).buffered(limits.in_flight_max).collect().await
}

/// The first page tells how many there are.
async fn read_phones(client: &Client, limits: &Limits) -> Vec<PhonesRead> {
    let page = |ask: Ask| async move {
        let answer = read(client, ask).await.and_then(|response| phones::seen_on_page(&response));
        (client.clock().now(), answer)
    };
    let first = page(phones::read_page(1)).await;
    let pages = first.1.as_ref().map_or(1, |(_, pages)| *pages);
    let others = stream::iter((2..=pages).map(|n| page(phones::read_page(n)))).buffered(limits.in_flight_max);
    let others: Vec<PhonesRead> = others.collect().await;
    std::iter::once(first).chain(others).collect()
}

/// An answer in an admin's words. On a day without a publish nobody has helped, and nobody has to say so.
#[must_use]
pub fn answer_words(verdict: Verdict) -> String {
    match verdict {
        Verdict::Ready => "ready".to_owned(),
        Verdict::Recovered { .. } | Verdict::Deferred { .. } | Verdict::Straggler { .. } | Verdict::Unknown { .. } => {
            verdict_words(Some(verdict))
        }
    }
}

impl Called {
    /// The same for programs.
    #[must_use]
    pub fn document(&self) -> RollDocument<'_> {
        // The epoch means never.
        let at = |at: Timestamp| (at.0 > 0).then(|| at.rfc3339());
        let agents = self.roll.answers().map(|(id, agent, verdict)| CalledDocument {
            agent: id.as_str(),
            name: self.names.get(id).map(String::as_str),
            verdict,
            cell: Kind::of(Some(verdict)).class(),
            words: answer_words(verdict),
            signals: SignalsDocument {
                station: &agent.signals.station,
                presence: agent.signals.presence,
                call: agent.signals.call,
                users_read_at: at(agent.seen.users),
                phone: agent.signals.phone,
                phones_read_at: at(agent.seen.phone),
                page: agent.signals.page,
                token_issued: agent.token_issued.map(Timestamp::rfc3339),
            },
        });
        RollDocument {
            business_unit: &self.unit,
            from: self.span.from.rfc3339(),
            to: self.span.to.rfc3339(),
            reads: self.reads,
            tally: self.roll.tally(),
            gaps: &self.gaps,
            agents: agents.collect(),
        }
    }
    /// Hears the pages that are connected; those that have said nothing since the roll call began are asked.
    async fn hear(&mut self, pages: &Pages) {
        let here = |(agent, _): &(AgentId, Seat)| pages.has_page(agent);
        let asked = self.roll.seated().into_iter().filter(here).map(|(agent, seat)| (seat, agent)).collect();
        for page in pages::read(pages, asked, self.span.from).await {
            self.roll.see_page(&page);
        }
    }
    fn take_in_users(&mut self, reads: Vec<UsersRead>) {
        self.reads += reads.len();
        for (batch, at, answer) in reads {
            let seen = answer.and_then(|response| Ok((users::seen(&response, &batch)?, names_in(&response)?)));
            match seen {
                Ok((seen, names)) => {
                    self.roll.see_users(at, &seen);
                    self.names.extend(names);
                }
                Err(failure) => self.gaps.push(format!("{} agents could not be read: {failure}", batch.len())),
            }
        }
    }
    fn take_in_phones(&mut self, reads: Vec<PhonesRead>) {
        self.reads += reads.len();
        let mut whole = PhoneReads::Whole;
        let ended = reads.iter().map(|(at, _)| *at).max().unwrap_or(self.span.from);
        for (at, answer) in reads {
            match answer {
                Ok((seen, _)) => self.roll.see_phones(at, &seen),
                Err(failure) => {
                    whole = PhoneReads::Torn;
                    self.gaps.push(format!("a page of phones could not be read: {failure}"));
                }
            }
        }
        self.roll.phones_read(ended, whole);
    }
}
