//! The steps of staging, in order: unit, week, schedule, roster, shifts, names, enrolment, permissions, timetable, the whole
//! plan, hooks, and last of all the journal.
//!
//! Must never: write anything before every check has passed.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::history::History;
use super::name::run_id;
use super::refusal::{Refusal, Told};
use super::request::{Published, StageRequest, WhenPast};
use super::timetable::{Timetable, limits, timetable};
use super::week::{self, UnitCalendar};
use crate::hands::genesys::Client;
use crate::hands::genesys::staging::find::pick;
use crate::hands::genesys::staging::{
    self, BusinessUnitFound, Candidate, Found, Roster, ScheduleListed, Shifts, running_or_next,
};
use crate::hands::hook::{Hooks, envelope};
use crate::hands::journal::Journal;
use crate::hands::vault::{Enrolled, Vault};
use crate::law::command::{Failure, FailureKind, Weight};
use crate::law::event::{Event, Record};
use crate::law::fared::Fared;
use crate::law::plan::{BadPlan, BusinessUnit, Member, PinnedSchedule, Plan};
use crate::law::run::Run;
use crate::shells::notice;
use crate::shells::preflight::{concerns, preflight};
use crate::shells::report::words::counted;
use crate::words::calendar::describe;
use crate::words::clock::Timestamp;
use crate::words::glob::{fits, is_rule};
use crate::words::hook::HookPoint;
use crate::words::id::{AgentId, RunId, WeekDate};

/// What staging is done with.
pub struct Tools<'a> {
    /// The platform.
    pub client: &'a Client,
    /// Agents' tokens, where there are any.
    pub vault: Option<&'a Vault>,
    /// The organisation's executables.
    pub hooks: &'a Hooks,
    /// What the journal already holds.
    pub history: &'a History,
}

/// A publish that has passed every check, but for the hooks that have not been asked. Nothing of it exists.
#[derive(Debug, Clone)]
pub struct Weighed {
    /// What a run of it would intend.
    pub plan: Arc<Plan>,
    /// When each phase would come, and why then.
    pub timetable: Timetable,
    /// What an admin should know, one sentence each.
    pub warnings: Vec<String>,
    /// When it was weighed.
    pub at: Timestamp,
}

/// A run that has passed every check and is not recorded yet.
#[derive(Debug)]
pub struct Ready {
    run: RunId,
    plan: Arc<Plan>,
    events: Vec<Event>,
    timetable: Timetable,
    warnings: Vec<String>,
    at: Timestamp,
}

/// A run that exists from now on.
#[derive(Debug, Clone)]
pub struct Staged {
    /// Its name.
    pub run: RunId,
    /// What it intends.
    pub plan: Arc<Plan>,
    /// Its first records, as they stand in the journal.
    pub records: Vec<Record>,
    /// When each of its phases comes, and why then.
    pub timetable: Timetable,
    /// What an admin should know, one sentence each.
    pub warnings: Vec<String>,
}

/// Checks a publish from end to end, `pre-stage` hooks included, and changes nothing; [`Ready::record`] makes it a run.
///
/// # Errors
/// The first [`Refusal`].
pub async fn stage(request: &StageRequest, tools: &Tools<'_>, now: Timestamp) -> Result<Ready, Refusal> {
    let Weighed { plan, timetable, warnings, at } = weighed(request, tools, now, Rival::Refused).await?;
    let zone = request.publish_at.zone;
    let run = match &request.run {
        Some(named) => named.clone(),
        None => run_id(plan.publish_at, zone, &plan.business_unit.name, &request.seed).map_err(Refusal::Name)?,
    };
    let events = hooked(tools.hooks, &run, &plan, at).await?;
    Ok(Ready { run, plan, events, timetable, warnings, at })
}

/// The same without the hooks, because an executable that is told of a run must find one; a schedule that is staged already is
/// weighed as if it were not.
///
/// # Errors
/// The first [`Refusal`].
pub async fn weigh(request: &StageRequest, tools: &Tools<'_>, now: Timestamp) -> Result<Weighed, Refusal> {
    weighed(request, tools, now, Rival::LeftOut).await
}

/// A run that publishes the same schedule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rival {
    /// It is a reason to refuse.
    Refused,
    /// It is told, and left out of the arithmetic.
    LeftOut,
}

async fn weighed(request: &StageRequest, tools: &Tools<'_>, now: Timestamp, rival: Rival) -> Result<Weighed, Refusal> {
    let publish_at = request.publish_at.at;
    let past = publish_at <= now;
    if past && request.when_past == WhenPast::Refuse {
        return Err(Refusal::Past(describe(publish_at, request.publish_at.zone, now)));
    }
    let mut warnings = tools.history.warnings.clone();
    let mut plan = read_plan(request, tools, &mut warnings).await?;
    let mut history = Cow::Borrowed(tools.history);
    if let Some(run) = history.rival(&plan, None) {
        let refusal = Refusal::StagedAlready { schedule: plan.schedule.description.clone(), run: run.clone() };
        if rival == Rival::Refused {
            return Err(refusal);
        }
        warnings.push(format!("{refusal}; it is explained as if it were not"));
        history = Cow::Owned(history.without(&run));
    }
    plan.remedies.learnt = history.remedies(&plan);
    warnings.extend(plan.remedies.learnt.iter().filter(|fared| fared.is_useless()).map(left_out));
    warnings.extend(looked_over(tools.client, &plan).await?);
    let limits = limits(tools.client, &plan).await?;
    (plan.limits.calls_per_minute, plan.limits.auth_calls_per_minute) = limits.told;
    // Reading a large org takes a while, so the instant is held against the clock once more.
    let at = tools.client.clock().now().max(now);
    let timetable = timetable(&plan, request.lead, limits, &history, at);
    plan.timing = timetable.timing();
    if past {
        // Checked as if it were staged at its instant: all of it must hold but that there is time left.
        plan.check(publish_at).map_err(|bad| refuse_plan(bad, &plan, request, at))?;
        warnings
            .push("the instant has passed: the publish is caught up with, and no token is refreshed before".to_owned());
        return Ok(Weighed { plan: Arc::new(plan), timetable, warnings, at });
    }
    if let Err(tight) = timetable.lead.check() {
        return Err(Refusal::TooTight { tight, timetable: Box::new(timetable) });
    }
    plan.check(at).map_err(|bad| refuse_plan(bad, &plan, request, at))?;
    warnings.extend(timetable.cautions());
    Ok(Weighed { plan: Arc::new(plan), timetable, warnings, at })
}

/// That a remedy is left out, and why.
fn left_out(fared: &Fared) -> String {
    format!(
        "{} is not used for agents with {}: it helped {} of {} in earlier runs",
        fared.rung.words(),
        fared.reason.words(),
        fared.cured,
        fared.results()
    )
}

/// Reads the org: everything that a plan holds, but for the timing that is computed from it.
async fn read_plan(request: &StageRequest, tools: &Tools<'_>, warnings: &mut Vec<String>) -> Result<Plan, Refusal> {
    let publish_at = request.publish_at.at;
    let unit = find_unit(tools.client, &request.business_unit).await?;
    let week = week::choose(request.week, &calendar_of(&unit), publish_at)?;
    let roster = find_roster(tools.client, &unit, week, request).await?;
    if roster.skipped > 0 {
        warnings.push(format!("{} entries of the schedule name no agent and are left out", roster.skipped));
    }
    // Taken beforehand: the lock on the org must not be held while the org is asked.
    let (api, client) = {
        let org = tools.client.org();
        (Some(org.settings.hosts.api.clone()), Some(org.settings.client_id.clone()))
    };
    Ok(Plan {
        api,
        client,
        schedule: pinned(&roster.schedule)?,
        roster: members(tools, &unit, &roster, publish_at, warnings).await?,
        business_unit: BusinessUnit { id: unit.id, name: unit.name },
        week,
        publish_at,
        zone: request.publish_at.zone.name().to_owned(),
        timing: request.timing.clone(),
        limits: request.limits.clone(),
        remedies: request.remedies.clone(),
        mechanisms: request.mechanisms.clone(),
        seed: request.seed.clone(),
        policy: request.policy.clone(),
    })
}

impl Ready {
    /// Records the run: from here on it exists.
    ///
    /// # Errors
    /// [`Refusal::Journal`] when the journal cannot be written.
    pub async fn record<J: Journal>(self, journal: &J) -> Result<Staged, Refusal> {
        let Ready { run, plan, events, timetable, warnings, at } = self;
        journal.begin(&run, at, &events).await.map_err(Refusal::Journal)?;
        // Somebody else may have staged the same schedule since the journal was read. Whoever finds the other gives way; when
        // both do, nothing is staged, which can be mended. Two publishes of one schedule cannot.
        let now = History::read(journal).await.map_err(Refusal::Journal)?;
        if let Some(other) = now.rival(&plan, Some(&run)) {
            journal.forget(&run).await.map_err(Refusal::Journal)?;
            return Err(Refusal::StagedAlready { schedule: plan.schedule.description.clone(), run: other });
        }
        let records = (1..).zip(events).map(|(seq, event)| Record { seq, at, event }).collect();
        Ok(Staged { run, plan, records, timetable, warnings })
    }
}

fn refuse_plan(bad: BadPlan, plan: &Plan, request: &StageRequest, now: Timestamp) -> Refusal {
    match bad {
        BadPlan::InThePast(_) => Refusal::Past(describe(plan.publish_at, request.publish_at.zone, now)),
        BadPlan::EmptyRoster | BadPlan::RosterTooLarge(_) | BadPlan::Twice(_) | BadPlan::OutOfRange { .. } => {
            Refusal::Plan(bad)
        }
    }
}

pub(in crate::shells) fn platform(doing: &'static str) -> impl Fn(Failure) -> Refusal {
    move |failure| Refusal::Platform { doing, failure: Told(failure) }
}

pub(in crate::shells) async fn find_unit(client: &Client, wanted: &str) -> Result<BusinessUnitFound, Refusal> {
    let found = staging::business_unit(client, wanted).await.map_err(platform("reading the business units"))?;
    one("business unit", wanted, found)
}

fn one<T>(what: &'static str, wanted: &str, found: Found<T>) -> Result<T, Refusal> {
    let named = |candidates: Vec<Candidate>| {
        candidates.into_iter().map(|c| format!("{} ({})", c.name, c.id)).collect::<Vec<_>>()
    };
    match found {
        Found::One(one) => Ok(one),
        // A part of one name is no name, however few it fits.
        Found::Several(candidates) => {
            Err(Refusal::Ambiguous { what, asked: format!("{wanted:?}"), candidates: named(candidates) })
        }
        Found::Nothing(candidates) => {
            Err(Refusal::Unknown { what, asked: wanted.to_owned(), candidates: named(candidates) })
        }
    }
}

fn calendar_of(unit: &BusinessUnitFound) -> UnitCalendar {
    UnitCalendar {
        unit: unit.name.clone(),
        zone: unit.time_zone.as_deref().and_then(|zone| zone.parse().ok()),
        start_day: unit.start_day_of_week.as_deref().and_then(|day| day.parse().ok()),
    }
}

async fn find_roster(
    client: &Client,
    unit: &BusinessUnitFound,
    week: WeekDate,
    request: &StageRequest,
) -> Result<Roster, Refusal> {
    let all = staging::schedules(client, &unit.id, week).await.map_err(platform("reading the week's schedules"))?;
    if all.is_empty() {
        return Err(Refusal::NoSchedules { unit: unit.name.clone(), week });
    }
    let wanted = request.schedule.as_deref();
    let schedule = match request.published {
        Published::NotYet => choose(all, week, wanted)?,
        Published::Elsewhere => only_published(all, &unit.name, week)?,
    };
    let roster = staging::roster(client, &unit.id, week, &schedule.id);
    let roster = roster.await.map_err(platform("reading the schedule's agents"))?;
    if roster.schedule.published == Some(true) && request.published == Published::NotYet {
        return Err(Refusal::AlreadyPublished { description: roster.schedule.description, week });
    }
    Ok(roster)
}

/// The week's published schedule. The platform has one of a week at most; of several the newest version counts.
fn only_published(all: Vec<ScheduleListed>, unit: &str, week: WeekDate) -> Result<ScheduleListed, Refusal> {
    let published = all.into_iter().filter(|s| s.published == Some(true));
    let newest = published.max_by_key(|s| s.version);
    newest.ok_or_else(|| Refusal::NotPublished { unit: unit.to_owned(), week })
}

/// The schedule that is meant: the named one, or the only draft.
fn choose(all: Vec<ScheduleListed>, week: WeekDate, wanted: Option<&str>) -> Result<ScheduleListed, Refusal> {
    let label = |s: &ScheduleListed| Candidate { id: s.id.to_string(), name: described(s) };
    let chosen = match wanted {
        Some(rule) if is_rule(rule) => only_fitting(all, rule, label)?,
        Some(wanted) => {
            let by_description = |s: &ScheduleListed| Candidate { id: s.id.to_string(), name: s.description.clone() };
            let described: BTreeMap<String, Candidate> = all.iter().map(|s| (s.id.to_string(), label(s))).collect();
            let with_version = |found: Vec<Candidate>| -> Vec<Candidate> {
                found.into_iter().map(|c| described.get(&c.id).cloned().unwrap_or(c)).collect()
            };
            let found = match pick(all, wanted, by_description) {
                Found::One(one) => Found::One(one),
                Found::Several(several) => Found::Several(with_version(several)),
                Found::Nothing(others) => Found::Nothing(with_version(others)),
            };
            one("schedule", wanted, found)?
        }
        None => only_draft(all, week, label)?,
    };
    if chosen.published == Some(true) {
        return Err(Refusal::AlreadyPublished { description: chosen.description, week });
    }
    Ok(chosen)
}

/// The only draft whose description fits a rule.
fn only_fitting(
    all: Vec<ScheduleListed>,
    rule: &str,
    label: impl Fn(&ScheduleListed) -> Candidate,
) -> Result<ScheduleListed, Refusal> {
    let candidates =
        |some: &[ScheduleListed]| some.iter().map(&label).map(|c| format!("{} ({})", c.name, c.id)).collect();
    let fitting = |s: &ScheduleListed| s.published != Some(true) && fits(rule, &s.description);
    let (mut found, others): (Vec<_>, Vec<_>) = all.into_iter().partition(fitting);
    let what = "draft schedule";
    match (found.len(), found.pop()) {
        (1, Some(only)) => Ok(only),
        (_, Some(last)) => {
            found.push(last);
            Err(Refusal::Ambiguous { what, asked: format!("{rule:?}"), candidates: candidates(&found) })
        }
        (_, None) => Err(Refusal::Unknown { what, asked: rule.to_owned(), candidates: candidates(&others) }),
    }
}

fn only_draft(
    all: Vec<ScheduleListed>,
    week: WeekDate,
    label: impl Fn(&ScheduleListed) -> Candidate,
) -> Result<ScheduleListed, Refusal> {
    let (published, mut drafts): (Vec<_>, Vec<_>) = all.into_iter().partition(|s| s.published == Some(true));
    match (drafts.len(), drafts.pop(), published.into_iter().next()) {
        (1, Some(only), _) => Ok(only),
        (_, Some(last), _) => {
            let candidates = drafts.iter().chain([&last]).map(label).map(|c| format!("{} ({})", c.name, c.id));
            let asked = format!("the week of {week}");
            Err(Refusal::Ambiguous { what: "schedule", asked, candidates: candidates.collect() })
        }
        (_, None, Some(published)) => Err(Refusal::AlreadyPublished { description: published.description, week }),
        (_, None, None) => Err(Refusal::Unknown { what: "schedule", asked: String::new(), candidates: Vec::new() }),
    }
}

fn described(schedule: &ScheduleListed) -> String {
    let version = schedule.version.map_or("version unknown".to_owned(), |v| format!("version {v}"));
    let state = if schedule.published == Some(true) { ", published" } else { "" };
    format!("{:?}, {version}{state}", schedule.description)
}

fn pinned(schedule: &ScheduleListed) -> Result<PinnedSchedule, Refusal> {
    let version = schedule.version.ok_or_else(|| {
        let why = "the platform does not tell the schedule's version, so that it cannot be pinned";
        platform("reading the schedule")(Failure::plain(FailureKind::Malformed, why))
    })?;
    Ok(PinnedSchedule { id: schedule.id.clone(), description: schedule.description.clone(), version })
}

async fn members(
    tools: &Tools<'_>,
    unit: &BusinessUnitFound,
    roster: &Roster,
    publish_at: Timestamp,
    warnings: &mut Vec<String>,
) -> Result<Vec<Member>, Refusal> {
    let ids: Vec<AgentId> = roster.members.iter().map(|(agent, _)| agent.clone()).collect();
    let shifts = shifts(tools.client, unit, publish_at, &ids, warnings).await?;
    let names = match staging::names(tools.client, &ids).await {
        Ok(names) => names,
        Err(failure) if is_about_rights(&failure) => {
            warnings.push(format!("agents' names cannot be read: {failure}"));
            BTreeMap::new()
        }
        Err(failure) => return Err(platform("reading the agents' names")(failure)),
    };
    let enrolled = enrolled(tools.vault, &ids, warnings).await?;
    let member = |(agent, management_unit): &(AgentId, _)| Member {
        name: names.get(agent).cloned().unwrap_or_else(|| agent.to_string()),
        shift_start: shifts.of.get(agent).and_then(|of| running_or_next(of, publish_at)),
        enrolled: enrolled.contains(agent),
        agent: agent.clone(),
        management_unit: Clone::clone(management_unit),
    };
    Ok(roster.members.iter().map(member).collect())
}

/// How long before T a running shift may have begun, and how far ahead the next is looked for.
const SHIFTS_BEFORE_MS: i64 = 24 * 3_600_000;
const SHIFTS_AFTER_MS: i64 = 48 * 3_600_000;

async fn shifts(
    client: &Client,
    unit: &BusinessUnitFound,
    publish_at: Timestamp,
    ids: &[AgentId],
    warnings: &mut Vec<String>,
) -> Result<Shifts, Refusal> {
    let (from, to) = (publish_at - SHIFTS_BEFORE_MS, publish_at + SHIFTS_AFTER_MS);
    let shifts = match staging::shift_starts(client, &unit.id, from, to, ids).await {
        Ok(shifts) => shifts,
        // Shifts set the order of help and nothing else, so only a host that does not answer ends it here.
        Err(failure) if failure.kind == FailureKind::NotSent => return Err(platform("reading the shifts")(failure)),
        Err(failure) => Shifts { of: BTreeMap::new(), unknown: Some(failure.to_string()) },
    };
    if let Some(why) = &shifts.unknown {
        warnings.push(format!("some shifts are not known, so the order of help may be off: {why}"));
    }
    Ok(shifts)
}

/// Whose token can be refreshed. Whose refresh token is dead is not enrolled, and must sign in again: nobody else can help.
async fn enrolled(
    vault: Option<&Vault>,
    roster: &[AgentId],
    warnings: &mut Vec<String>,
) -> Result<HashSet<AgentId>, Refusal> {
    let Some(vault) = vault else { return Ok(HashSet::new()) };
    let agents = vault.agents().await.map_err(Refusal::Vault)?;
    let roster: HashSet<&AgentId> = roster.iter().collect();
    let agents = agents.into_iter().filter(|one| roster.contains(&one.agent));
    let (dead, alive): (Vec<Enrolled>, Vec<Enrolled>) = agents.partition(Enrolled::must_sign_in);
    if let Some(first) = dead.first() {
        let agents = counted(dead.len() as u64, "agent", "agents");
        let others = if dead.len() > 1 { " and others" } else { "" };
        warnings.push(format!(
            "{agents} must sign in again before a token can be refreshed ({}{others}; `softlanding agents list` names them)",
            first.name
        ));
    }
    Ok(alive.into_iter().map(|one| one.agent).collect())
}

fn is_about_rights(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Forbidden | FailureKind::NotFound | FailureKind::Invalid)
}

/// What would stop the publish at T refuses the staging, and the rest is a warning each.
async fn looked_over(client: &Client, plan: &Plan) -> Result<Vec<String>, Refusal> {
    let concerns = concerns(&preflight(client, &plan.mechanisms).await);
    let stops = concerns.iter().filter(|concern| concern.weight == Weight::Stops);
    let stops: Vec<String> = stops.map(|concern| concern.words.clone()).collect();
    if !stops.is_empty() {
        return Err(Refusal::Preflight(stops));
    }
    Ok(concerns.iter().map(|concern| format!("{}: {}", concern.what, concern.words)).collect())
}

/// The run's first events: the plan, and the `pre-stage` hooks if there are any.
async fn hooked(hooks: &Hooks, id: &RunId, plan: &Arc<Plan>, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let point = HookPoint::PreStage;
    let run = Run::staged(Arc::clone(plan));
    let document = envelope(point, id, id.as_str(), now, 0, notice::data(id, &run, point, None));
    let report = hooks.run(point, &document).await;
    if let Some(veto) = report.veto() {
        let why = if veto.output.trim().is_empty() { veto.outcome.to_string() } else { veto.output.trim().to_owned() };
        return Err(Refusal::Veto { hook: veto.name.clone(), why });
    }
    let mut events = vec![Event::Staged { plan: Box::new((**plan).clone()) }];
    let results = report.hooks;
    if !results.is_empty() {
        events.push(Event::HooksRan { point, seat: None, results });
    }
    Ok(events)
}
