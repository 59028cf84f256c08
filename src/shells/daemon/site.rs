//! A site: one organisation as one configuration describes it, with what its runs are carried out with.
//!
//! Must never: take a run that belongs to another organisation.

use std::path::PathBuf;
use std::sync::Arc;

use chrono_tz::Tz;

use crate::hands::companion::Pages;
use crate::hands::genesys::Client;
use crate::hands::hook::Hooks;
use crate::hands::vault::Vault;
use crate::law::occurrence::Habits;
use crate::law::plan::{Limits, Plan};
use crate::shells::preflight::Preflights;
use crate::shells::stage::StageRequest;
use crate::words::calendar::recur::Recurrence;
use crate::words::clock::Clock;

/// One organisation.
pub struct Site {
    /// The platform; its rate budget is shared by all runs of the site.
    pub client: Client,
    /// Agents' tokens, where there are any.
    pub vault: Option<Arc<Vault>>,
    /// The pages of its agents, where the web room is open.
    pub pages: Option<Pages>,
    /// What preflights have found for its runs.
    pub preflights: Arc<Preflights>,
    /// The organisation's executables.
    pub hooks: Hooks,
    /// Its time.
    pub clock: Clock,
    /// The folder that reports are written to, a folder a run.
    pub reports: PathBuf,
    /// A folder of templates that take the place of the built-in ones.
    pub templates: Option<PathBuf>,
    /// How much is done at once where no run says so.
    pub limits: Limits,
    /// Its calendar.
    pub entries: Vec<Entry>,
}

/// One entry of the calendar.
pub struct Entry {
    /// Its name; it is unique in the store.
    pub name: String,
    /// Its instants.
    pub recurrence: Recurrence,
    /// The zone in which they are meant.
    pub zone: Tz,
    /// How early it is staged and how late it may be caught up with.
    pub habits: Habits,
    /// What is asked of staging; its instant and its name are set for each occurrence.
    pub request: StageRequest,
}

impl Site {
    /// Whether a run was staged for this organisation: at this API host, by this OAuth client. A plan from before the client
    /// was kept is judged by its host.
    #[must_use]
    pub fn owns(&self, plan: &Plan) -> bool {
        self.is_of(plan.api.as_deref(), plan.client.as_deref())
    }
    /// The same of an API host and a client, as far as they were kept.
    #[must_use]
    pub fn is_of(&self, api: Option<&str>, client: Option<&str>) -> bool {
        let org = self.client.org();
        let settings = &org.settings;
        api.is_none_or(|api| api == settings.hosts.api) && client.is_none_or(|client| client == settings.client_id)
    }
}
