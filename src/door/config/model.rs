//! The configuration as values: paths resolved, durations in milliseconds, everything in its range.
//!
//! Must never: hold a secret itself.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::secret::SecretRef;

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
    /// When things happen.
    pub timing: Timing,
    /// How much of the platform's budget is used.
    pub limits: Limits,
    /// How stragglers are treated.
    pub remedies: Remedies,
    /// Which mechanisms may be used.
    pub mechanisms: Mechanisms,
    /// A clock to follow instead of the system's; for rehearsals only.
    pub clock: Option<ClockSettings>,
}

/// The organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// The region by its name, when the URLs follow from it.
    pub region: Option<String>,
    /// Base URL of the API, without a slash at its end.
    pub api_url: String,
    /// Base URL of the login host, without a slash at its end.
    pub login_url: String,
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

/// The journal's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// Its path.
    pub path: PathBuf,
}

/// The vault's file and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultSettings {
    /// Its path.
    pub path: PathBuf,
    /// Where its key is.
    pub key: SecretRef,
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

/// When things happen; all in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// The zone of instants that name none.
    pub zone: Tz,
    /// The refresh begins this long before the publish.
    pub refresh_lead_ms: i64,
    /// The last look at everything, with the `pre-publish` hooks, begins this long before the publish.
    pub prepare_lead_ms: i64,
    /// How long the outcome of the publish is looked for before a person is asked.
    pub publish_window_ms: i64,
    /// How late the publish may still begin when softlanding was not running at its instant.
    pub late_by_max_ms: i64,
    /// The first check begins this long after the publish is known to be complete.
    pub check_delay_ms: i64,
    /// The time between two looks at an agent who is not ready.
    pub check_interval_ms: i64,
    /// The run ends this long after the publish at the latest, with a verdict for everyone.
    pub settle_after_ms: i64,
}

/// The budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// A cap below the platform's own limit, in calls per minute; `None` leaves it to the platform.
    pub calls_per_minute_max: Option<u32>,
    /// How many calls may be unanswered at once.
    pub in_flight_max: u32,
    /// How many calls of each minute are kept free for the publish itself.
    pub reserve_calls: u32,
}

/// The treatment of stragglers.
#[derive(Debug, Clone, PartialEq)]
pub struct Remedies {
    /// How often one rung is tried for an agent.
    pub attempts_max: u32,
    /// The pause after the first attempt, in milliseconds; it doubles from there.
    pub backoff_first_ms: i64,
    /// The longest pause, in milliseconds.
    pub backoff_max_ms: i64,
    /// The share of agents, 0 to 1, above which it is an outage and no remedy is tried.
    pub outage_share: f64,
    /// The share of failures, 0 to 1, above which a rung is given up for everyone.
    pub rung_failure_share: f64,
}

/// Which mechanisms may be used. Those marked *reported* are not in the platform's published API (API.md section 13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mechanisms {
    /// Refresh agents' tokens by the OAuth refresh grant; needs `[app]` and enrolled agents.
    pub oauth_refresh: bool,
    /// Reported: `POST /api/v2/authentication/refresh`.
    pub authentication_refresh: bool,
    /// Reported: ask for the media-server token as a probe.
    pub media_probe: bool,
    /// Reported: `purgeCache` on the publish.
    pub purge_cache: bool,
    /// Reported: a bulk export call that resets softphone sessions.
    pub session_reset: bool,
    /// The path of that call, which no published document names.
    pub session_reset_path: Option<String>,
    /// Disassociate and associate the station again.
    pub reassociate: bool,
    /// Reboot the phone.
    pub reboot_phone: bool,
    /// Revoke all of a user's tokens, which forces a new login. The last resort.
    pub revoke_tokens: bool,
    /// Ask the agent or the supervisor, through the `straggler` hooks.
    pub ask: bool,
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
