//! The configuration as values: paths resolved, durations in milliseconds, everything in its range.
//!
//! Must never: hold a secret itself.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use axum::http::HeaderName;
use chrono_tz::Tz;

use super::secret::SecretRef;
use crate::hands::genesys::Hosts;
use crate::law::lead::LeadSettings;
use crate::law::plan::{Approval, Limits, Mechanisms, OnDrift, RemedyPolicy, Timing};
use crate::shells::stage::WeekChoice;
use crate::shells::web::Ask;
use crate::words::calendar::recur::Recurrence;

/// A whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    /// The organisation and the client that publishes.
    pub org: Org,
    /// The organisation's own app that owns the agents' refresh tokens, if there is one.
    pub app: Option<App>,
    /// Where runs are recorded.
    pub store: StoreSettings,
    /// Where agents' tokens are kept; present when a key is configured.
    pub vault: Option<VaultSettings>,
    /// The organisation's executables.
    pub hooks: HookSettings,
    /// Where reports go.
    pub report: ReportSettings,
    /// The zone of instants that name none.
    pub zone: Tz,
    /// When things happen. Where the refresh lead is computed, the usual one stands here until staging has done so.
    pub timing: Timing,
    /// How lead times are found.
    pub lead: LeadSettings,
    /// How much is done at once.
    pub limits: Limits,
    /// A cap below the platform's own limit, in calls per minute; `None` leaves it to the platform.
    pub calls_per_minute_max: Option<u32>,
    /// How far to go with a straggler.
    pub remedies: RemedyPolicy,
    /// Which mechanisms may be used.
    pub mechanisms: Mechanisms,
    /// The path of the *reported* session reset, where it differs from the one that users report.
    pub session_reset_path: Option<String>,
    /// What is published by itself, in the order of the file; names are unique.
    pub publishes: Vec<PublishSettings>,
    /// Who is told of events by webhooks, in the order of the file; names are unique.
    pub webhooks: Vec<WebhookSettings>,
    /// How `serve` works.
    pub serve: ServeSettings,
    /// Where machines ask how `serve` is.
    pub telemetry: TelemetrySettings,
    /// Where agents' pages find softlanding; present when the section is.
    pub web: Option<WebSettings>,
    /// Who may send webhooks to `serve`; names are unique.
    pub inbound: Vec<InboundSettings>,
    /// Who may see and steer runs in a browser; present when the section is.
    pub people: Option<PeopleSettings>,
    /// A clock to follow instead of the system's; for rehearsals only.
    pub clock: Option<ClockSettings>,
}

/// The organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// The region by its name, when the URLs follow from it.
    pub region: Option<String>,
    /// Its API and login hosts.
    pub hosts: Hosts,
    /// The id of the OAuth client that publishes (client credentials grant).
    pub client_id: String,
    /// Where its secret is.
    pub client_secret: SecretRef,
}

/// The OAuth client of the organisation's own app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub client_id: String,
    /// Where its secret is.
    pub client_secret: SecretRef,
}

/// The journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// Where it is.
    pub place: StorePlace,
    /// How long the journal of a run that has ended is kept, in milliseconds, from 1 day to 3660 days; `None` keeps it for
    /// ever.
    pub keep_ms: Option<i64>,
}

/// Where the journal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorePlace {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database, which several replicas may share.
    Postgres {
        /// How it is reached: `postgres://user@host:port/database`, never with a password. `sslmode` is written out when
        /// the host is another machine.
        url: String,
        /// Where its password is; `None` leaves it to PGPASSWORD and ~/.pgpass.
        password: Option<SecretRef>,
    },
}

impl StoreSettings {
    /// The file, when the journal is one.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.place {
            StorePlace::Sqlite(path) => Some(path),
            StorePlace::Postgres { .. } => None,
        }
    }
}

/// Where the vault is, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultSettings {
    /// A file when a path is given, or when the journal is a file; otherwise the journal's database, so that replicas share it.
    pub place: StorePlace,
    /// Where its key is.
    pub key: SecretRef,
    /// Where the key is with which it was sealed before, for `agents rotate-key` only.
    pub old_key: Option<SecretRef>,
}

/// The hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookSettings {
    /// The folder that holds `<point>.d` folders.
    pub dir: PathBuf,
    /// How long one hook may run, in milliseconds of real time.
    pub timeout_ms: i64,
}

/// The reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSettings {
    /// The folder that they are written to.
    pub dir: PathBuf,
    /// A folder of templates that take the place of the built-in ones.
    pub templates: Option<PathBuf>,
}

/// A publish that recurs.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishSettings {
    /// Its name: 1 to 40 lower-case letters, digits and dashes. It names the entry's runs and its stream in the calendar.
    pub name: String,
    /// When: expression, zone, changes of the clocks, skipped dates.
    pub recurrence: Recurrence,
    /// The zone in which its instants are meant and shown.
    pub zone: Tz,
    /// The business unit, by name or id.
    pub business_unit: String,
    /// Which week is published.
    pub week: WeekChoice,
    /// The draft: an id, an exact description, or a rule with `*`; `None` takes the week's only draft.
    pub schedule: Option<String>,
    /// How long before T the run is staged, in milliseconds, from 10 minutes to 14 days.
    pub stage_before_ms: i64,
    /// Whether somebody must approve the staged run before it may publish.
    pub approval: Approval,
    /// What becomes of it when the schedule has changed since it was staged.
    pub on_drift: OnDrift,
    /// How late it may still begin.
    pub catch_up: CatchUp,
}

/// Whether a publish that was missed, because nothing ran at its instant, is made up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// It is not.
    Never,
    /// It is, up to so many milliseconds after T: from 1 ms to 12 h.
    Within(i64),
}

impl CatchUp {
    /// A publish this late, in milliseconds, was held up by a busy machine, not missed.
    pub const PUNCTUAL_MS: i64 = 5_000;

    /// Up to so many milliseconds after T; none at all is never.
    #[must_use]
    pub fn within(ms: i64) -> CatchUp {
        if ms > 0 { CatchUp::Within(ms) } else { CatchUp::Never }
    }

    /// How long after T an instant that nobody has staged is still caught up with, in milliseconds; 0 for never.
    #[must_use]
    pub fn ms(self) -> i64 {
        match self {
            CatchUp::Never => 0,
            CatchUp::Within(ms) => ms,
        }
    }

    /// What takes the place of [`Timing::late_by_max_ms`] in the runs of the entry, in milliseconds.
    #[must_use]
    pub fn late_by_max_ms(self) -> i64 {
        match self {
            CatchUp::Never => CatchUp::PUNCTUAL_MS,
            CatchUp::Within(ms) => ms,
        }
    }
}

/// How `serve` works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeSettings {
    /// How long a replica leads a run before it must renew its lead, in milliseconds, from 2 s to 60 s. Another replica
    /// takes over after that.
    pub lease_ms: i64,
    /// How often the store is asked for orders and due runs, in milliseconds, from 100 ms to 10 s.
    pub look_every_ms: i64,
}

/// What machines may ask of `serve`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// Where `/metrics` and `/readyz` are; `None` for nowhere.
    pub listen: Option<SocketAddr>,
    /// The OpenTelemetry collector that runs are told to as traces (OTLP over HTTP), without a slash at its end.
    pub otlp: Option<String>,
}

/// The web room: API, dashboard, enrolment and companions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSettings {
    /// Where it listens; TLS is a reverse proxy's.
    pub listen: SocketAddr,
    /// The URL by which agents' browsers reach it, without a slash at its end: https, or this machine.
    pub public_url: String,
    /// The origins of the pages that may hold a companion, as browsers write them; at most 64. Without any there are no
    /// companions.
    pub allowed_origins: Vec<String>,
    /// Companions at the same time, from 1 to 100,000.
    pub companions_max: usize,
    /// How long a command waits for a page's answer, in milliseconds, from 100 ms to 60 s.
    pub answer_ms: i64,
    /// How often a page hears that the server is there, in milliseconds, from 1 s to 120 s.
    pub heartbeat_ms: i64,
    /// Whether the code grant carries a PKCE challenge. That the platform takes one from a confidential client is UNCERTAIN
    /// (API.md section 2), hence a setting.
    pub pkce: bool,
}

impl Default for WebSettings {
    fn default() -> WebSettings {
        WebSettings {
            listen: SocketAddr::from(([127, 0, 0, 1], 8480)),
            public_url: String::new(),
            allowed_origins: Vec::new(),
            companions_max: 12_000,
            answer_ms: 5_000,
            heartbeat_ms: 30_000,
            pkce: true,
        }
    }
}

/// Somebody who may send webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundSettings {
    /// The name, which is the end of the path that they are sent to: 1 to 40 lower-case letters, digits and dashes.
    pub name: String,
    /// Where the secret is with which they are signed, `whsec_` and base64.
    pub secret: SecretRef,
    /// Where the secret before it is, while senders change to the new one.
    pub old_secret: Option<SecretRef>,
    /// What may be asked for.
    pub may: Vec<Ask>,
}

/// A webhook: somebody outside who is told of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Its name: 1 to 40 lower-case letters, digits and dashes. What it has heard of is kept under it.
    pub name: String,
    /// Where it is told: https, or http on this machine.
    pub url: String,
    /// Where the secret is that signs what it is told.
    pub secret: SecretRef,
    /// Where the secret before that one is, while they change.
    pub old_secret: Option<SecretRef>,
    /// Names of events, or rules such as `publish_*`; 1 to 64.
    pub events: Vec<String>,
    /// Entries of the calendar whose runs it hears of; `None` for all runs.
    pub publishes: Option<Vec<String>>,
    /// How long one try may take, in milliseconds of real time, from 1 s to 60 s.
    pub timeout_ms: i64,
    /// Whether its receiver may have a private address.
    pub private_addresses: bool,
    /// The longest first pause after a try in vain, in milliseconds, from 100 ms to 10 min.
    pub backoff_first_ms: i64,
    /// The longest pause, in milliseconds, from 100 ms to 6 h.
    pub backoff_max_ms: i64,
    /// How often a message is tried before it is given up, from 1 to 200.
    pub attempts_max: u32,
    /// How long a message is tried before it is given up, in milliseconds, from 0 s to 7 d.
    pub give_up_after_ms: i64,
}

/// Who may see and steer runs in a browser. Rules are in lower case; of several that fit, the highest role counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleSettings {
    /// How they show who they are.
    pub way: PeopleWay,
    /// The mail addresses of those who may look, or rules with `*`.
    pub viewers: Vec<String>,
    /// Of those who may steer as well.
    pub operators: Vec<String>,
    /// Of those who may approve as well.
    pub approvers: Vec<String>,
}

/// How people show who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeopleWay {
    /// They sign in to the platform, through this OAuth client (code grant).
    Platform(App),
    /// A proxy has signed them in, and says who they are.
    Proxy {
        /// The header that holds the mail address.
        header: HeaderName,
        /// The only addresses whose word counts; 1 to 16.
        from: Vec<IpAddr>,
    },
}

/// A clock to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockSettings {
    /// Where the twin tells its time; always on this machine.
    pub follow: String,
}

impl Config {
    /// The folder of the file: relative paths begin there.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new("."))
    }
}
