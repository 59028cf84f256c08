//! What the templates may show: the story in words, ready to be set, every list with its bound.
//!
//! Must never: hold markup, apart from the pictures; escaping is the templates' engine's job, and it does it everywhere.

use serde::Serialize;

use crate::law::event::Phase;
use crate::law::evidence::{Evidence, Finding};
use crate::law::plan::{Mechanisms, Plan, TOLD_MAX, WIDER_BY};
use crate::law::spent::PerReady;
use crate::law::verdict::{Rung, Verdict};
use crate::shells::report::agent::{AgentStory, TokenStory};
use crate::shells::report::calls::{calls, calls_words};
use crate::shells::report::cells::cells;
use crate::shells::report::coverage::{self, CoverageRow, SaidRow};
use crate::shells::report::ending::{Answer, answer, cures_words, ready_words};
use crate::shells::report::facts::{Ending, ProbeCounts};
use crate::shells::report::pictures::{Kind, readiness, timeline};
use crate::shells::report::ready::{self, GroupRow};
use crate::shells::report::rows::{AgentView, EventRow, Recovered, Table, recovered, stories, table};
use crate::shells::report::story::Story;
use crate::shells::report::summary::those;
use crate::shells::report::waves::{self, RungWaves};
use crate::shells::report::words::{clean, count, counted, duration, offset, percent};
use crate::shells::report::{ladder, losses, minutes, shifts};
use crate::words::id::Seat;

/// Everything that a template can name. Adding a field is harmless; a renamed one breaks templates out there.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    /// The title of the page.
    pub title: String,
    /// The same and how it stands, in one line: the subject of a mail.
    pub subject: String,
    /// `calm`, `attention` or `alarm`.
    pub tone: &'static str,
    /// The admin's answer.
    pub headline: String,
    /// What it means, one sentence each.
    pub meaning: Vec<String>,
    /// What to do next, one step each.
    pub next: Vec<String>,
    /// What was published, when, for whom.
    pub facts: Vec<Fact>,
    /// What the run has spent of the platform's calls, in a sentence without its full stop; empty where no account was kept.
    pub calls: String,
    /// Agents that were looked at after the publish; 0 when the run did not get so far.
    pub checked: u32,
    /// Agents by verdict.
    pub tiles: Vec<Tile>,
    /// How long it took until agents could take calls, for everybody and shift by shift.
    pub ready_times: Vec<GroupRow>,
    /// The pictures, as SVG: the only markup in the view.
    pub pictures: Pictures,
    /// Agents that need a person.
    pub stragglers: Table,
    /// Agents of whom too little was seen.
    pub unknown: Table,
    /// Agents on a call or logged out.
    pub deferred: Table,
    /// Agents that were helped, by remedy.
    pub recovered: Vec<Recovered>,
    /// Whom the preparations have reached.
    pub coverage: Vec<CoverageRow>,
    /// What pages said at the first look after the publish and at the last.
    pub pages: Vec<SaidRow>,
    /// Agents with whom each remedy is tried first; 0 where remedies do not go in waves.
    pub canary: u32,
    /// For how many more at once a remedy may be used for each agent that it has helped.
    pub wider_by: u32,
    /// The waves of each remedy, with the brakes among them.
    pub waves: Vec<RungWaves>,
    /// Refreshes of tokens, in sentences.
    pub tokens: Vec<String>,
    /// Agents whose refresh token is dead.
    pub sign_in: Table,
    /// Agents that are not enrolled.
    pub not_enrolled: Table,
    /// Whether softphones were lost by the publish.
    pub finding: Glance,
    /// Losses before and after the publish, and what the probe said, in sentences.
    pub evidence: Vec<String>,
    /// What each remedy did.
    pub rungs: Vec<RungRow>,
    /// Brakes, doubts and restarts.
    pub events: Vec<EventRow>,
    /// What the org does not offer.
    pub not_offered: Vec<Fact>,
    /// Hooks that did not end well.
    pub hooks: Vec<EventRow>,
    /// Hooks that did not end well and are not listed.
    pub hooks_more: u64,
    /// What the run was allowed to use.
    pub mechanisms: Vec<Mechanism>,
    /// Agents with their whole story.
    pub stories: Vec<AgentView>,
    /// Agents whose story is not listed.
    pub stories_more: usize,
}

/// A label and its value.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// What it says.
    pub value: String,
}

/// A count by verdict.
#[derive(Debug, Clone, Serialize)]
pub struct Tile {
    /// The class of its colour and mark.
    pub class: &'static str,
    /// How many.
    pub count: String,
    /// What they are.
    pub label: String,
    /// What share of all.
    pub share: String,
}

/// The pictures.
#[derive(Debug, Clone, Serialize)]
pub struct Pictures {
    /// The phases around T.
    pub timeline: String,
    /// Agents by verdict over time.
    pub readiness: String,
    /// One cell per agent.
    pub cells: String,
    /// Remedies.
    pub remedies: String,
    /// How long each shift took until it could take calls.
    pub shifts: String,
    /// Losses, refusals and what was pushed, minute by minute around T.
    pub minutes: String,
}

/// Whether softphones were lost by the publish, at a glance.
#[derive(Debug, Clone, Serialize)]
pub struct Glance {
    /// `association`, `none`, or `nothing` where there is nothing to compare.
    pub finding: &'static str,
    /// The same in a few words.
    pub words: &'static str,
}

/// What one remedy did.
#[derive(Debug, Clone, Serialize)]
pub struct RungRow {
    /// The remedy.
    pub name: &'static str,
    /// Agents it was tried for.
    pub agents: String,
    /// Times it was started.
    pub starts: String,
    /// Agents it cured.
    pub cured: String,
    /// Times it could not be applied.
    pub failed: String,
    /// How many it helped in earlier runs: `34 of 41`; empty where none are known.
    pub earlier: String,
}

/// Something that may be used or not.
#[derive(Debug, Clone, Serialize)]
pub struct Mechanism {
    /// What.
    pub name: &'static str,
    /// `published` by the vendor, or only `reported` by users.
    pub kind: &'static str,
    /// `on` or `off`.
    pub state: &'static str,
}

/// The story as the templates see it.
#[must_use]
pub fn view(story: &Story) -> View {
    let answer = answer(story);
    let everyone = |fits: fn(&AgentStory) -> bool| -> Vec<Seat> {
        story.everyone().filter(|(_, _, agent)| fits(agent)).map(|(seat, _, _)| seat).collect()
    };
    let not_enrolled: Vec<Seat> =
        story.everyone().filter(|(_, member, _)| !member.enrolled).map(|(seat, _, _)| seat).collect();
    let (stories, stories_more) = stories(story);
    View {
        title: title(story),
        subject: subject(story, &answer),
        tone: answer.tone.as_str(),
        headline: answer.headline,
        meaning: answer.meaning,
        next: answer.next,
        facts: facts(story),
        calls: calls_words(story).unwrap_or_default(),
        checked: story.counts.judged(),
        tiles: tiles(story),
        ready_times: ready::rows(story),
        pictures: Pictures {
            timeline: timeline(story),
            readiness: readiness(story),
            cells: cells(story),
            remedies: ladder::picture(story),
            shifts: shifts::picture(story),
            minutes: minutes::picture(story),
        },
        stragglers: table(story, &those(story, |v| matches!(v, Some(Verdict::Straggler { .. })))),
        unknown: table(story, &those(story, |v| matches!(v, Some(Verdict::Unknown { .. }) | None))),
        deferred: table(story, &those(story, |v| matches!(v, Some(Verdict::Deferred { .. })))),
        recovered: recovered(story),
        coverage: coverage::rows(story),
        pages: coverage::said_rows(story),
        canary: waves::policy(story).map_or(0, |policy| policy.canary),
        wider_by: WIDER_BY,
        waves: waves::rows(story),
        tokens: tokens(story),
        sign_in: table(story, &everyone(|agent| agent.token == TokenStory::Dead)),
        not_enrolled: table(story, &not_enrolled),
        finding: glance(&story.losses.evidence()),
        evidence: evidence(story),
        rungs: rungs(story),
        events: events(story),
        not_offered: not_offered(story),
        hooks: hooks(story),
        hooks_more: story.hook_problems.more,
        mechanisms: story.plan.as_ref().map(|plan| mechanisms(&plan.mechanisms)).unwrap_or_default(),
        stories,
        stories_more,
    }
}

fn title(story: &Story) -> String {
    match &story.plan {
        Some(plan) => format!("{}, week of {}", clean(&plan.business_unit.name), plan.week),
        None => "a run without a plan".to_owned(),
    }
}

fn subject(story: &Story, answer: &Answer) -> String {
    let stands = match story.ending() {
        Ending::Settled => ready_words(story),
        Ending::Open(_) | Ending::Stopped { .. } | Ending::InDoubt => {
            // Its first sentence: the whole of it stands below.
            let first = answer.headline.split_once(". ").map_or(answer.headline.as_str(), |(first, _)| first);
            first.trim_end_matches('.').to_owned()
        }
    };
    format!("{}: {}", title(story), clean(&stands))
}

fn fact(label: &str, value: String) -> Fact {
    Fact { label: label.to_owned(), value }
}

fn facts(story: &Story) -> Vec<Fact> {
    let Some(plan) = &story.plan else { return Vec::new() };
    let mut facts = vec![
        fact("Business unit", clean(&plan.business_unit.name)),
        fact("Week", format!("of {}", plan.week)),
        fact(
            "Schedule",
            format!("{}, version {} when staged", clean(&plan.schedule.description), plan.schedule.version),
        ),
        fact("Publish asked for", format!("{} ({})", story.zone.moment(plan.publish_at), clean(&plan.zone))),
    ];
    facts.extend(publish_facts(story));
    let enrolled = plan.roster.iter().filter(|member| member.enrolled).count() as u64;
    let all = plan.roster.len() as u64;
    facts.push(fact("Cohort", counted(all, "agent", "agents")));
    facts.push(fact("Enrolled", format!("{} of {} ({})", count(enrolled), count(all), percent(enrolled, all))));
    let untold = plan.untold().len() as u64;
    if untold > 0 && story.publish.confirmed.is_some() {
        let words = format!(
            "{} at most, of {}; the post-publish hooks are given the other {}",
            count(TOLD_MAX as u64),
            count(all),
            count(untold)
        );
        facts.push(fact("Told by the platform", words));
    }
    if let Some(Some(median)) = story.span.map(|_| median_ready_ms(story, plan)) {
        facts.push(fact("Half of the cohort ready", format!("{} after T", duration(median))));
    }
    facts.extend(price(story));
    facts.push(fact("Restarts", restarts(story)));
    facts
}

/// Calls, and what a ready agent costs.
fn price(story: &Story) -> Option<Fact> {
    let calls = calls(story);
    let each = calls.per_ready.map(|PerReady { single, all }| {
        format!("; {all:.2} for each ready agent, {single:.2} of them beyond bulk reads")
    });
    let total = count(u64::from(calls.total));
    (calls.total > 0).then(|| fact("Calls", format!("{total}{}", each.unwrap_or_default())))
}

fn restarts(story: &Story) -> String {
    let n = story.taken_up.total().saturating_sub(1);
    if n == 0 { "none".to_owned() } else { counted(n, "restart", "restarts") }
}

fn publish_facts(story: &Story) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some((at, late_ms)) = story.publish.sent() {
        let at = story.zone.clock(at);
        facts.push(fact("Publish sent", format!("{at} ({} from T), {}", offset(late_ms), claims(story))));
    }
    if let Some((at, version)) = story.publish.confirmed {
        facts.push(fact("Seen published", format!("{}, version {version}", story.zone.clock(at))));
    }
    if let Some((_, Some(operation))) = &story.publish.accepted {
        facts.push(fact("Operation", operation.to_string()));
    }
    facts
}

fn claims(story: &Story) -> String {
    match story.publish.claims.total() {
        1 => "one claim".to_owned(),
        n => format!("{n} claims, each but the last proven without effect"),
    }
}

/// The instant after T, in ms, at which half of the cohort could take calls.
fn median_ready_ms(story: &Story, plan: &Plan) -> Option<i64> {
    let half = plan.roster.len().div_ceil(2) as u32;
    let (at, _) = story.series.points().find(|(_, counts)| counts.able() >= half)?;
    Some(at.since_ms(plan.publish_at)).filter(|ms| *ms >= 0)
}

fn tiles(story: &Story) -> Vec<Tile> {
    let all = story.agents.len() as u64;
    let tile = |kind: Kind| {
        let n = u64::from(kind.count(story.counts));
        let label = kind.words_of(n).to_owned();
        (n, Tile { class: kind.class(), count: count(n), label, share: percent(n, all) })
    };
    let was_checked = story.counts.judged() > 0;
    let always = |kind: Kind| was_checked && matches!(kind, Kind::Ready | Kind::Recovered | Kind::Straggler);
    let shown = Kind::ALL.into_iter().map(|kind| (kind, tile(kind))).filter(|(kind, (n, _))| *n > 0 || always(*kind));
    shown.map(|(_, (_, tile))| tile).collect()
}

fn tokens(story: &Story) -> Vec<String> {
    let counts = story.refresh;
    let n = |n: u32| count(u64::from(n));
    if story.began(Phase::Refreshing).is_none() {
        return vec!["Tokens were not refreshed before the publish.".to_owned()];
    }
    let also = |count: u32, what: &str| if count == 0 { String::new() } else { format!("; {} {what}", n(count)) };
    let rest = [
        also(counts.under_way, "were started and are unanswered"),
        also(counts.untouched(), "needed nothing or were not reached"),
    ]
    .concat();
    vec![format!(
        "Of {} that softlanding can refresh, {} were refreshed, {} given up, {} found dead{rest}.",
        counted(u64::from(counts.enrolled), "agent's token", "agents' tokens"),
        n(counts.done),
        n(counts.failed),
        n(counts.dead)
    )]
}

fn glance(evidence: &Evidence) -> Glance {
    let (finding, words) = match evidence.finding() {
        Finding::Association(_) => ("association", "A clear link."),
        Finding::None(_) => ("none", "No link found."),
        Finding::Nothing if evidence.before.agent_ms > 0 && evidence.after.agent_ms > 0 => {
            ("none", "No link found: no softphone was lost.")
        }
        Finding::Nothing => ("nothing", "Nothing to tell by."),
    };
    Glance { finding, words }
}

fn evidence(story: &Story) -> Vec<String> {
    let (before, after) = story.probes;
    let side = |name: &str, probes: ProbeCounts| {
        let all = u64::from(probes.accepted + probes.refused);
        if all == 0 {
            return format!("{name} the publish the media-token endpoint was not asked.");
        }
        let refused = u64::from(probes.refused);
        format!(
            "{name} the publish the media-token endpoint refused {} of {} answers with 401 ({}).",
            count(refused),
            count(all),
            percent(refused, all)
        )
    };
    let mut told = losses::sentences(&story.losses);
    if before == ProbeCounts::default() && after == ProbeCounts::default() {
        told.push("The media-token endpoint was not asked.".to_owned());
    } else {
        told.extend([side("Before", before), side("After", after)]);
    }
    told.push(format!(
        "{} seen not ready at some time after the publish{}.",
        counted(u64::from(story.found), "agent was", "agents were"),
        match cures_words(story) {
            cures if cures.is_empty() => String::new(),
            cures => format!("; cured by: {cures}"),
        }
    ));
    told
}

fn rungs(story: &Story) -> Vec<RungRow> {
    let n = |n: u32| count(u64::from(n));
    let learnt = story.plan.as_ref().map(|plan| plan.remedies.learnt.as_slice()).unwrap_or_default();
    let earlier = |rung: Rung| {
        let of_rung = learnt.iter().filter(|fared| fared.rung == rung);
        let (cured, all) = of_rung.fold((0, 0), |(cured, all), fared| (cured + fared.cured, all + fared.results()));
        if all == 0 { String::new() } else { format!("{} of {}", n(cured), n(all)) }
    };
    let known = |rung: Rung| learnt.iter().any(|fared| fared.rung == rung);
    let told = Rung::ALL.into_iter().zip(story.rungs);
    told.filter(|(rung, told)| told.agents > 0 || told.cured > 0 || known(*rung))
        .map(|(rung, told)| RungRow {
            name: rung.words(),
            agents: n(told.agents),
            starts: n(told.starts),
            cured: n(told.cured),
            failed: n(told.failed),
            earlier: earlier(rung),
        })
        .collect()
}

fn events(story: &Story) -> Vec<EventRow> {
    let reference = story.publish_at();
    let restarts = story.taken_up.items.iter().skip(1).map(|at| (*at, "taken up again after a restart".to_owned()));
    let doubts = story.publish.doubts.items.iter().map(|(at, why)| (*at, format!("publish in doubt: {why}")));
    let undone = story.publish.not_done.items.iter().map(|(at, why)| (*at, format!("publish had no effect: {why}")));
    let brakes = story.brakes.items.iter().map(|brake| {
        let what = brake.rung.map_or("all remedies", |rung| rung.words());
        (brake.at, format!("brake: {what} stopped: {}", brake.why))
    });
    let control = story.control.items.iter().map(|(at, words)| (*at, words.to_string()));
    let mut events: Vec<_> = restarts.chain(doubts).chain(undone).chain(brakes).chain(control).collect();
    events.sort();
    events.into_iter().map(|(at, what)| EventRow { at: story.zone.near_second(at, reference), what }).collect()
}

fn not_offered(story: &Story) -> Vec<Fact> {
    story.unavailable.items.iter().map(|missing| fact(missing.what, missing.why.to_string())).collect()
}

fn hooks(story: &Story) -> Vec<EventRow> {
    let problems = story.hook_problems.items.iter();
    problems
        .map(|hook| EventRow {
            at: story.zone.near_second(hook.at, story.publish_at()),
            what: format!("{}.d/{}: {}", hook.point.as_str(), hook.name, hook.problem),
        })
        .collect()
}

fn mechanisms(on: &Mechanisms) -> Vec<Mechanism> {
    let row = |name, kind, is_on| Mechanism { name, kind, state: if is_on { "on" } else { "off" } };
    vec![
        row("refresh-token grant", "published", on.oauth_refresh),
        row("authentication refresh call", "reported", on.authentication_refresh),
        row("media-token probe", "reported", on.media_probe),
        row("purge cache on publish", "reported", on.purge_cache),
        row("bulk session reset", "reported", on.session_reset),
        row("station re-association", "published", on.reassociate),
        row("phone reboot", "published", on.reboot_phone),
        row("forced new login", "published", on.revoke_tokens),
        row("asking a person", "hook", on.ask),
        row("pushed notifications", "published", on.notifications),
        row("companions in agents' pages", "published", on.companion),
    ]
}
