//! The story of a run: a fold of its records into what people want to know.
//!
//! Must never: read anything but records (house rule 7), or walk over the roster because of one event: 100,000 agents
//! are a cohort like any other.

use std::collections::HashMap;

use crate::law::command::{Failure, PhoneSeen};
use crate::law::event::{Attempt, Event, Phase, Record, StopKind, Tally};
use crate::law::losses::Losses;
use crate::law::plan::{Member, Plan};
use crate::law::spent::Spent;
use crate::law::verdict::{PhoneState, ProbeState, Rung, Verdict};
use crate::shells::report::agent::{AgentStory, Happening, Refused, TokenStory, shared};
use crate::shells::report::control::{Side, concern_words};
use crate::shells::report::facts::{
    Bounded, Brake, Claim, Counts, Ending, HookProblem, PhaseSpan, ProbeCounts, PublishStory, RefreshCounts, RungStory,
    Series, Unavailable,
};
use crate::shells::report::story::gate::Gate;
use crate::shells::report::waves::Waves;
use crate::shells::report::words::Zone;
use crate::words::clock::Timestamp;
use crate::words::hook::{HookPoint, HookRun};
use crate::words::id::{AgentId, Seat};

/// Everything that the faces of a run are drawn from.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// What the run intends; `None` before its first record.
    pub plan: Option<Box<Plan>>,
    /// The zone in which the run speaks.
    pub zone: Zone,
    /// When the first and the newest record were made.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Records heard.
    pub records: u64,
    /// When a process took the run up; the first is its start, each other one a restart.
    pub taken_up: Bounded<Timestamp>,
    /// The phases, in order.
    pub phases: Bounded<PhaseSpan>,
    /// The publish.
    pub publish: PublishStory,
    /// Refreshes of tokens.
    pub refresh: RefreshCounts,
    /// Agents by verdict, now.
    pub counts: Counts,
    /// Agents by verdict, over time.
    pub series: Series,
    /// One story per seat of the roster.
    pub agents: Vec<AgentStory>,
    /// Agents that were a straggler at any time.
    pub found: u32,
    /// How each rung did, by [`Rung::index`].
    pub rungs: [RungStory; Rung::ALL.len()],
    /// The waves of each rung, by [`Rung::index`].
    pub waves: [Waves; Rung::ALL.len()],
    /// What people told it, and what the publish waited for.
    pub control: Bounded<(Timestamp, std::sync::Arc<str>)>,
    /// What a person keeps from going on; `None` before its first record.
    pub gate: Option<Gate>,
    /// Brakes.
    pub brakes: Bounded<Brake>,
    /// What the org does not offer.
    pub unavailable: Bounded<Unavailable>,
    /// Hooks that ran.
    pub hooks_ran: u64,
    /// Hooks that did not end well.
    pub hook_problems: Bounded<HookProblem>,
    /// What the probe said before the publish was claimed, and after.
    pub probes: (ProbeCounts, ProbeCounts),
    /// Reads that brought nothing, and the newest reason.
    pub reads_failed: (u64, Option<std::sync::Arc<str>>),
    /// Softphones that were lost, before the publish and after it.
    pub losses: Losses,
    /// The calls that it has spent.
    pub spent: Spent,
    /// When everyone had a verdict, and the tally that was recorded.
    pub settled: Option<(Timestamp, Tally)>,
    /// When and why it stopped.
    pub stopped: Option<(Timestamp, StopKind, std::sync::Arc<str>)>,
    seats: HashMap<AgentId, Seat>,
}

/// What is said of an agent has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The agent.
    pub seat: Seat,
    /// What was said before.
    pub before: Option<Verdict>,
    /// What is said now.
    pub after: Verdict,
}

impl Story {
    /// The story that the records tell.
    #[must_use]
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Story {
        let mut story = Story::default();
        for record in records {
            story.hear(record);
        }
        story
    }

    /// On which side of the claim the story stands.
    #[must_use]
    pub fn side(&self) -> Side {
        // A claim that is proven not done leaves nothing behind.
        let claimed = self.publish.claims.total() > self.publish.not_done.total() || self.publish.confirmed.is_some();
        if claimed { Side::AfterTheClaim } else { Side::BeforeTheClaim }
    }

    /// Takes in one record. Gives back whose verdict changed; empty for most records.
    pub fn hear(&mut self, record: &Record) -> Vec<Turn> {
        let at = record.at;
        self.records += 1;
        self.losses.hear(record);
        self.span = Some((self.span.map_or(at, |(first, _)| first), at));
        if let Some(words) = self.control_words(&record.event) {
            self.control.push((at, shared(&words)));
        }
        match &record.event {
            Event::Ordered { wish, agent, who, why, .. } => {
                self.ordered(*wish);
                self.ordered_for(at, agent.as_ref(), who, why);
            }
            Event::Spent { calls, refused, .. } => {
                self.spent = self.spent.plus(Spent { calls: *calls, refused: *refused });
            }
            Event::OrderRefused { .. }
            | Event::OrderUnread { .. }
            | Event::PublishWaits { .. }
            | Event::PublishLate { .. }
            | Event::Watched { .. } => {}
            Event::Pushed { legs, .. } => {
                for (seat, state) in legs {
                    if let Some(agent) = self.agents.get_mut(seat.index()) {
                        agent.add(at, Happening::Leg(*state));
                    }
                }
            }
            Event::Drifted { drift, policy } => self.at_the_gate(|gate| gate.drifted(*drift, *policy)),
            Event::Preflighted { concerns } => {
                let told = concerns.iter().map(|concern| (at, shared(&concern_words(concern))));
                told.for_each(|line| self.control.push(line));
            }
            Event::PublishSent { left, .. } => self.publish.left = Some(*left),
            Event::PublishedElsewhere { version } => {
                self.publish.elsewhere = Some((at, *version));
                self.publish.confirmed.get_or_insert((at, *version));
                self.at_the_gate(Gate::published_elsewhere);
            }
            Event::Staged { plan } => self.stage(plan),
            Event::TakenUp => self.taken_up.push(at),
            Event::PhaseEntered { phase } => self.enter(at, *phase),
            Event::HooksRan { point, seat, results } => self.hooks(at, *point, *seat, results),
            Event::RefreshStarted { seat, via } => {
                self.count_as_remedy(*seat);
                self.token(*seat, TokenStory::UnderWay, at, Happening::RefreshStarted(*via));
            }
            Event::TokenRefreshed { seat, expires_at } => {
                self.token(*seat, TokenStory::Fresh, at, Happening::Refreshed(*expires_at));
            }
            Event::TokenLeft { seat, made_at, expires_at } => {
                self.token(*seat, TokenStory::Left, at, Happening::TokenLeft(*made_at, *expires_at));
            }
            Event::RefreshFailed { seat, failure, again_at } => {
                let state = if again_at.is_some() { TokenStory::UnderWay } else { TokenStory::Failed };
                let what = Happening::RefreshFailed { why: words(failure), again_at: *again_at };
                self.token(*seat, state, at, what);
                self.refused(at, &[*seat], failure);
            }
            Event::TokenDead { seat, failure } => {
                self.refused(at, &[*seat], failure);
                self.token(*seat, TokenStory::Dead, at, Happening::TokenDead(words(failure)));
            }
            Event::RungUnavailable { rung, failure } => {
                self.at_the_gate(|gate| gate.unavailable(*rung));
                self.unavailable.push(Unavailable { at, what: rung.words(), why: words(failure) });
            }
            Event::ProbeUnavailable { failure } => {
                self.unavailable.push(Unavailable { at, what: "media-token probe", why: words(failure) });
            }
            Event::ScheduleSeen { version, published } => self.publish.seen = Some((at, *version, *published)),
            Event::PublishClaimed { attempt, late_ms } => {
                self.publish.claims.push(Claim { attempt: *attempt, at, late_ms: *late_ms });
                self.enter(at, Phase::Publishing);
            }
            Event::PublishAccepted { operation } => self.publish.accepted = Some((at, operation.clone())),
            Event::PublishNotDone { failure, .. } => self.publish.not_done.push((at, words(failure))),
            Event::PublishDoubted { why, .. } => {
                self.publish.doubts.push((at, shared(why)));
                self.enter(at, Phase::Publishing);
            }
            Event::PublishConfirmed { version } => {
                self.publish.confirmed.get_or_insert((at, *version));
            }
            Event::PublishUnconfirmed { looked_ms } => {
                self.publish.unconfirmed = Some((at, *looked_ms));
                self.enter(at, Phase::InDoubt);
            }
            Event::UsersSeen { seen } => {
                for user in seen {
                    self.with(user.seat, |agent| agent.see(at, user));
                }
            }
            Event::PhonesSeen { seen } => self.phones(at, seen),
            Event::PhonesAbsent { seats } => {
                self.each(seats, |agent| agent.see_phone(at, PhoneState::Absent));
            }
            Event::Probed { seat, result } => self.probed(at, *seat, *result),
            Event::PagesSeen { seen } => seen.iter().for_each(|page| self.page_said(at, page.seat, page.state)),
            Event::PageTold { seat, errand, answer } => self.page_told(at, *seat, *errand, answer),
            Event::ReadFailed { failure } => self.reads_failed = (self.reads_failed.0 + 1, Some(words(failure))),
            Event::Judged { verdicts } => return self.judge(at, verdicts),
            Event::RemedyStarted { rung, seats } => self.remedy_started(at, *rung, seats),
            // What the hooks that ask did, and what the page was told, are moments of their own.
            Event::RemedyAccepted { rung: Rung::Ask, .. } => {}
            Event::RemedyAccepted { rung, seats } => {
                self.each(seats, |agent| agent.add(at, Happening::RemedyAccepted(*rung)));
            }
            Event::RemedyFailed { rung, seats, failure, attempt, .. } => {
                let why = words(failure);
                self.each(seats, |agent| agent.add(at, Happening::RemedyFailed(*rung, why.clone())));
                self.refused(at, seats, failure);
                match attempt {
                    Attempt::Made => self.rung(*rung).failed += seats.len() as u32,
                    Attempt::NotMade => self.remedy_unsent(*rung, seats),
                }
            }
            Event::BrakeApplied { rung, why } => {
                self.at_the_gate(|gate| gate.braked(*rung));
                self.brakes.push(Brake { at, rung: *rung, why: shared(why) });
            }
            Event::Settled { tally } => self.settled = Some((at, *tally)),
            Event::Stopped { kind, why } => self.stopped = Some((at, *kind, shared(why))),
        }
        Vec::new()
    }

    fn refused(&mut self, at: Timestamp, seats: &[Seat], failure: &Failure) {
        let refused = Refused::of(at, failure);
        self.each(seats, |agent| agent.refused = Some(refused.clone()));
    }

    /// The agent in a seat, with its story.
    #[must_use]
    pub fn agent(&self, seat: Seat) -> Option<(&Member, &AgentStory)> {
        Some((self.plan.as_ref()?.member(seat)?, self.agents.get(seat.index())?))
    }
    /// Every agent with its story, in the order of the roster.
    pub fn everyone(&self) -> impl Iterator<Item = (Seat, &Member, &AgentStory)> {
        let roster = self.plan.iter().flat_map(|plan| &plan.roster);
        roster.zip(&self.agents).enumerate().map(|(at, (member, agent))| (Seat(at as u32), member, agent))
    }
    /// The phase that the run is in.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.settled {
            // To settle is to enter that phase, as for the run itself.
            Some(_) => Phase::Settled,
            None => self.phases.items.last().map_or(Phase::Waiting, |span| span.phase),
        }
    }
    /// When a phase was first entered.
    #[must_use]
    pub fn began(&self, phase: Phase) -> Option<Timestamp> {
        self.phases.items.iter().find(|span| span.phase == phase).map(|span| span.begin)
    }
    /// T, or the first record's time when there is no plan yet.
    #[must_use]
    pub fn publish_at(&self) -> Timestamp {
        let first = self.span.map(|(first, _)| first).unwrap_or_default();
        self.plan.as_ref().map_or(first, |plan| plan.publish_at)
    }
    /// How the run stands.
    #[must_use]
    pub fn ending(&self) -> Ending {
        if let Some((_, kind, why)) = &self.stopped {
            return Ending::Stopped { kind: *kind, why: why.clone() };
        }
        match (self.settled, self.phase()) {
            (Some(_), _) | (None, Phase::Settled) => Ending::Settled,
            (None, Phase::InDoubt) => Ending::InDoubt,
            (None, phase) => Ending::Open(phase),
        }
    }
    /// From T until the agent was ready, in ms; `None` for an agent that is not.
    #[must_use]
    pub fn ready_after_ms(&self, agent: &AgentStory) -> Option<i64> {
        agent.ready_at.map(|at| at.since_ms(self.publish_at()))
    }
    /// Stragglers that were found and can take calls now.
    #[must_use]
    pub fn cured(&self) -> u32 {
        self.counts.tally.recovered
    }

    fn stage(&mut self, plan: &Plan) {
        let seats = plan.roster.iter().enumerate().map(|(at, member)| (member.agent.clone(), Seat(at as u32)));
        self.seats = seats.collect();
        self.zone = Zone::named(&plan.zone);
        self.agents = vec![AgentStory::default(); plan.roster.len()];
        self.counts = Counts { unjudged: plan.roster.len() as u32, ..Counts::default() };
        let refreshable = plan.mechanisms.oauth_refresh || plan.mechanisms.authentication_refresh;
        let enrolled = plan.roster.iter().filter(|member| member.enrolled && refreshable).count();
        self.refresh = RefreshCounts { enrolled: enrolled as u32, ..RefreshCounts::default() };
        self.gate = Some(Gate::of(plan));
        self.plan = Some(Box::new(plan.clone()));
    }
    fn enter(&mut self, at: Timestamp, phase: Phase) {
        match self.phases.items.last_mut() {
            Some(last) if last.phase == phase && last.end.is_none() => return,
            Some(last) => last.end = Some(at),
            None => {}
        }
        // A run that was in doubt goes on when somebody looks again.
        match phase {
            Phase::Settled | Phase::Stopped | Phase::InDoubt | Phase::Waiting => {}
            Phase::Refreshing | Phase::Preparing | Phase::Publishing | Phase::Checking | Phase::Settling => {
                self.stopped = None;
            }
        }
        self.phases.push(PhaseSpan { phase, begin: at, end: None });
    }
    fn hooks(&mut self, at: Timestamp, point: HookPoint, seat: Option<Seat>, results: &[HookRun]) {
        self.hooks_ran += results.len() as u64;
        let mut problems = 0;
        for problem in results.iter().filter_map(|result| HookProblem::of(at, point, result)) {
            problems += 1;
            self.hook_problems.push(problem);
        }
        if let Some(seat) = seat {
            let ran = results.len() as u32;
            self.with(seat, |agent| agent.add(at, Happening::Asked { ran, problems }));
        }
        // Where no hook is enabled nobody was asked, and asking was not tried.
        seat.iter().filter(|_| results.is_empty()).for_each(|seat| self.remedy_unsent(Rung::Ask, &[*seat]));
    }
    fn token(&mut self, seat: Seat, after: TokenStory, at: Timestamp, what: Happening) {
        let is_before = self.side() == Side::BeforeTheClaim;
        let Some(agent) = self.agents.get_mut(seat.index()) else { return };
        // Dead stays dead, whatever else is tried, until a new token proves otherwise.
        let after =
            if agent.token == TokenStory::Dead && after != TokenStory::Fresh { TokenStory::Dead } else { after };
        let before = std::mem::replace(&mut agent.token, after);
        if is_before {
            agent.at_publish.token = after;
        }
        agent.add(at, what);
        if let Some(n) = token_count(&mut self.refresh, before) {
            *n = n.saturating_sub(1);
        }
        if let Some(n) = token_count(&mut self.refresh, after) {
            *n += 1;
        }
    }
    /// A refresh during the check is a remedy, whether or not it was also announced as one.
    fn count_as_remedy(&mut self, seat: Seat) {
        if self.phase() != Phase::Checking {
            return;
        }
        let Some(agent) = self.agents.get_mut(seat.index()) else { return };
        if let Some(tried) = agent.tried.get_mut(Rung::TokenRefresh.index())
            && *tried == 0
        {
            *tried = 1;
            let rung = self.rung(Rung::TokenRefresh);
            rung.agents += 1;
            rung.starts += 1;
        }
    }
    fn phones(&mut self, at: Timestamp, seen: &[PhoneSeen]) {
        for phone in seen {
            if let Some(seat) = self.seats.get(&phone.agent).copied() {
                self.with(seat, |agent| agent.see_phone(at, phone.state));
            }
        }
    }
    fn probed(&mut self, at: Timestamp, seat: Seat, result: ProbeState) {
        let side = if self.publish.claims.items.is_empty() { &mut self.probes.0 } else { &mut self.probes.1 };
        match result {
            ProbeState::Accepted => side.accepted += 1,
            ProbeState::Refused => side.refused += 1,
            ProbeState::Unknown => {}
        }
        self.with(seat, |agent| agent.add(at, Happening::Probed(result)));
    }
    fn judge(&mut self, at: Timestamp, verdicts: &[(Seat, Verdict)]) -> Vec<Turn> {
        let mut turns = Vec::new();
        for (seat, after) in verdicts {
            let Some(agent) = self.agents.get_mut(seat.index()) else { continue };
            let was_found = agent.first_not_ready.is_some();
            let before = agent.judge(at, *after);
            if before == Some(*after) {
                continue;
            }
            self.found += u32::from(!was_found && agent.first_not_ready.is_some());
            self.counts.turn(before, *after);
            self.recount_cures(before, *after);
            turns.push(Turn { seat: *seat, before, after: *after });
        }
        self.series.add(at, self.counts);
        turns
    }
    fn recount_cures(&mut self, before: Option<Verdict>, after: Verdict) {
        if let Some(Verdict::Recovered { by }) = before {
            let rung = self.rung(by);
            rung.cured = rung.cured.saturating_sub(1);
        }
        if let Verdict::Recovered { by } = after {
            self.rung(by).cured += 1;
            if let Some(waves) = self.waves.get_mut(by.index()) {
                waves.helped();
            }
        }
    }
    /// What never left was not tried.
    fn remedy_unsent(&mut self, rung: Rung, seats: &[Seat]) {
        for seat in seats {
            let Some(agent) = self.agents.get_mut(seat.index()) else { continue };
            let Some(tried) = agent.tried.get_mut(rung.index()).filter(|n| **n > 0) else { continue };
            *tried -= 1;
            let was_only = *tried == 0;
            let story = self.rung(rung);
            story.agents = story.agents.saturating_sub(u32::from(was_only));
            story.starts = story.starts.saturating_sub(1);
            if let Some(waves) = self.waves.get_mut(rung.index()) {
                waves.unsent(1);
            }
        }
    }
    fn remedy_started(&mut self, at: Timestamp, rung: Rung, seats: &[Seat]) {
        let canary = self.plan.as_ref().map_or(0, |plan| plan.remedies.canary);
        if let Some(waves) = self.waves.get_mut(rung.index()) {
            waves.begun(at, seats.len() as u32, canary);
        }
        for seat in seats {
            let Some(agent) = self.agents.get_mut(seat.index()) else { continue };
            agent.add(at, Happening::RemedyStarted(rung));
            let Some(tried) = agent.tried.get_mut(rung.index()) else { continue };
            // One refresh may be announced twice, as a refresh and as a remedy.
            if rung == Rung::TokenRefresh && *tried > 0 {
                continue;
            }
            *tried = tried.saturating_add(1);
            let is_first = *tried == 1;
            let story = self.rung(rung);
            story.agents += u32::from(is_first);
            story.starts += 1;
        }
    }
    fn rung(&mut self, rung: Rung) -> &mut RungStory {
        match rung {
            Rung::Companion => &mut self.rungs[0],
            Rung::TokenRefresh => &mut self.rungs[1],
            Rung::SessionReset => &mut self.rungs[2],
            Rung::Reassociate => &mut self.rungs[3],
            Rung::RebootPhone => &mut self.rungs[4],
            Rung::RevokeTokens => &mut self.rungs[5],
            Rung::Ask => &mut self.rungs[6],
        }
    }
    fn with(&mut self, seat: Seat, act: impl FnOnce(&mut AgentStory)) {
        if let Some(agent) = self.agents.get_mut(seat.index()) {
            act(agent);
        }
    }
    fn each(&mut self, seats: &[Seat], act: impl Fn(&mut AgentStory)) {
        for seat in seats {
            self.with(*seat, &act);
        }
    }
}

fn token_count(counts: &mut RefreshCounts, state: TokenStory) -> Option<&mut u32> {
    match state {
        TokenStory::Untouched => None,
        TokenStory::UnderWay => Some(&mut counts.under_way),
        TokenStory::Fresh => Some(&mut counts.done),
        TokenStory::Left => Some(&mut counts.left),
        TokenStory::Failed => Some(&mut counts.failed),
        TokenStory::Dead => Some(&mut counts.dead),
    }
}

fn words(failure: &Failure) -> std::sync::Arc<str> {
    shared(&failure.to_string())
}

pub mod gate;
mod orders;
mod pages;
pub use pages::HandOver;
#[cfg(test)]
mod tests;
