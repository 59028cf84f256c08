//! `report.json`: the story for programs, under a name with a version.
//!
//! Must never: change what a field of a published version means, or carry a token; the story has none to give.

use serde::Serialize;

use crate::law::event::Tally;
use crate::law::evidence::{Evidence, Finding};
use crate::law::losses::Minute;
use crate::law::verdict::Rung;
use crate::shells::report::calls::{CallsDoc, calls};
use crate::shells::report::coverage::{self, Coverage, Said};
use crate::shells::report::document_agents::Agents;
use crate::shells::report::ending::answer;
use crate::shells::report::facts::{Ending, PublishStanding};
use crate::shells::report::ready::{Group, groups};
use crate::shells::report::story::Story;
use crate::shells::report::waves::{self, Wave};
use crate::words::clock::Timestamp;

/// The name and version of the format.
pub const FORMAT: &str = "softlanding.report.v1";

/// The whole report. Instants are RFC 3339 in UTC, durations are in milliseconds, names stand as the platform has them.
#[derive(Serialize)]
pub struct Document<'a> {
    format: &'static str,
    answer: String,
    ending: &'static str,
    why: Option<String>,
    next: Vec<String>,
    run: Option<Run<'a>>,
    records: u64,
    first_record_at: Option<String>,
    last_record_at: Option<String>,
    taken_up_at: Vec<String>,
    phases: Vec<PhaseDoc>,
    publish: PublishDoc<'a>,
    tally: Tally,
    not_checked: u32,
    on_call: u32,
    tokens: TokensDoc,
    coverage: Coverage,
    pages: Vec<Said>,
    probes: ProbesDoc,
    losses: LossesDoc,
    ready_times: Vec<Group>,
    remedies: Vec<RungDoc>,
    waves: Vec<WavesDoc>,
    control: Vec<ControlDoc<'a>>,
    brakes: Vec<BrakeDoc<'a>>,
    not_offered: Vec<NotOffered<'a>>,
    hooks_ran: u64,
    hook_problems: Vec<HookDoc<'a>>,
    hook_problems_left_out: u64,
    reads_failed: u64,
    calls: CallsDoc,
    over_time: Vec<PointDoc>,
    agents: Agents<'a>,
}

/// Losses before the publish and after it; minutes count from T.
#[derive(Serialize)]
struct LossesDoc {
    looks_before: usize,
    evidence: Evidence,
    finding: Finding,
    tokens_tried: TriedDoc,
    minutes: Vec<MinuteDoc>,
}

#[derive(Serialize)]
struct TriedDoc {
    before: bool,
    after: bool,
}

#[derive(Serialize)]
struct MinuteDoc {
    minute: i64,
    lost: u32,
    refused: u32,
    disconnected: u32,
    #[serde(skip_serializing_if = "is_none_at_all")]
    tokens_changed: u32,
    #[serde(skip_serializing_if = "is_none_at_all")]
    legs_failed: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none_at_all(number: &u32) -> bool {
    *number == 0
}

#[derive(Serialize)]
struct ControlDoc<'a> {
    at: String,
    words: &'a str,
}

#[derive(Serialize)]
struct Run<'a> {
    business_unit: &'a crate::law::plan::BusinessUnit,
    week: String,
    schedule: &'a crate::law::plan::PinnedSchedule,
    publish_at: String,
    zone: &'a str,
    agents: usize,
    enrolled: usize,
    mechanisms: &'a crate::law::plan::Mechanisms,
    staged_by: Option<StagedByDoc<'a>>,
}

#[derive(Serialize)]
struct StagedByDoc<'a> {
    who: &'a str,
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct PhaseDoc {
    phase: crate::law::event::Phase,
    begin: String,
    end: Option<String>,
}

#[derive(Serialize)]
struct PublishDoc<'a> {
    standing: &'static str,
    claims: Vec<ClaimDoc>,
    accepted_at: Option<String>,
    operation: Option<&'a str>,
    confirmed_at: Option<String>,
    version: Option<i64>,
    took_ms: Option<i64>,
    doubts: Vec<Why<'a>>,
    not_done: Vec<Why<'a>>,
}

#[derive(Serialize)]
struct ClaimDoc {
    attempt: u32,
    at: String,
    late_ms: i64,
}

#[derive(Serialize)]
struct Why<'a> {
    at: String,
    why: &'a str,
}

#[derive(Serialize)]
struct TokensDoc {
    enrolled: u32,
    refreshed: u32,
    left: u32,
    given_up: u32,
    dead: u32,
    under_way: u32,
    untouched: u32,
}

#[derive(Serialize)]
struct ProbesDoc {
    before_accepted: u32,
    before_refused: u32,
    after_accepted: u32,
    after_refused: u32,
}

#[derive(Serialize)]
struct RungDoc {
    rung: Rung,
    agents: u32,
    starts: u32,
    cured: u32,
    could_not_be_applied: u32,
}

/// The waves of one remedy, in order.
#[derive(Serialize)]
struct WavesDoc {
    rung: Rung,
    waves: Vec<WaveDoc>,
    left_out: u64,
}

#[derive(Serialize)]
struct WaveDoc {
    began: String,
    begun: u32,
    at_once: u32,
    helped_before: u32,
}

#[derive(Serialize)]
struct BrakeDoc<'a> {
    at: String,
    rung: Option<Rung>,
    why: &'a str,
}

#[derive(Serialize)]
struct NotOffered<'a> {
    at: String,
    what: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct HookDoc<'a> {
    at: String,
    point: &'static str,
    name: &'a str,
    problem: &'a str,
    output: &'a str,
}

#[derive(Serialize)]
struct PointDoc {
    at: String,
    #[serde(flatten)]
    tally: Tally,
    on_call: u32,
    not_checked: u32,
}

/// The report of a story.
#[must_use]
pub fn document(story: &Story) -> Document<'_> {
    let answer = answer(story);
    let why = match story.ending() {
        Ending::Stopped { why, .. } => Some(why.to_string()),
        Ending::Open(_) | Ending::Settled | Ending::InDoubt => None,
    };
    Document {
        format: FORMAT,
        answer: answer.headline,
        ending: ending_name(story),
        why,
        next: answer.next,
        run: run(story),
        records: story.records,
        first_record_at: story.span.map(|(first, _)| first.rfc3339()),
        last_record_at: story.span.map(|(_, last)| last.rfc3339()),
        taken_up_at: story.taken_up.items.iter().map(|at| at.rfc3339()).collect(),
        phases: phases(story),
        publish: publish(story),
        tally: story.counts.tally,
        not_checked: story.counts.unjudged,
        on_call: story.counts.on_call,
        tokens: tokens(story),
        coverage: coverage::coverage(story),
        pages: coverage::said(story),
        probes: probes(story),
        losses: losses(story),
        ready_times: groups(story),
        remedies: remedies(story),
        waves: waves(story),
        control: story.control.items.iter().map(|(at, words)| ControlDoc { at: at.rfc3339(), words }).collect(),
        brakes: story.brakes.items.iter().map(|b| BrakeDoc { at: b.at.rfc3339(), rung: b.rung, why: &b.why }).collect(),
        not_offered: story
            .unavailable
            .items
            .iter()
            .map(|missing| NotOffered { at: missing.at.rfc3339(), what: missing.what, why: &missing.why })
            .collect(),
        hooks_ran: story.hooks_ran,
        hook_problems: hooks(story),
        hook_problems_left_out: story.hook_problems.more,
        reads_failed: story.reads_failed.0,
        calls: calls(story),
        over_time: over_time(story),
        agents: Agents(story),
    }
}

/// How the run ended, for programs; `open` for one that has not.
#[must_use]
pub fn ending_name(story: &Story) -> &'static str {
    match story.ending() {
        Ending::Open(_) => "open",
        Ending::Settled => "settled",
        Ending::Stopped { kind, .. } => stop_name(kind),
        Ending::InDoubt => "in_doubt",
    }
}

fn stop_name(kind: crate::law::event::StopKind) -> &'static str {
    use crate::law::event::StopKind;
    match kind {
        StopKind::Vetoed => "vetoed",
        StopKind::Drifted => "drifted",
        StopKind::Missed => "missed",
        StopKind::Refused => "refused",
        StopKind::Aborted => "aborted",
    }
}

fn run(story: &Story) -> Option<Run<'_>> {
    let plan = story.plan.as_ref()?;
    Some(Run {
        business_unit: &plan.business_unit,
        week: plan.week.to_string(),
        schedule: &plan.schedule,
        publish_at: plan.publish_at.rfc3339(),
        zone: &plan.zone,
        agents: plan.roster.len(),
        enrolled: plan.roster.iter().filter(|member| member.enrolled).count(),
        mechanisms: &plan.mechanisms,
        staged_by: plan.policy.staged_by.as_ref().map(|by| StagedByDoc { who: &by.who, why: by.why.as_deref() }),
    })
}

fn phases(story: &Story) -> Vec<PhaseDoc> {
    let spans = story.phases.items.iter();
    spans
        .map(|span| PhaseDoc { phase: span.phase, begin: span.begin.rfc3339(), end: span.end.map(Timestamp::rfc3339) })
        .collect()
}

fn publish(story: &Story) -> PublishDoc<'_> {
    let publish = &story.publish;
    fn whys(items: &[(Timestamp, std::sync::Arc<str>)]) -> Vec<Why<'_>> {
        items.iter().map(|(at, why)| Why { at: at.rfc3339(), why }).collect()
    }
    PublishDoc {
        standing: match publish.standing() {
            PublishStanding::NotSent => "not_sent",
            PublishStanding::NotDone => "not_done",
            PublishStanding::Open => "open",
            PublishStanding::Confirmed => "published_once",
        },
        claims: publish
            .claims
            .items
            .iter()
            .map(|claim| ClaimDoc { attempt: claim.attempt, at: claim.at.rfc3339(), late_ms: claim.late_ms })
            .collect(),
        accepted_at: publish.accepted.as_ref().map(|(at, _)| at.rfc3339()),
        operation: publish.accepted.as_ref().and_then(|(_, operation)| operation.as_ref()).map(|id| id.as_str()),
        confirmed_at: publish.confirmed.map(|(at, _)| at.rfc3339()),
        version: publish.confirmed.map(|(_, version)| version),
        took_ms: publish.took_ms(),
        doubts: whys(&publish.doubts.items),
        not_done: whys(&publish.not_done.items),
    }
}

fn tokens(story: &Story) -> TokensDoc {
    let counts = story.refresh;
    TokensDoc {
        enrolled: counts.enrolled,
        refreshed: counts.done,
        left: counts.left,
        given_up: counts.failed,
        dead: counts.dead,
        under_way: counts.under_way,
        untouched: counts.untouched(),
    }
}

fn losses(story: &Story) -> LossesDoc {
    let losses = &story.losses;
    let (evidence, tried) = (losses.evidence(), losses.tried());
    let minute = |(minute, seen): (i64, Minute)| MinuteDoc {
        minute,
        lost: seen.lost,
        refused: seen.refused,
        disconnected: seen.disconnected,
        tokens_changed: seen.tokens,
        legs_failed: seen.legs,
    };
    LossesDoc {
        looks_before: losses.looks(),
        evidence,
        finding: evidence.finding(),
        tokens_tried: TriedDoc { before: tried.before, after: tried.after },
        minutes: losses.minutes().map(minute).collect(),
    }
}

fn probes(story: &Story) -> ProbesDoc {
    let (before, after) = story.probes;
    ProbesDoc {
        before_accepted: before.accepted,
        before_refused: before.refused,
        after_accepted: after.accepted,
        after_refused: after.refused,
    }
}

fn remedies(story: &Story) -> Vec<RungDoc> {
    let rungs = Rung::ALL.into_iter().zip(story.rungs).filter(|(_, rung)| rung.agents > 0 || rung.cured > 0);
    rungs
        .map(|(rung, told)| RungDoc {
            rung,
            agents: told.agents,
            starts: told.starts,
            cured: told.cured,
            could_not_be_applied: told.failed,
        })
        .collect()
}

fn waves(story: &Story) -> Vec<WavesDoc> {
    let wave = |wave: Wave| WaveDoc {
        began: wave.began.rfc3339(),
        begun: wave.begun,
        at_once: wave.at_once,
        helped_before: wave.helped_before,
    };
    let told = waves::rungs(story);
    told.map(|(rung, told)| WavesDoc { rung, waves: told.all().map(wave).collect(), left_out: told.kept.more })
        .collect()
}

fn hooks(story: &Story) -> Vec<HookDoc<'_>> {
    let problems = story.hook_problems.items.iter();
    problems
        .map(|hook| HookDoc {
            at: hook.at.rfc3339(),
            point: hook.point.as_str(),
            name: &hook.name,
            problem: &hook.problem,
            output: &hook.output,
        })
        .collect()
}

fn over_time(story: &Story) -> Vec<PointDoc> {
    let points = story.series.points();
    points
        .map(|(at, counts)| PointDoc {
            at: at.rfc3339(),
            tally: counts.tally,
            on_call: counts.on_call,
            not_checked: counts.unjudged,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::shells::report::sample;

    #[test]
    fn the_document_has_its_version_and_every_agent() {
        let records = sample::friday(1, 60);
        let story = Story::of(&records);
        let text = serde_json::to_string(&document(&story)).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["format"], "softlanding.report.v1");
        assert_eq!(value["ending"], "settled");
        assert_eq!(value["publish"]["standing"], "published_once");
        assert_eq!(value["publish"]["claims"][0]["late_ms"], 12);
        let agents = value["agents"].as_array().unwrap();
        assert_eq!(agents.len(), 60);
        let count = |verdict: &str| agents.iter().filter(|agent| agent["verdict"] == verdict).count() as u64;
        for (verdict, tally) in [("ready", "ready"), ("straggler", "stragglers"), ("deferred", "deferred")] {
            assert_eq!(Some(count(verdict)), value["tally"][tally].as_u64(), "{verdict}");
        }
        let covered = &value["coverage"];
        let parts = ["handed_over", "no_page", "not_taken", "not_in_time"].map(|part| covered[part].as_u64().unwrap());
        assert_eq!(Some(parts.iter().sum::<u64>()), covered["renewed"].as_u64());
        assert!(parts[0] > 0 && parts[1] > 0 && parts[2] > 0, "{covered}");
        let placed = |place: &str| agents.iter().filter(|agent| agent["new_token_at_publish"] == place).count() as u64;
        assert_eq!(parts, ["in_the_page", "no_page", "not_taken", "not_handed_over"].map(placed));
        let heard =
            |look: &str| value["pages"].as_array().unwrap().iter().map(|p| p[look].as_u64().unwrap()).sum::<u64>();
        assert_eq!((heard("first"), heard("last")), (60, 60));
        for (at, told) in value["waves"].as_array().unwrap().iter().enumerate() {
            let begun: u64 = told["waves"].as_array().unwrap().iter().map(|wave| wave["begun"].as_u64().unwrap()).sum();
            let remedy = &value["remedies"][at];
            assert_eq!((&told["rung"], Some(begun)), (&remedy["rung"], remedy["starts"].as_u64()));
        }
        assert!(!value["waves"].as_array().unwrap().is_empty());
        let hook = &value["hook_problems"][0];
        assert_eq!((&hook["problem"], &hook["output"]), (&json!(sample::SAID), &json!("no route\n  to the board")));
        assert_eq!(agents[0]["name"], sample::HOSTILE[0]);
        assert!(agents.iter().all(|agent| !agent["moments"].as_array().unwrap().is_empty()));
    }

    #[test]
    fn a_run_that_stopped_says_why() {
        let records = sample::stopped(crate::law::event::StopKind::Vetoed, "the change board said no");
        let value = serde_json::to_value(document(&Story::of(&records))).unwrap();
        assert_eq!(
            (value["ending"].as_str(), value["why"].as_str()),
            (Some("vetoed"), Some("the change board said no"))
        );
        assert_eq!(value["publish"]["standing"], "not_sent");
    }
}
