//! The configuration as values: paths resolved, durations in milliseconds, everything in its range.
//!
//! Must never: hold a secret itself.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::secret::SecretRef;
use crate::hands::genesys::Hosts;
use crate::law::lead::LeadSettings;
use crate::law::plan::{Limits, Mechanisms, RemedyPolicy, Timing};

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
