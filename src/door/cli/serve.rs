//! `softlanding serve`: the calendar and its runs, until it is asked to stop.
//!
//! Must never: end while a step is in hand, or serve two configurations that do not share a store.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::door::cli::args::ServeArgs;
use crate::door::cli::log::{Face, Log};
use crate::door::cli::rooms::{self, Rooms, Shared};
use crate::door::cli::{intent, open, stop, webhooks};
use crate::door::config::Config;
use crate::door::error::{ExitCode, Failure};
use crate::hands::otlp::Otlp;
use crate::law::occurrence::Habits;
use crate::shells::daemon::news::{News, Teller};
use crate::shells::daemon::site::{Entry, Site};
use crate::shells::daemon::{Daemon, Settings};
use crate::shells::deliver::Deliveries;
use crate::shells::leader::myself;
use crate::shells::telemetry::Telemetry;
use crate::shells::telemetry::traces::{self, Traces};
use crate::shells::web::Nudges;
use crate::words::calendar::Appointment;
use crate::words::clock::Timestamp;

/// The last spans are given so long to arrive; nobody waits longer for an end.
const TRACES_WITHIN: Duration = Duration::from_secs(3);

pub(super) async fn serve(args: &ServeArgs) -> Result<ExitCode, Failure> {
    let configs = args.config.iter().map(|file| open::config(file)).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = configs.first() else {
        return Err(Failure::new(ExitCode::Usage, "no configuration is named"));
    };
    fit_together(&configs)?;
    let stop = stop::asked()?;
    let journal = Arc::new(open::new_journal(first).await?);
    let holder = myself();
    let traces = traces(first)?;
    let telemetry = Telemetry::new(traces.as_ref().map(|(traces, _)| traces.clone()))
        .map_err(|e| Failure::new(ExitCode::Bug, "two metrics have one name").because(e).hint("please report it"))?;
    let nudges = Arc::new(Nudges::default());
    let log = Log::new(if args.plain { Face::Plain } else { Face::Json }, &holder.to_string(), &telemetry)?;
    let tell = nudging(&nudges, and_counted(log.teller(), telemetry.clone()));
    let look_now = Arc::new(Notify::new());
    let shared = Shared {
        journal: Arc::clone(&journal),
        access: if configs.iter().any(|config| config.web.is_some()) { Some(open::access(first).await?) } else { None },
        nudges,
        holder: holder.clone(),
        look_now: Arc::clone(&look_now),
        telemetry: telemetry.clone(),
    };
    let mut sites = Vec::new();
    let mut rooms = Rooms::new(tell.clone(), shared);
    let mut deliveries = Deliveries::new(Arc::clone(&journal), holder.clone());
    for config in &configs {
        let mut site = site(config).await?;
        site.pages = rooms::pages(config, &site);
        site.pages.iter().for_each(|pages| telemetry.count_pages(pages.clone()));
        let site = Arc::new(site);
        rooms.add(config, &site).await?;
        webhooks::add(config, &site, &mut deliveries).await?;
        config.webhooks.iter().for_each(|webhook| telemetry.know_webhook(&webhook.name));
        sites.push(site);
    }
    rooms.measure(first).await?;
    let settings = Settings {
        lease_ms: first.serve.lease_ms,
        look_every_ms: first.serve.look_every_ms,
        keep_ms: first.store.keep_ms,
    };
    let rooms = rooms.open();
    let tell = deliveries.hears(tell);
    let delivering = deliveries.start(&tell);
    let (tracing_ends, traced) = watch::channel(false);
    let tracing = traces
        .map(|(traces, otlp)| tokio::spawn(traces::export(traces, otlp, holder.to_string(), tell.clone(), traced)));
    Daemon { journal, sites, holder, settings, tell, look_now }.serve(stop).await;
    delivering.close().await;
    // What ended last is a span as well.
    tracing_ends.send_replace(true);
    if let Some(tracing) = tracing {
        let _in_time = tokio::time::timeout(TRACES_WITHIN, tracing).await;
    }
    // Runs may tell pages something up to their end, so the rooms close last.
    rooms.close().await;
    Ok(ExitCode::Done)
}

/// Where spans are kept until they are sent, and where they are sent; `None` when nobody is to have them.
fn traces(config: &Config) -> Result<Option<(Traces, Otlp)>, Failure> {
    let Some(endpoint) = &config.telemetry.otlp else { return Ok(None) };
    let otlp = Otlp::new(endpoint)
        .map_err(|e| Failure::new(ExitCode::Access, "no HTTP client can be made for traces").because(e))?;
    Ok(Some((Traces::default(), otlp)))
}

/// Configurations that are served together share their store, and no two of their entries or webhooks a name.
fn fit_together(configs: &[Config]) -> Result<(), Failure> {
    let Some((first, others)) = configs.split_first() else { return Ok(()) };
    if let Some(other) = others.iter().find(|other| other.store.place != first.store.place) {
        let message = format!("{} and {} name different stores", first.file.display(), other.file.display());
        return Err(Failure::new(ExitCode::Config, message)
            .hint("name the same store in each, with a full path, or serve them with a process each"));
    }
    let mut names = std::collections::BTreeSet::new();
    let twice = configs.iter().flat_map(|c| &c.publishes).find(|entry| !names.insert(entry.name.as_str()));
    if let Some(entry) = twice {
        return Err(Failure::new(ExitCode::Config, format!("two [[publish]] are named {:?}", entry.name))
            .hint("the name of an entry is unique in its store"));
    }
    let mut names = std::collections::BTreeSet::new();
    match configs.iter().flat_map(|c| &c.webhooks).find(|webhook| !names.insert(webhook.name.as_str())) {
        Some(webhook) => Err(Failure::new(ExitCode::Config, format!("two [[webhook]] are named {:?}", webhook.name))
            .hint("the name of a webhook is unique in its store: what it has heard of is kept under it")),
        None => Ok(()),
    }
}

async fn site(config: &Config) -> Result<Site, Failure> {
    let clock = open::clock(config).await?;
    let entries = config.publishes.iter().map(|entry| {
        // The instant is set for each occurrence.
        let instant = Appointment { at: Timestamp::default(), zone: entry.zone };
        Entry {
            name: entry.name.clone(),
            recurrence: entry.recurrence.clone(),
            zone: entry.zone,
            habits: Habits { stage_before_ms: entry.stage_before_ms, catch_up_ms: entry.catch_up.ms() },
            request: intent::entry_request(config, entry, instant),
        }
    });
    Ok(Site {
        client: open::client(config, clock).await?,
        pages: None,
        vault: config.open_vault(clock).await?.map(Arc::new),
        preflights: Arc::default(),
        hooks: config.open_hooks(),
        clock,
        reports: config.report.dir.clone(),
        templates: config.report.templates.clone(),
        limits: config.limits.clone(),
        entries: entries.collect(),
    })
}

/// The same teller, which also has those look who follow a run in the web room.
fn nudging(nudges: &Arc<Nudges>, tell: Teller) -> Teller {
    let nudges = Arc::clone(nudges);
    Arc::new(move |news: News| {
        nudges.hear(&news);
        tell(news);
    })
}

/// What is told to the log is counted as well.
fn and_counted(log: Teller, telemetry: Telemetry) -> Teller {
    Arc::new(move |news: News| {
        telemetry.hear(&news);
        log(news);
    })
}
