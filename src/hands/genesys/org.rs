//! One organisation as its clients share it: settings, the publisher's login, the rate budgets. A plain value.
//!
//! Must never: hold what belongs to one command alone, or know a socket.

use crate::hands::genesys::hosts::Hosts;
use crate::hands::genesys::login::Login;
use crate::law::pace::{Pacer, Party};
use crate::law::plan::Plan;
use crate::words::clock::Timestamp;
use crate::words::http::Response;
use crate::words::secret::Secret;

use super::failure;

pub use crate::law::pace::CALLS_PER_MINUTE;

/// Where users report the bulk export that resets softphone sessions. *Reported* only, the path itself is UNCERTAIN,
/// hence a setting.
pub const SESSION_RESET_PATH: &str = "/api/v2/users/bulk/export";

/// How an organisation is reached, and in whose name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgSettings {
    /// Its hosts.
    pub hosts: Hosts,
    /// The id of the OAuth client that publishes (client credentials grant).
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// The organisation's own app, whose refresh tokens the vault keeps; another OAuth client than the publisher.
    pub app: Option<AppClient>,
    /// The path of the *reported* session reset, from `/`; see [`SESSION_RESET_PATH`].
    pub session_reset_path: String,
    /// The admin's own limit of calls a minute, below the platform's.
    pub calls_per_minute_max: Option<u32>,
}

/// The OAuth client of the organisation's own app (code grant).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppClient {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
}

impl OrgSettings {
    /// Settings with the defaults for all that may be left out.
    #[must_use]
    pub fn new(hosts: Hosts, client_id: impl Into<String>, client_secret: Secret) -> OrgSettings {
        OrgSettings {
            hosts,
            client_id: client_id.into(),
            client_secret,
            app: None,
            session_reset_path: SESSION_RESET_PATH.to_owned(),
            calls_per_minute_max: None,
        }
    }
}

/// What all commands of one process to one organisation share, those of several runs included.
#[derive(Debug, Clone)]
pub struct Org {
    /// How it is reached.
    pub settings: OrgSettings,
    pub(super) login: Login,
    pub(super) publisher: Pacer,
    pub(super) app: Pacer,
}

impl Org {
    /// An organisation that nobody has spoken to yet.
    #[must_use]
    pub fn new(settings: OrgSettings) -> Org {
        let cap = settings.calls_per_minute_max;
        Org {
            login: Login::new(Pacer::new(CALLS_PER_MINUTE, cap)),
            publisher: Pacer::new(CALLS_PER_MINUTE, cap),
            // The admin's limit is one on the API; the app's token endpoint is not part of it.
            app: Pacer::new(CALLS_PER_MINUTE, None),
            settings,
        }
    }
    /// What a plan says of the limits that were read at staging, and of its publish: no request is let out beyond them until the
    /// server says otherwise, so that the first of a new process do not run into a limit that is lower than the usual one; and
    /// the last turns before the publish are kept for it.
    pub fn expect(&mut self, plan: &Plan) {
        let limits = &plan.limits;
        self.publisher.expect_publish(plan.publish_at);
        if let Some(calls) = limits.calls_per_minute {
            self.publisher.expect(calls);
        }
        if let Some(calls) = limits.auth_calls_per_minute {
            self.app.expect(calls);
            self.login.expect(calls);
        }
    }
    /// Calls a minute that the publisher's token allows at present.
    #[must_use]
    pub fn calls_per_minute(&self) -> u32 {
        self.publisher.allowed()
    }
    /// Every secret that is held here, for taking them out of messages.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let app = self.settings.app.as_ref().map(|app| &app.client_secret);
        self.login.secrets().chain([&self.settings.client_secret]).chain(app)
    }
    pub(super) fn learn(pacer: &mut Pacer, now: Timestamp, party: Party, answer: Option<&Response>) {
        match answer {
            Some(response) => pacer.answered(now, party, failure::rate_headers(response)),
            None => pacer.lost(now, party),
        }
    }
}
