//! How long a run stands still when its leader is lost in the middle of a phase, with the lease as it is by default. The
//! times are printed; what is asserted is that the run goes on and ends.

use rustix::process::Signal;
use serde_json::Value;
use softlanding::words::clock::Clock;

use super::support::process::patiently;
use super::support::replicas::{Place, Replica, Store, written_at};
use super::{REPEAT, SMALL_ORG};

const SPEED: f64 = 10.0;
/// The clock stands so many minutes before the publish when the replicas start.
const MINUTES: i64 = 3;
const TIMING: &str = "refresh_lead = \"1min\"\nprepare_lead = \"30s\"\nsettle_after = \"6min\"";

/// Waits until the run's leader is another one than `lost`, and prints how long that took.
async fn taken_over(how: &str, by: &Replica, phase: &str, lost_at: softlanding::words::clock::Timestamp) {
    let leading = |line: &Value| line["event"] == "leading" && written_at(line) > lost_at;
    let line = by.says(0, leading).await;
    println!("{how} at {phase}: led again after {} ms", written_at(&line).since_ms(lost_at));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_under_another_leader_in_the_middle_of_a_phase() {
    patiently(lost_twice()).await;
}

async fn lost_twice() {
    let store = Store::open().await;
    let place = Place::open("failover", SMALL_ORG, MINUTES, SPEED).await;
    let entries = [("care".to_owned(), "Customer Care".to_owned())];
    place.configure("softlanding.toml", &store.database.url(), "", TIMING, &entries);
    let vault = place.share_vault("softlanding.toml", &store.database.url()).await;
    let first = Replica::start(&place, &["softlanding.toml"]).await;
    let leading = first.says(0, |line| line["event"] == "leading").await;
    let run = leading["run"].as_str().expect("a run").to_owned();
    let second = Replica::start(&place, &["softlanding.toml"]).await;

    store.until(&run, "token_refreshed").await;
    let paused_at = Clock::System.now();
    first.signal(Signal::STOP);
    taken_over("silent, as a machine that is gone", &second, "refresh", paused_at).await;
    first.signal(Signal::CONT);

    store.until(&run, "users_seen").await;
    let killed_at = Clock::System.now();
    let known = second.kill().await;
    taken_over("killed beside another process of its machine", &first, "check", killed_at).await;

    store.until(&run, "settled").await;
    first.stop().await;
    assert!(known.look(|lines| lines.iter().any(|line| line["event"] == "publish_sent")), "{REPEAT}");
    assert_eq!(place.truth().counters.publishes_applied, 1, "{REPEAT}");

    // What one replica has refreshed the other finds: everybody's token is the one in force, or it is known to be dead or to be
    // in doubt, because its refresh was under way when the process was paused.
    let agents = vault.agents().await.expect("agents");
    assert!(agents.iter().filter(|one| one.refreshed_at.is_some()).count() > 1, "{agents:?}; {REPEAT}");
    for (agent, _, token) in place.in_force() {
        let kept = vault.get(&agent).await.expect("a vault");
        let listed = agents.iter().find(|one| one.agent == agent);
        let known = listed.is_some_and(|one| one.must_sign_in() || one.spent_since.is_some());
        assert!(known || kept.is_some_and(|kept| kept.refresh_token == token), "{agent}; {REPEAT}");
    }
    store.database.close().await;
}
