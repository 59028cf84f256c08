//! Whole rehearsals: staged, driven and reported over real sockets against the twin, with the hooks of `hooks/`, and then
//! held against what the twin knows.
//!
//! Must never: assert a time. The clock runs as fast as the machine can follow.

mod support;

use std::path::{Path, PathBuf};

use softlanding::law::audit::Auditor;
use softlanding::law::event::{Event, Phase, StopKind};
use softlanding::law::verdict::{Rung, Verdict};
use softlanding::shells::rehearse::{Rehearsal, Rehearsed, Setting, rehearse};
use softlanding::shells::report::Display;
use softlanding::twin::{Kind, Scenario, Touch};
use softlanding::words::clock::{Seed, Timestamp};
use support::contract;

/// A Monday; the rehearsal plays the Friday after it.
const NOW: Timestamp = Timestamp(1_795_435_200_000);

struct Played {
    rehearsed: Rehearsed,
    out: PathBuf,
}

async fn play(name: &str, scenario: Scenario, speed: f64) -> Played {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rehearsal-{name}"));
    let setting = Setting::friday(scenario, Seed(1600), Some(speed), NOW).expect("a Friday");
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks");
    let rehearsal = Rehearsal { setting, out: out.clone(), hooks, exchanges_max: 20_000 };
    let mut display = Display::json(Box::new(std::io::sink()));
    let rehearsed = rehearse(&rehearsal, &mut display, |_, _| {}, std::future::pending()).await;
    let rehearsed = rehearsed.unwrap_or_else(|e| panic!("{name}: {e:?}"));
    Auditor::check(&rehearsed.records).unwrap_or_else(|e| panic!("{name}: {e}"));
    Played { rehearsed, out }
}

fn shipped(name: &str) -> Scenario {
    Scenario::named(name).unwrap_or_else(|| panic!("no scenario {name}"))
}

impl Played {
    fn phase(&self) -> Phase {
        self.rehearsed.run.phase
    }
    fn count(&self, which: impl Fn(&Event) -> bool) -> usize {
        self.rehearsed.records.iter().filter(|r| which(&r.event)).count()
    }
    /// What holds of every rehearsal, however it ends: what was counted on the other side, and the published API.
    fn keeps_the_promises(&self) {
        let audit = &self.rehearsed.audit;
        assert_eq!(audit.touched_on_call, 0, "agents on a call were touched");
        assert_eq!(audit.too_many_requests, 0, "the rate limit was exceeded");
        assert_eq!(audit.disagreeing, [], "verdicts that are not so");
        assert!(self.rehearsed.served.exchanges().len() < 20_000, "exchanges were left out");
        let exchanges: Vec<_> =
            self.rehearsed.served.exchanges().iter().map(|e| serde_json::to_value(e).unwrap()).collect();
        let faults = contract::check(&exchanges);
        assert!(faults.is_empty(), "{} faults against the published API:\n{}", faults.len(), faults.join("\n"));
        for report in ["report.html", "report.md", "report.json"] {
            assert!(self.out.join(report).metadata().is_ok_and(|m| m.len() > 500), "{report} is missing");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_calm_friday_touches_nobody() {
    let played = play("calm", shipped("calm"), 300.0).await;
    played.keeps_the_promises();
    assert_eq!(played.phase(), Phase::Settled);
    assert_eq!(played.rehearsed.audit.publishes_applied, 1);
    assert_eq!(played.count(|e| matches!(e, Event::RemedyStarted { .. })), 0);
    assert!(played.rehearsed.twin.truth().agents.iter().all(|agent| agent.remedies.is_empty()));
    let tally = played.rehearsed.run.tally();
    assert_eq!((tally.recovered, tally.stragglers), (0, 0), "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_friday_of_the_users_report_everyone_curable_is_cured() {
    let played = play("friday-1600", shipped("friday-1600"), 60.0).await;
    played.keeps_the_promises();
    assert_eq!(played.phase(), Phase::Settled);
    assert_eq!(played.rehearsed.audit.publishes_applied, 1);
    let run = &played.rehearsed.run;
    assert_eq!(run.tally().total(), 600);
    let truth = played.rehearsed.twin.truth();
    for agent in &truth.agents {
        let left_alone = agent.on_call || !agent.logged_in;
        let ends_grey = agent.kind == Kind::Incurable || left_alone;
        assert!(agent.media_ready || ends_grey, "{} ({:?}) is curable and was not cured", agent.name, agent.kind);
        let verdict = run.seat_of(&agent.id).and_then(|seat| run.agent(seat)).and_then(|a| a.verdict);
        if agent.kind == Kind::Incurable && !left_alone {
            assert!(matches!(verdict, Some(Verdict::Straggler { .. })), "{}: {verdict:?}", agent.name);
        }
        if agent.on_call {
            assert_eq!(agent.remedies, [], "{} is on a call and was touched", agent.name);
        }
        assert!(!agent.remedies.iter().any(|(touch, _)| *touch == Touch::TokensDeleted), "revoking tokens is opt-in");
    }
    for rung in [Rung::TokenRefresh, Rung::SessionReset, Rung::Reassociate, Rung::RebootPhone] {
        let cured = run.agents.iter().any(|a| a.verdict == Some(Verdict::Recovered { by: rung }));
        assert!(cured, "nobody was recovered by {}", rung.words());
    }
    // The hooks that are shipped switched on were executed.
    let ran = |e: &Event| matches!(e, Event::HooksRan { results, .. } if results.iter().any(|r| r.name == "10-freeze-window"));
    assert_eq!(played.count(ran), 1);
    let silent = |text: &str| !text.contains("refresh_token\":") && !text.contains("twin-publisher-secret");
    let html = std::fs::read_to_string(played.out.join("report.html")).expect("a report");
    assert!(silent(&html), "a secret reached the report");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_publish_with_lost_answers_is_seen_through_and_sent_once() {
    let played = play("slow-publish", shipped("slow-publish"), 200.0).await;
    played.keeps_the_promises();
    assert_eq!((played.phase(), played.rehearsed.audit.publishes_applied), (Phase::Settled, 1));
    assert_eq!(played.rehearsed.run.claims, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_that_never_shows_up_is_left_to_a_person() {
    let played = play("publish-fails", shipped("publish-fails"), 300.0).await;
    played.keeps_the_promises();
    assert_eq!((played.phase(), played.rehearsed.audit.publishes_applied), (Phase::InDoubt, 0));
    assert_eq!(played.rehearsed.run.claims, 1, "doubt is never settled by publishing again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tight_rate_limit_is_kept() {
    let played = play("rate-limited", shipped("rate-limited"), 120.0).await;
    played.keeps_the_promises();
    assert_eq!((played.phase(), played.rehearsed.audit.publishes_applied), (Phase::Settled, 1));
    assert!(played.rehearsed.audit.max_calls_in_a_minute <= 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_veto_stops_the_publish_with_its_reason() {
    use std::os::unix::fs::PermissionsExt;
    let hooks = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vetoing-hooks");
    let folder = hooks.join("pre-publish.d");
    std::fs::create_dir_all(&folder).expect("a folder");
    let hook = folder.join("10-no");
    std::fs::write(&hook, "#!/bin/sh\ncat >/dev/null\necho 'quarter end: no changes today'\nexit 3\n").expect("a hook");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rehearsal-veto");
    let setting = Setting::friday(shipped("calm"), Seed(1), Some(300.0), NOW).expect("a Friday");
    let rehearsal = Rehearsal { setting, out, hooks, exchanges_max: 0 };
    let mut display = Display::json(Box::new(std::io::sink()));
    let played = rehearse(&rehearsal, &mut display, |_, _| {}, std::future::pending()).await.expect("a rehearsal");
    let (kind, why) = played.run.stop.clone().expect("stopped");
    assert_eq!(kind, StopKind::Vetoed);
    assert!(why.contains("10-no") && why.contains("exit code 3"), "{why}");
    assert_eq!((played.audit.publishes_applied, played.run.claims), (0, 0));
}
