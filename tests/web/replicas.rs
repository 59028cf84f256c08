//! Two `softlanding serve` on one database: one leads the run, the other holds the page; the token that the one refreshes
//! reaches the page through the other, out of the vault that both share.

use super::page::{ORIGIN, Page, REPEAT};
use crate::support::process::{patiently, softlanding_says};
use crate::support::replicas::{Place, Replica, Store};

const SPEED: f64 = 10.0;
/// The clock stands so many minutes before the publish when the replicas start.
const MINUTES: i64 = 4;
const TIMING: &str = "refresh_lead = \"2min\"\nprepare_lead = \"30s\"\nsettle_after = \"5min\"\nwatch_lead = \"0s\"";

/// Six agents, and a publish that revokes their tokens.
const SCENARIO: &str = "story = \"web: pages and runs on different replicas\"\n[org]\ndrafts = [\"Approved\"]\n[revoke]\n\
    on_publish = true\n[reported]\noffered = true\n[[cohorts]]\nname = \"evening\"\nagents = 6\nlogin_min = [-120, -40]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reaches_the_page_through_the_replica_that_holds_it() {
    patiently(play()).await;
}

async fn play() {
    let store = Store::open().await;
    let place = Place::open("web-replicas", SCENARIO, MINUTES, SPEED).await;
    let entries = [("care".to_owned(), "Customer Care".to_owned())];
    place.configure("softlanding.toml", &store.database.url(), "", TIMING, &entries);
    let file = place.folder.join("softlanding.toml");
    let text = std::fs::read_to_string(&file).expect("the configuration");
    // The vault is in the database, where both find it.
    let text = text.replacen("path = \"vault.db\"\n", "", 1);
    let web = format!(
        "[web]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:1\"\nallowed_origins = [\"{ORIGIN}\"]\nanswer_within = \"20s\"\n"
    );
    // Sections in front of the first [[publish]] and behind it are the same to the reader.
    std::fs::write(&file, format!("{text}{web}")).expect("a file");
    softlanding_says(&place.folder, &["agents", "import", "enrolments.jsonl"]).await;

    let leader = Replica::start(&place, &["softlanding.toml"]).await;
    let leading = leader.says(0, |line| line["event"] == "leading").await;
    let run = leading["run"].as_str().expect("a run").to_owned();
    let other = Replica::start(&place, &["softlanding.toml"]).await;
    let listening = other.says(0, |line| line["event"] == "listening").await;
    let url = format!("http://{}", listening["at_address"].as_str().expect("an address"));

    // A key as the other replica would make one: its page has been there before.
    let agent = place.truth().agents[0].id.clone();
    let key = page_key(&place, &agent);
    let mut page = Page::welcome(&url, "p", ("key", &key)).await;
    page.report(200, false).await;
    let token = loop {
        let frame = page.hear().await;
        let id = frame["id"].as_str().expect("a command").to_owned();
        page.report(200, false).await;
        page.done(&id, "done").await;
        if frame["do"] == "token" {
            break frame["token"].as_str().expect("a token").to_owned();
        }
    };
    assert!(token.starts_with("twin-access-"), "{REPEAT}");
    store.until(&run, "page_told").await;
    assert_eq!(store.leader(&run).await.as_deref(), Some(leader.holder.as_str()), "{REPEAT}");
    let (one, two, closed) = tokio::join!(leader.stop(), other.stop(), page.closed());
    assert_eq!(closed.0, 1001, "{REPEAT}");
    for log in [one, two] {
        log.look(|lines| {
            let told = serde_json::to_string(lines).expect("JSON");
            assert!(!told.contains("twin-access") && !told.contains(&key), "{REPEAT}");
        });
    }
    store.database.close().await;
}

/// Made from the vault's key in the place's folder.
fn page_key(place: &Place, agent: &softlanding::words::id::AgentId) -> String {
    use softlanding::hands::companion::PageKeys;
    use softlanding::words::secret::Secret;
    let key = std::fs::read_to_string(place.folder.join("vault.key")).expect("the vault's key");
    let org = format!("{} {}", place.url(), softlanding::twin::PUBLISHER_CLIENT_ID);
    let keys = PageKeys::new(&org, &Secret::new(key.trim().to_owned())).expect("a key");
    keys.make(agent, softlanding::words::clock::Clock::System.now()).expose().to_owned()
}
