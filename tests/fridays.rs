//! Whole Fridays, one per scenario, over loopback HTTP on a scaled clock: what the twin says afterwards is held against what
//! the run says, and every exchange against the platform's published API.
//!
//! The Fridays are played one after the other: each has the machine's cores for itself, as its clock runs fast.

mod support;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use softlanding::law::audit::Auditor;
use softlanding::law::event::{Event, Phase, StopKind};
use softlanding::law::evidence::{Evidence, Finding};
use softlanding::law::losses::Losses;
use softlanding::law::verdict::{Deferral, Verdict};
use softlanding::shells::driver::Ended;
use softlanding::shells::rehearse::{Rehearsal, Rehearsed, Setting, rehearse};
use softlanding::shells::report::Display;
use softlanding::twin::{AgentTruth, Cure, Kind};
use softlanding::words::clock::{Seed, Timestamp};
use support::contract;
use support::org::scenario;
use support::process::patiently;
use tokio::sync::Mutex;

const REPEAT: &str = "to repeat: ./tests/run --test fridays";

/// Plays one Friday at a time, with the hooks that are shipped.
async fn play(name: &str, speed: f64) -> Rehearsed {
    play_with(name, speed, name, Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks")).await
}

async fn play_with(name: &str, speed: f64, folder: &str, hooks: PathBuf) -> Rehearsed {
    static TURN: OnceLock<Mutex<()>> = OnceLock::new();
    let _turn = TURN.get_or_init(Mutex::default).lock().await;
    let monday = Timestamp::parse_rfc3339("2026-11-23T12:00:00Z").expect("an instant");
    let setting = Setting::friday(scenario(name), Seed(1600), Some(speed), monday).expect("a Friday");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fridays").join(folder);
    std::fs::create_dir_all(out.parent().expect("a folder")).expect("a folder");
    let rehearsal = Rehearsal { setting, out, hooks, exchanges_max: 100_000 };
    let mut display = Display::lines(Box::new(std::io::sink()));
    let played = patiently(rehearse(&rehearsal, &mut display, |_, _| {}, std::future::pending())).await;
    played.unwrap_or_else(|e| panic!("{name}: {e}; {REPEAT}"))
}

/// What holds of every Friday, whatever goes wrong in it.
fn holds_always(played: &Rehearsed) {
    let audit = &played.audit;
    assert_eq!(played.ended, Ended::Over, "{REPEAT}");
    assert!(audit.publishes_applied <= 1, "{audit:?}; {REPEAT}");
    assert_eq!((audit.touched_on_call, audit.too_many_requests), (0, 0), "{audit:?}; {REPEAT}");
    assert!(audit.disagreeing.is_empty(), "{:?}; {REPEAT}", audit.disagreeing);
    let violation = Auditor::check(&played.records);
    assert!(violation.is_ok(), "{violation:?}; {REPEAT}");
    assert_eq!(played.run.tally().total() as usize, played.staged.plan.roster.len(), "{REPEAT}");
    let exchanges = serde_json::to_value(played.served.exchanges()).expect("JSON");
    let findings = contract::findings(exchanges.as_array().expect("a list"));
    assert!(findings.faults.is_empty(), "{REPEAT}\n{}", findings.faults.join("\n"));
    // An empty recording would keep every contract.
    let update = findings.asked.iter().any(|operation| operation.ends_with("/schedules/{scheduleId}/update"));
    assert!(update && findings.served.contains("POST /oauth/token"), "{:?}", findings.served);
    for report in ["report.html", "report.md", "report.json"] {
        assert!(played.reports.iter().any(|file| file.ends_with(report) && file.is_file()), "{report}; {REPEAT}");
    }
}

/// Every agent as the twin knows it, with what the run says of it.
fn agents(played: &Rehearsed) -> Vec<(AgentTruth, Option<Verdict>)> {
    let verdict =
        |agent: &AgentTruth| played.run.seat_of(&agent.id).and_then(|s| played.run.agent(s)).and_then(|a| a.verdict);
    played.twin.truth().agents.into_iter().map(|agent| (agent.clone(), verdict(&agent))).collect()
}

/// Whether the run ever said of an agent: on a call, not touched.
fn was_on_call(played: &Rehearsed, agent: &AgentTruth) -> bool {
    let on_call = Verdict::Deferred { because: Deferral::OnCall };
    let seat = played.run.seat_of(&agent.id);
    played.records.iter().any(|record| match &record.event {
        Event::Judged { verdicts } => verdicts.iter().any(|(s, verdict)| Some(*s) == seat && *verdict == on_call),
        _ => false,
    })
}

/// The section of the page that says whether softphones were lost by the publish.
fn evidence_page(played: &Rehearsed) -> String {
    let page = played.reports.iter().find(|file| file.ends_with("report.html")).expect("a page");
    let page = std::fs::read_to_string(page).expect("a page");
    let (_, rest) = page.split_once("id=\"evidence-h\"").expect("the section");
    rest.split_once("</section>").expect("its end").0.to_owned()
}

fn assert_published_once_and_settled(played: &Rehearsed) {
    assert_eq!((played.run.phase, played.audit.publishes_applied), (Phase::Settled, 1), "{REPEAT}");
    let truth = played.twin.truth();
    assert_eq!(truth.counters.update_posts, 1, "the update was sent once; {REPEAT}");
    let without: Vec<String> = agents(played).into_iter().filter(|(_, v)| v.is_none()).map(|(a, _)| a.name).collect();
    assert!(without.is_empty(), "no verdict for {without:?}; {REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_calm_friday_nobody_is_touched() {
    let played = play("calm", 100.0).await;
    holds_always(&played);
    assert_published_once_and_settled(&played);
    for (agent, verdict) in agents(&played) {
        assert!(agent.remedies.is_empty(), "{} was touched: {:?}; {REPEAT}", agent.name, agent.remedies);
        assert_eq!(verdict, Some(Verdict::Ready), "{}; {REPEAT}", agent.name);
    }
    let remedies = played.records.iter().filter(|r| matches!(r.event, Event::RemedyStarted { .. })).count();
    assert_eq!(remedies, 0, "{REPEAT}");
    let losses = Losses::of(&played.records);
    assert!(losses.looks() > 1 && losses.evidence().after.losses == 0, "{losses:?}; {REPEAT}");
    let page = evidence_page(&played);
    assert!(page.contains("No association found: no softphone was lost."), "{page}; {REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_friday_of_the_users_report_everybody_curable_is_cured() {
    let played = play("friday-1600", 73.0).await;
    holds_always(&played);
    assert_published_once_and_settled(&played);
    for (agent, verdict) in agents(&played) {
        let about = format!("{} ({:?}, {verdict:?}); {REPEAT}", agent.name, agent.kind);
        assert_eq!(agent.touched_while_on_call, 0, "{about}");
        match (agent.logged_in, agent.on_call, agent.kind) {
            (true, false, Kind::Incurable) => {
                assert!(matches!(verdict, Some(Verdict::Straggler { .. })), "{about}");
            }
            (true, false, _) => {
                assert!(agent.media_ready, "{about}");
                // Whom the platform says too little about, nobody may touch; what it does not say, nobody may claim.
                let said = matches!(verdict, Some(Verdict::Ready | Verdict::Recovered { .. }));
                assert_eq!(said, agent.kind != Kind::BlocksMissing, "{about}");
                // Who was on a call was left alone, and may reload the page as soon as it ends, before anybody can look.
                let excused = agent.kind == Kind::BlocksMissing || was_on_call(&played, &agent);
                assert!(agent.cured_by != Some(Cure::Reload) || excused, "cured by hand: {about}");
            }
            (true, true, _) | (false, _, _) => {
                assert!(!matches!(verdict, Some(Verdict::Straggler { .. })), "{about}");
            }
        }
    }
    let losses = Losses::of(&played.records);
    let went_grey = agents(&played).iter().filter(|(agent, _)| agent.grey_times > 0).count() as u64;
    let Evidence { before, after } = losses.evidence();
    assert!(before.losses <= 1 && after.losses > 100 && after.losses <= went_grey, "{went_grey} {losses:?}; {REPEAT}");
    assert!(matches!(losses.evidence().finding(), Finding::Association(_)), "{losses:?}; {REPEAT}");
    let page = evidence_page(&played);
    for words in ["Softphones were lost", "times as often", "That is an association", "softphones lost"] {
        assert!(page.contains(words), "{words}: {page}; {REPEAT}");
    }
    // The hook that is shipped switched on was executed.
    let ran = |e: &Event| matches!(e, Event::HooksRan { results, .. } if results.iter().any(|r| r.name == "10-freeze-window"));
    assert_eq!(played.records.iter().filter(|r| ran(&r.event)).count(), 1, "{REPEAT}");
    let count = |wanted: Kind| agents(&played).iter().filter(|(agent, _)| agent.kind == wanted).count();
    assert_eq!(count(Kind::Incurable), 2, "the scenario has lost its point; {REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_whose_answer_is_lost_is_not_repeated() {
    let played = play("slow-publish", 73.0).await;
    holds_always(&played);
    assert_published_once_and_settled(&played);
    let has = |wanted: fn(&Event) -> bool| played.records.iter().any(|r| wanted(&r.event));
    assert!(has(|e| matches!(e, Event::PublishDoubted { .. })), "there was no doubt; {REPEAT}");
    assert!(has(|e| matches!(e, Event::PublishConfirmed { .. })), "{REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_fails_ends_in_doubt_and_touches_nobody() {
    let played = play("publish-fails", 100.0).await;
    holds_always(&played);
    assert_eq!((played.run.phase, played.audit.publishes_applied), (Phase::InDoubt, 0), "{REPEAT}");
    assert_eq!(played.twin.truth().counters.update_posts, 1, "{REPEAT}");
    for (agent, _) in agents(&played) {
        assert!(agent.remedies.is_empty(), "{} was touched: {:?}; {REPEAT}", agent.name, agent.remedies);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tight_rate_limit_is_used_and_never_exceeded() {
    let played = play("rate-limited", 73.0).await;
    holds_always(&played);
    assert_published_once_and_settled(&played);
    let busiest = played.audit.max_calls_in_a_minute;
    assert!((30..=60).contains(&busiest), "{busiest} calls in the busiest minute; {REPEAT}");
    let cured = |agent: &AgentTruth| agent.on_call || !agent.logged_in || agent.media_ready;
    let left: Vec<String> = agents(&played).into_iter().filter(|(a, _)| !cured(a)).map(|(a, _)| a.name).collect();
    assert!(left.is_empty(), "{left:?}; {REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_vetoes_stops_the_publish_and_says_why() {
    use std::os::unix::fs::PermissionsExt;
    let hooks = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vetoing-hooks");
    let folder = hooks.join("pre-publish.d");
    std::fs::create_dir_all(&folder).expect("a folder");
    let hook = folder.join("10-no");
    std::fs::write(&hook, "#!/bin/sh\ncat >/dev/null\necho 'quarter end: no changes today'\nexit 3\n").expect("a hook");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let played = play_with("calm", 300.0, "veto", hooks).await;
    let (kind, why) = played.run.stop.clone().expect("stopped");
    assert_eq!(kind, StopKind::Vetoed, "{REPEAT}");
    assert!(why.contains("10-no") && why.contains("exit code 3"), "{why}; {REPEAT}");
    assert!(why.ends_with("it said: quarter end: no changes today"), "{why}; {REPEAT}");
    assert_eq!((played.audit.publishes_applied, played.run.claims), (0, 0), "{REPEAT}");
}
