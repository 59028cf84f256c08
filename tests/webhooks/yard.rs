//! A folder with an organisation, webhooks and a store, into which whole runs can be put as if somebody had driven them.

use std::path::PathBuf;

use serde_json::Value;
use softlanding::hands::journal::{AnyJournal, Journal, PostgresJournal, SqliteJournal};
use softlanding::law::event::Record;
use softlanding::words::clock::Timestamp;
use softlanding::words::id::RunId;

use crate::REPEAT;
use crate::receiver::Receiver;
use crate::support::postgres::Database;
use crate::support::site::{Daemon, Site, calm};

/// A run of 271 records, as an older softlanding drove it.
const RECORDS: &str = include_str!("../journals/v1.jsonl");
pub const RECORDED: u64 = 271;

/// Where journals are.
pub enum Store {
    File,
    Server(Database),
}

pub struct Yard {
    pub site: Site,
    pub store: Store,
}

impl Yard {
    /// An organisation that is ten hours away from its publish, with a journal in a file.
    pub async fn quiet(name: &str) -> Yard {
        let site = Site::open(&format!("webhooks-{name}"), calm(&["Approved"]), -600, 1.0, "").await;
        Yard::of(site).await
    }
    /// The same with a journal on a server.
    pub async fn on_server(name: &str) -> Yard {
        let mut yard = Yard::quiet(name).await;
        let database = Database::new().await;
        let store = format!("store = \"{}\"\n", database.url());
        yard.site.edit(|config| store + &config);
        yard.store = Store::Server(database);
        yard
    }
    /// An organisation as it is.
    pub async fn of(site: Site) -> Yard {
        use std::os::unix::fs::PermissionsExt;
        let secret = site.says(&["webhooks", "new-secret"]).await;
        let file = site.folder.join("webhook.secret");
        std::fs::write(&file, secret).expect("a file");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("a mode");
        Yard { site, store: Store::File }
    }
    /// Adds a webhook; `more` holds more lines of it.
    pub fn webhook(&self, name: &str, to: &Receiver, events: &[&str], more: &str) {
        let text = format!(
            "\n[[webhook]]\nname = \"{name}\"\nurl = \"{}\"\nsecret = {{ file = \"webhook.secret\" }}\nevents = {events:?}\n\
             backoff_first = \"100ms\"\nbackoff_max = \"200ms\"\n{more}\n",
            to.url
        );
        self.site.edit(|config| config + &text);
    }
    /// `softlanding serve`, once it serves.
    pub async fn serve(&self) -> Daemon {
        let mut daemon = self.site.serve();
        daemon.event("serving").await;
        daemon
    }
    pub async fn journal(&self) -> AnyJournal {
        match &self.store {
            Store::File => {
                SqliteJournal::open(&self.site.folder.join("softlanding.db")).await.expect("a journal").into()
            }
            Store::Server(database) => PostgresJournal::connect(&database.url(), None).await.expect("a journal").into(),
        }
    }
    /// Puts a whole run into the store, as another process would have written it.
    pub async fn put(&self, run: &str) {
        let records: Vec<Record<Value>> =
            RECORDS.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
        assert_eq!(records.len() as u64, RECORDED);
        self.journal().await.restore(&RunId::new(run).expect("a name"), &records, &[1]).await.expect("a run");
    }
    /// Puts a run into the store that only a softlanding of the future can read.
    pub async fn put_strange(&self, run: &str) {
        let events = [serde_json::json!({ "event": "from_the_future" })];
        let id = RunId::new(run).expect("a name");
        self.journal().await.begin(&id, Timestamp(1_795_816_800_000), &events).await.expect("a run");
    }
    /// Numbers and names of what the journal holds of a run.
    pub async fn recorded(&self, run: &str) -> Vec<(u64, String)> {
        let records: Vec<Record<Value>> =
            self.journal().await.load(&RunId::new(run).expect("a name")).await.expect("records");
        let name = |record: &Record<Value>| record.event["event"].as_str().expect("a name").to_owned();
        records.iter().map(|record| (record.seq, name(record))).collect()
    }
    /// `softlanding webhooks list --json`, of one webhook.
    pub async fn listed(&self, name: &str) -> Value {
        let all: Value = serde_json::from_str(&self.site.says(&["webhooks", "list", "--json"]).await).expect("JSON");
        let all = all["webhooks"].as_array().cloned().expect("a list");
        all.into_iter().find(|one| one["webhook"] == name).unwrap_or_else(|| panic!("no {name}; {REPEAT}"))
    }
    /// `softlanding webhooks dead --json`.
    pub async fn dead(&self) -> Vec<Value> {
        let all: Value = serde_json::from_str(&self.site.says(&["webhooks", "dead", "--json"]).await).expect("JSON");
        all["dead"].as_array().cloned().expect("a list")
    }
    pub fn secret_file(&self) -> PathBuf {
        self.site.folder.join("webhook.secret")
    }
    pub async fn close(self) {
        match self.store {
            Store::File => {}
            Store::Server(database) => database.close().await,
        }
    }
}
