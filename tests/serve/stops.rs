//! Stops and crashes: what is in hand is finished, or taken up again, and the publish happens once.

use rustix::process::Signal;
use softlanding::hands::vault::Vault;
use softlanding::law::event::{Event, Phase};
use softlanding::law::run::Run;
use softlanding::words::clock::Clock;
use softlanding::words::secret::Secret;

use crate::gate::Gate;
use crate::support::process::patiently;
use crate::support::site::{REPEAT, RUN, Site, calm, text, told};

/// A site whose agents' refreshes pass a gate on their way back.
async fn gated(name: &str) -> (Site, Gate) {
    let site = Site::open(name, calm(&["Approved"]), -4, 30.0, "catch_up = \"2h\"").await;
    let gate = Gate::before(&site.org.url).await;
    let direct = format!("login_url = \"{}\"", site.org.url);
    site.edit(|config| config.replace(&direct, &format!("login_url = \"{}\"", gate.url)));
    (site, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_it_finishes_what_is_in_hand_and_loses_no_token() {
    patiently(async {
        let (site, gate) = gated("stop").await;
        let mut daemon = site.serve();
        daemon.while_waiting_for("an answer at the gate", gate.holds_a_refresh()).await;
        let asked_at = Clock::System.now();
        daemon.signal(Signal::TERM);
        daemon.event("stopping").await;
        gate.open();
        let end = daemon.end().await;
        println!(
            "stopped {} ms after it was asked, a refresh in flight included",
            Clock::System.now().since_ms(asked_at)
        );
        assert_eq!(end.code, Some(0), "{}{}; {REPEAT}", told(&end.log), end.complaint);
        assert_eq!(end.about("stopped")[0]["message"], "stopped in order", "{REPEAT}");

        // Every refresh that the org carried out is in the journal, and what came of it is in the vault.
        let records = site.records(RUN).await;
        let started = records.iter().filter(|r| matches!(r.event, Event::RefreshStarted { .. })).count();
        let refreshed = records.iter().filter(|r| matches!(r.event, Event::TokenRefreshed { .. })).count();
        assert!(refreshed > 0 && started == refreshed, "{started} started, {refreshed} done; {REPEAT}");
        let key = Secret::new(text(&site.folder.join("vault.key")).trim().to_owned());
        let vault = Vault::open(&site.folder.join("vault.db"), &key).await.expect("a vault");
        let in_force = site.org.enrolments();
        for (agent, _, token) in &in_force {
            let kept = vault.get(agent).await.expect("a vault").expect("a grant");
            assert_eq!(kept.refresh_token.expose(), token.expose(), "{agent} has lost its token; {REPEAT}");
        }

        let mut daemon = site.serve();
        daemon.event("ended").await;
        daemon.stop().await;
        assert_eq!(site.published(), (1, 1), "{REPEAT}");
        let run = Run::replay(&site.records(RUN).await).expect("a run");
        assert_eq!((run.phase, run.tally().total()), (Phase::Settled, 12), "{REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_twice_it_ends_at_once_and_the_run_survives_that() {
    patiently(async {
        let (site, gate) = gated("stop-twice").await;
        let mut daemon = site.serve();
        daemon.while_waiting_for("an answer at the gate", gate.holds_a_refresh()).await;
        daemon.signal(Signal::TERM);
        daemon.event("stopping").await;
        daemon.signal(Signal::TERM);
        // The gate is still shut: nothing in hand has ended.
        let end = daemon.end().await;
        assert_eq!(end.code, Some(130), "{}{}; {REPEAT}", told(&end.log), end.complaint);
        assert!(end.about("stopped").is_empty(), "{REPEAT}");
        gate.open();
        let mut daemon = site.serve();
        daemon.event("ended").await;
        daemon.stop().await;
        assert_eq!(site.published(), (1, 1), "{REPEAT}");
    })
    .await;
}

/// Killed at the first line of each of these kinds, one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn killed_in_every_phase_it_resumes_each_time_and_publishes_once() {
    patiently(async {
        let site = Site::open("killed", calm(&["Approved"]), -4, 20.0, "catch_up = \"2h\"").await;
        let phases = ["refreshing", "preparing", "checking"];
        for (deaths, phase) in phases.iter().enumerate() {
            let mut daemon = site.serve();
            let leading = daemon.event("leading").await;
            assert_eq!(leading["run"], RUN, "{REPEAT}");
            if deaths > 0 {
                daemon.event("taken_up").await;
            }
            daemon.until(phase, |line| line["event"] == "phase_entered" && line["phase"] == *phase).await;
            daemon.kill().await;
        }
        let mut daemon = site.serve();
        daemon.event("ended").await;
        let end = daemon.stop().await;
        assert_eq!(site.published(), (1, 1), "{}; {REPEAT}", told(&end.log));
        let run = Run::replay(&site.records(RUN).await).expect("a run");
        assert_eq!((run.phase, run.tally().total()), (Phase::Settled, 12), "{REPEAT}");
    })
    .await;
}
