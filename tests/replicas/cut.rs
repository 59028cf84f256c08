//! The network between a leader and the database is cut around the claim of the publish: nothing is sent twice, and the run
//! goes on under another leader, or under the same one once the network is back.

use softlanding::hands::journal::Journal;
use softlanding::law::audit::Auditor;
use softlanding::law::event::{Event, Phase, Record};
use softlanding::law::run::Run;
use softlanding::words::id::RunId;

use super::support::process::patiently;
use super::support::replicas::{Place, Replica, Row, Store};
use super::support::way::{Moment, State, Way};
use super::{REPEAT, SMALL_ORG};

const SPEED: f64 = 30.0;
/// The clock stands so many minutes before the publish when the replicas start.
const MINUTES: i64 = 3;
const SERVE: &str = "lease = \"2s\"\nlook_every = \"200ms\"";
const TIMING: &str =
    "refresh_lead = \"1min\"\nprepare_lead = \"30s\"\npublish_window = \"5min\"\nsettle_after = \"6min\"";
/// What the question that claims a publish holds, in clear.
const CLAIM: &str = "publish_claimed";

/// Who goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Another replica, with a way of its own to the database.
    Another,
    /// The same one, once its way is open again.
    Itself,
}

/// One cut, and what is left of it.
#[derive(Debug, Clone, Copy)]
struct Case {
    moment: Moment,
    state: State,
    then: Then,
}

fn cases(then: Then) -> Vec<Case> {
    let moments = [Moment::Before, Moment::Between, Moment::Behind];
    let states = [State::Silent, State::Late, State::Reset];
    moments.iter().flat_map(|moment| states.map(|state| Case { moment: *moment, state, then })).collect()
}

/// A run with its leader, whose way to the database is about to be cut.
struct Scene {
    place: Place,
    store: Store,
    way: Way,
    leader: Replica,
    run: String,
}

impl Scene {
    async fn set(case: Case) -> Scene {
        let store = Store::open().await;
        let place = Place::open(&name(case), SMALL_ORG, MINUTES, SPEED).await;
        let (way, url) = store.way().await;
        way.set_trap(CLAIM, case.moment, case.state);
        let entries = [("care".to_owned(), "Customer Care".to_owned())];
        place.configure("a.toml", &url, SERVE, TIMING, &entries);
        place.configure("b.toml", &store.database.url(), SERVE, TIMING, &entries);
        let leader = Replica::start(&place, &["a.toml"]).await;
        let leading = leader.says(0, |line| line["event"] == "leading").await;
        let run = leading["run"].as_str().expect("a run").to_owned();
        Scene { place, store, way, leader, run }
    }

    /// Lets the run go on after the cut; everyone who carried it ends in order.
    async fn go_on(self, then: Then) -> (Store, Place, String) {
        let leading = |line: &serde_json::Value| line["event"] == "leading";
        let other = match then {
            Then::Another => Some(Replica::start(&self.place, &["b.toml"]).await),
            Then::Itself => None,
        };
        self.way.is_cut().await;
        let known = self.leader.lines();
        // A run that has come to its end meanwhile says no more.
        let over = || self.store.rows.until(|rows| rows.iter().any(is_last).then_some(()));
        tokio::select! {
            _ = self.leader.says(0, |line| line["event"] == "let_go") => {}
            () = over() => {}
        }
        if let Some(other) = &other {
            tokio::select! {
                _ = other.says(0, leading) => {}
                () = over() => {}
            }
        }
        self.way.put(State::Open);
        if other.is_none() {
            tokio::select! {
                _ = self.leader.says(known, leading) => {}
                () = over() => {}
            }
        }
        over().await;
        for replica in other.into_iter().chain([self.leader]) {
            replica.stop().await;
        }
        (self.store, self.place, self.run)
    }
}

fn is_last(row: &Row) -> bool {
    matches!(row.kind.as_str(), "settled" | "stopped" | "publish_unconfirmed")
}

fn name(case: Case) -> String {
    format!("cut-{:?}-{:?}-{:?}", case.moment, case.state, case.then).to_lowercase()
}

async fn cut(case: Case) {
    let (store, place, run) = Scene::set(case).await.go_on(case.then).await;
    let id = RunId::new(&run).expect("a run's name");
    let records: Vec<Record> = store.journal().await.load::<Event>(&id).await.expect("records");
    let violation = Auditor::check(&records);
    assert!(violation.is_ok(), "{case:?}: {violation:?}; {REPEAT}");
    let replayed = Run::replay(&records).expect("a journal replays");
    let claims = records.iter().filter(|record| matches!(record.event, Event::PublishClaimed { .. })).count();
    let counters = place.truth().counters;
    let found = (replayed.phase, claims, counters.update_posts, counters.publishes_applied);
    // Between: the claim is in the journal, and who wrote it never heard of it, so nobody may ever send.
    let wanted = match case.moment {
        Moment::Before | Moment::Behind => (Phase::Settled, 1, 1, 1),
        Moment::Between => (Phase::InDoubt, 1, 0, 0),
    };
    assert_eq!(found, wanted, "{case:?}; {REPEAT}");
    let everyone = replayed.agents.iter().all(|agent| agent.verdict.is_some());
    assert!(everyone || replayed.phase == Phase::InDoubt, "{case:?}; {REPEAT}");
    store.database.close().await;
}

async fn all(then: Then) {
    futures_util::future::join_all(cases(then).into_iter().map(cut)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_cut_off_at_the_claim_is_followed_by_another_and_nothing_is_sent_twice() {
    patiently(all(Then::Another)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_cut_off_at_the_claim_goes_on_by_itself_once_the_network_is_back() {
    patiently(all(Then::Itself)).await;
}
