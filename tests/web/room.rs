//! A web room in this process, before a served twin.

use std::sync::Arc;

use softlanding::hands::companion::{PageKeys, PageNews, Pages, PagesSettings};
use softlanding::hands::genesys::{AppClient, Client, Hosts, Org as ClientOrg, OrgSettings, Wire};
use softlanding::hands::vault::{Vault, new_key};
use softlanding::shells::daemon::news::News;
use softlanding::shells::web::{Desk, Settings, Web, org_name};
use softlanding::twin::{APP_CLIENT_ID, APP_CLIENT_SECRET, PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET, Scenario};
use softlanding::words::clock::Clock;
use softlanding::words::id::AgentId;
use softlanding::words::secret::Secret;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};

use super::page::{ORIGIN, REPEAT};
use crate::support::org::Org;
use crate::support::process::folder;
use crate::support::tale::Tale;

/// Six agents who have been at work for a while.
pub fn scenario() -> Scenario {
    let text = "story = \"web: six agents, and nothing breaks\"\n[[cohorts]]\nname = \"evening\"\nagents = 6\n\
        shift_start_min = 30\nlogin_min = [-200, -120]\n";
    Scenario::from_toml(text).unwrap_or_else(|e| panic!("{e}"))
}

/// The room and what stands behind it.
pub struct Room {
    pub url: String,
    pub org: Org,
    pub pages: Pages,
    pub keys: PageKeys,
    pub vault: Arc<Vault>,
    pub news: Tale<News>,
    stop: watch::Sender<bool>,
}

/// What differs between rooms.
pub struct Wants {
    pub heartbeat_ms: i64,
    pub answer_ms: u64,
    pub companions_max: usize,
}

impl Default for Wants {
    fn default() -> Wants {
        Wants { heartbeat_ms: 30_000, answer_ms: 60_000, companions_max: 100 }
    }
}

/// The platform's client for a twin, with the app's secret.
pub fn client(org: &Org) -> Client {
    let hosts = Hosts::given(&org.url, &org.url).expect("a host");
    let secret = |text: &str| Secret::new(text.to_owned());
    let mut settings = OrgSettings::new(hosts, PUBLISHER_CLIENT_ID, secret(PUBLISHER_CLIENT_SECRET));
    settings.app = Some(AppClient { client_id: APP_CLIENT_ID.to_owned(), client_secret: secret(APP_CLIENT_SECRET) });
    Client::new(ClientOrg::new(settings), Wire::new(org.clock()).expect("a wire"), org.clock())
}

impl Room {
    pub async fn open(name: &str) -> Room {
        Room::with(name, Wants::default()).await
    }
    pub async fn with(name: &str, wants: Wants) -> Room {
        let org = Org::serve(scenario(), -60, 1.0).await;
        let client = client(&org);
        let key = new_key().expect("a key");
        let vault = Vault::open(&folder(&format!("web-{name}")).join("vault.db"), &key).await.expect("a vault");
        let vault = Arc::new(vault);
        let hub = PagesSettings { companions_max: wants.companions_max, answer_ms: wants.answer_ms };
        let pages = Pages::new(org.clock(), hub);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let listen = listener.local_addr().expect("an address");
        let url = format!("http://{listen}");
        let settings = Settings {
            listen,
            public_url: url.clone(),
            allowed_origins: vec![ORIGIN.to_owned()],
            companions_max: wants.companions_max,
            heartbeat_ms: wants.heartbeat_ms,
            pkce: true,
        };
        let news: Tale<News> = Tale::default();
        let heard = news.clone();
        let keys = PageKeys::new(&org_name(&client), &key).expect("a key");
        let tell = Arc::new(move |told: News| heard.push(told));
        let desk = Desk::new(settings, pages.clone(), client, Some(Arc::clone(&vault)), &key, tell).expect("a desk");
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(Web::on(listener, desk).serve(stopping));
        Room { url, org, pages, keys, vault, news, stop }
    }
    /// An agent of the twin, by number.
    pub fn agent(&self, n: usize) -> AgentId {
        self.org.truth().agents[n].id.clone()
    }
    /// An access token of an agent, as the organisation's own app gets one.
    pub async fn token(&self, n: usize) -> String {
        let agent = self.agent(n);
        let (_, _, refresh) = self.org.enrolments().into_iter().find(|(id, _, _)| *id == agent).expect("enrolled");
        let form = format!("grant_type=refresh_token&refresh_token={}", refresh.expose());
        let granted = self.org.grant((APP_CLIENT_ID, APP_CLIENT_SECRET), &form).await;
        granted.body["access_token"].as_str().unwrap_or_else(|| panic!("{:?}", granted.body)).to_owned()
    }
    /// A page key that is good now.
    pub fn key(&self, n: usize) -> String {
        self.keys.make(&self.agent(n), Clock::System.now()).expose().to_owned()
    }
    /// Asks the room to close.
    pub fn close(&self) {
        self.stop.send_replace(true);
    }
}

/// Waits for a piece of news.
pub async fn until(news: &mut broadcast::Receiver<PageNews>, wanted: impl Fn(&PageNews) -> bool) {
    loop {
        let next = tokio::time::timeout(std::time::Duration::from_secs(60), news.recv()).await;
        let next = next.unwrap_or_else(|_| panic!("no such news; {REPEAT}")).expect("the hub");
        if wanted(&next) {
            return;
        }
    }
}
