//! The way to agents' pages for a process that serves none: the bus of the database that replicas share.
//!
//! Pages connect to `serve`. Where the store is a PostgreSQL database, another process joins its bus, hears of every page, and
//! tells them what `serve` carries there. Where the store is a file there is no such way.
//! Must never: listen for pages, or hold a command up because no replica is there.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::door::cli::spool::{self, Spool};
use crate::door::cli::{open, rooms};
use crate::door::config::{Config, StorePlace};
use crate::door::error::Failure;
use crate::hands::companion::{Bus, Pages, PagesSettings};
use crate::hands::genesys::Client;
use crate::hands::vault::Vault;
use crate::shells::web::org_name;
use crate::words::clock::Clock;

/// Replicas have told of all of their pages by then, in ms: they tell what has changed every fifth of a second.
const TOLD_WITHIN_MS: u64 = 1_500;

/// A place on the bus, left when it is dropped.
pub(super) struct Joined {
    /// Every replica's pages.
    pub(super) pages: Pages,
    stop: watch::Sender<bool>,
    /// Trouble is noted for people; no run waits for them.
    _notes: Spool,
}

/// Joins the bus, where pages may come and the store is a database.
pub(super) async fn join(
    config: &Config,
    client: &Client,
    vault: Option<Arc<Vault>>,
    clock: Clock,
) -> Result<Option<Joined>, Failure> {
    let (Some(web), StorePlace::Postgres { url, password }) = (with_companions(config), &config.store.place) else {
        return Ok(None);
    };
    let settings = PagesSettings { companions_max: 0, answer_ms: web.answer_ms.max(1).unsigned_abs() };
    let pages = Pages::new(clock, settings);
    let password = open::secret(password.as_ref()).await?;
    let tokens = rooms::token_of(vault, clock);
    let bus = Bus::new(pages.clone(), url, password.as_ref(), &org_name(client), tokens)?;
    let (stop, mut stopping) = watch::channel(false);
    let notes = spool::notes()?;
    let pen = notes.pen();
    let trouble = move |error: Option<&sqlx::Error>| {
        pen.put([match error {
            Some(e) => format!("agents' pages cannot be reached: {e}"),
            None => "agents' pages can be reached again".to_owned(),
        }]);
    };
    tokio::spawn(async move {
        let stop = async {
            // A sender that is gone has ended without asking.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        bus.run(stop, trouble).await;
    });
    Ok(Some(Joined { pages, stop, _notes: notes }))
}

/// The web room of a configuration, where it lets companions in.
pub(super) fn with_companions(config: &Config) -> Option<&crate::door::config::WebSettings> {
    config.web.as_ref().filter(|web| config.vault.is_some() && !web.allowed_origins.is_empty())
}

impl Joined {
    /// Waits until every replica has had the time to tell of its pages.
    pub(super) async fn told(&self) {
        tokio::time::sleep(Duration::from_millis(TOLD_WITHIN_MS)).await;
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
