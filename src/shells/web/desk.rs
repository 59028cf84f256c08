//! What the web room works with.
//!
//! Must never: hold a secret in a form that `Debug` or a log would show.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::cookie::Sealer;
use super::office::Office;
use super::peers::Peers;
use super::people::People;
use crate::hands::companion::{PageKeys, Pages};
use crate::hands::genesys::Client;
use crate::hands::vault::{Vault, VaultError};
use crate::shells::daemon::news::{News, Teller};
use crate::shells::telemetry::Telemetry;
use crate::words::secret::Secret;

/// Tokens that are asked about at the same time. Page keys need none of this, so it is about first visits.
const TOKENS_AT_ONCE: usize = 16;
/// Pages that have opened a socket and have not said hello.
const HELLOS_AT_ONCE: usize = 2_048;

/// How the room is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The URL by which browsers reach it, without a slash at its end.
    pub public_url: String,
    /// The origins of the pages that may come, as browsers write them.
    pub allowed_origins: Vec<String>,
    /// Sockets at most.
    pub companions_max: usize,
    /// How often a page hears that the server is there, in ms of real time.
    pub heartbeat_ms: i64,
    /// Whether the sign-in carries a PKCE challenge.
    pub pkce: bool,
}

/// What the room works with.
pub struct Desk {
    /// How it is kept.
    pub settings: Settings,
    /// The platform.
    pub client: Client,
    /// Where agents' grants are kept.
    pub vault: Option<Arc<Vault>>,
    /// Hears what there is to tell.
    pub tell: Teller,
    /// What the pages of agents need; without it none is let in, and nobody enrols.
    pub(super) companions: Option<ForCompanions>,
    /// What the API and the dashboard need.
    pub(super) office: Option<Arc<Office>>,
    /// Who may sign in to the dashboard; without it nobody.
    pub(super) people: Option<People>,
    /// What may be asked of the process.
    pub(super) telemetry: Option<Telemetry>,
    pub(super) peers: Peers,
    pub(super) tokens: Semaphore,
    pub(super) hellos: Semaphore,
}

/// What the pages of agents need.
pub(super) struct ForCompanions {
    /// The hub that pages are attached to.
    pub(super) pages: Pages,
    pub(super) keys: PageKeys,
    pub(super) cookies: Sealer,
}

impl Desk {
    /// A desk without agents' pages.
    #[must_use]
    pub fn plain(settings: Settings, client: Client, vault: Option<Arc<Vault>>, tell: Teller) -> Desk {
        Desk {
            companions: None,
            office: None,
            people: None,
            telemetry: None,
            peers: Peers::default(),
            tokens: Semaphore::new(TOKENS_AT_ONCE),
            hellos: Semaphore::new(HELLOS_AT_ONCE),
            settings,
            client,
            vault,
            tell,
        }
    }

    /// The same, which can be asked how the process is.
    #[must_use]
    pub fn with_telemetry(self, telemetry: Telemetry) -> Desk {
        Desk { telemetry: Some(telemetry), ..self }
    }

    /// The same with the API and all that uses it.
    #[must_use]
    pub fn with_office(self, office: Office) -> Desk {
        Desk { office: Some(Arc::new(office)), ..self }
    }

    /// The same with people who may sign in.
    #[must_use]
    pub fn with_people(self, people: People) -> Desk {
        Desk { people: Some(people), ..self }
    }

    /// A desk for agents' pages; page keys and cookies are marked with keys derived from the vault's.
    ///
    /// # Errors
    /// [`VaultError::BadKey`] when the vault's key is none.
    pub fn new(
        settings: Settings,
        pages: Pages,
        client: Client,
        vault: Option<Arc<Vault>>,
        vault_key: &Secret,
        tell: Teller,
    ) -> Result<Desk, VaultError> {
        let org = org_name(&client);
        let companions =
            ForCompanions { pages, keys: PageKeys::new(&org, vault_key)?, cookies: Sealer::new(vault_key)? };
        Ok(Desk { companions: Some(companions), ..Desk::plain(settings, client, vault, tell) })
    }

    /// The same, which lets pages in whose keys were made with the vault's key before this one.
    ///
    /// # Errors
    /// As [`Desk::new`].
    pub fn after_key(self, old_key: &Secret) -> Result<Desk, VaultError> {
        let companions = match self.companions {
            Some(kept) => Some(ForCompanions { keys: kept.keys.and_before(old_key)?, ..kept }),
            None => None,
        };
        Ok(Desk { companions, ..self })
    }

    /// Where agents sign in; `None` without an app of the organisation's own, or without a vault.
    pub(super) fn enrol_url(&self) -> Option<String> {
        let offered = self.vault.is_some() && self.companions.is_some() && self.client.org().settings.app.is_some();
        offered.then(|| format!("{}/enrol", self.settings.public_url))
    }

    /// Where the platform sends the browser back to.
    pub(super) fn redirect_uri(&self) -> String {
        format!("{}/enrol/callback", self.settings.public_url)
    }

    pub(super) fn allows(&self, origin: &str) -> bool {
        self.settings.allowed_origins.iter().any(|allowed| allowed == origin)
    }

    pub(super) fn tell(&self, news: News) {
        (self.tell)(news);
    }
}

/// What names an organisation among those that share a store: its API host and the OAuth client.
#[must_use]
pub fn org_name(client: &Client) -> String {
    let org = client.org();
    format!("{} {}", org.settings.hosts.api, org.settings.client_id)
}
