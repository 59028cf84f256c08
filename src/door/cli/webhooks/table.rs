//! `softlanding webhooks list`: how each webhook is, and what it has still to be told.
//!
//! Must never: count what it did not ask for.

use std::sync::Arc;

use serde_json::{Value, json};

use super::wanted;
use crate::door::cli::args::WebhooksList;
use crate::door::cli::{open, out};
use crate::door::config::{Config, WebhookSettings};
use crate::door::error::{ExitCode, Failure};
use crate::hands::journal::{AnyJournal, Journal, JournalError, Record};
use crate::hands::outbox::{Behind, Outbox, TargetState};
use crate::law::event::Event;
use crate::law::occurrence::Note;
use crate::law::plan::Plan;
use crate::shells::deliver::Wanted;
use crate::shells::deliver::names::{name_of, name_of_note};
use crate::words::calendar::duration_words;
use crate::words::clock::{Clock, Timestamp};
use crate::words::id::RunId;

/// A webhook as it is shown.
struct Row {
    name: String,
    host: Option<String>,
    events: Vec<String>,
    state: Option<TargetState>,
    pending: u64,
    next_at: Option<Timestamp>,
    dead: u64,
}

pub(super) async fn list(args: &WebhooksList) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let rows = match open::journal_if_any(&config).await? {
        Some(journal) => rows(&config, Arc::new(journal)).await?,
        None => config.webhooks.iter().map(unserved).collect(),
    };
    if args.json {
        let webhooks = rows.iter().map(document).collect::<Vec<_>>();
        out::document("softlanding.webhooks.v1", json!({ "webhooks": webhooks }));
    } else {
        out::say(table(&rows, Clock::System.now()));
    }
    Ok(ExitCode::Done)
}

fn unserved(webhook: &WebhookSettings) -> Row {
    let url = reqwest::Url::parse(&webhook.url).ok();
    Row {
        name: webhook.name.clone(),
        host: url.and_then(|url| url.host_str().map(str::to_owned)),
        events: webhook.events.clone(),
        state: None,
        pending: 0,
        next_at: None,
        dead: 0,
    }
}

async fn rows(config: &Config, journal: Arc<AnyJournal>) -> Result<Vec<Row>, Failure> {
    let outbox = Outbox::of(Arc::clone(&journal));
    let (states, dead) = (outbox.targets().await?, outbox.count_dead().await?);
    let mut rows: Vec<Row> = config.webhooks.iter().map(unserved).collect();
    for (row, webhook) in rows.iter_mut().zip(&config.webhooks) {
        row.state = states.iter().find(|state| state.target == webhook.name).cloned();
        if row.state.is_none() {
            continue;
        }
        for behind in outbox.behind(&webhook.name).await? {
            row.pending += pending(config, journal.as_ref(), &wanted(webhook), &behind).await?;
            let next_at = behind.failing.map(|failing| failing.next_at);
            row.next_at = [row.next_at, next_at].into_iter().flatten().min();
        }
    }
    // What another configuration serves, or nobody any more.
    let others = states.into_iter().filter(|state| config.webhooks.iter().all(|w| w.name != state.target));
    let other = |state: TargetState| Row {
        name: state.target.clone(),
        host: None,
        events: Vec::new(),
        state: Some(state),
        pending: 0,
        next_at: None,
        dead: 0,
    };
    rows.extend(others.map(other));
    for row in &mut rows {
        row.dead = dead.iter().find(|(target, _)| *target == row.name).map_or(0, |(_, n)| *n);
    }
    Ok(rows)
}

/// How many messages of a run a webhook has still to be told.
async fn pending(config: &Config, journal: &AnyJournal, wanted: &Wanted, behind: &Behind) -> Result<u64, JournalError> {
    if behind.run.is_calendar() {
        let is_ours = |name: &str| RunId::calendar(name).is_ok_and(|stream| stream == behind.run);
        let Some(entry) = config.publishes.iter().find(|entry| is_ours(&entry.name)) else { return Ok(0) };
        let notes: Vec<Record<Note>> = journal.load_after(&behind.run, behind.seq).await?;
        let names = notes.iter().filter_map(|note| name_of_note(&note.event));
        return Ok(names.filter(|name| wanted.wants(name, Some(&entry.name))).count() as u64);
    }
    let records: Vec<Record> = journal.load(&behind.run).await?;
    let Some(Event::Staged { plan }) = records.first().map(|record| &record.event) else { return Ok(0) };
    if !is_of(config, plan) {
        return Ok(0);
    }
    let entry = plan.policy.entry.as_deref();
    let new = records.iter().filter(|record| record.seq > behind.seq);
    Ok(new.filter(|record| wanted.wants(name_of(&record.event), entry)).count() as u64)
}

fn is_of(config: &Config, plan: &Plan) -> bool {
    plan.api.as_ref().is_none_or(|api| *api == config.org.hosts.api)
        && plan.client.as_ref().is_none_or(|client| *client == config.org.client_id)
}

/// How a webhook is, in a word for programs, and why.
fn standing(row: &Row) -> (&'static str, Option<&str>) {
    match &row.state {
        None => ("not_served_yet", None),
        Some(TargetState { disabled: Some((_, why)), .. }) => ("disabled", Some(why)),
        Some(_) if row.host.is_none() => ("not_configured", None),
        Some(TargetState { failing: Some((_, why)), .. }) => ("failing", Some(why)),
        Some(_) => ("ok", None),
    }
}

fn document(row: &Row) -> Value {
    let (state, why) = standing(row);
    let of = |get: fn(&TargetState) -> Option<Timestamp>| row.state.as_ref().and_then(get).map(Timestamp::rfc3339);
    json!({
        "webhook": row.name,
        "host": row.host,
        "events": row.events,
        "state": state,
        "why": why,
        "known_at": of(|state| Some(state.known_at)),
        "delivered_at": of(|state| state.delivered_at),
        "failing_since": of(|state| state.failing.as_ref().map(|(since, _)| *since)),
        "disabled_since": of(|state| state.disabled.as_ref().map(|(since, _)| *since)),
        "next_try_at": row.next_at.map(Timestamp::rfc3339),
        "pending": row.pending,
        "dead": row.dead,
        "told_by": row.state.as_ref().and_then(|state| state.told_by.clone()),
    })
}

fn table(rows: &[Row], now: Timestamp) -> Vec<String> {
    if rows.is_empty() {
        return vec!["no webhook is configured; add a [[webhook]] to softlanding.toml".to_owned()];
    }
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(7);
    let line = |name: &str, state: &str, pending: &str, dead: &str, last: &str| {
        format!("{name:<width$}  {state:<14}  {pending:>7}  {dead:>5}  {last}").trim_end().to_owned()
    };
    let mut lines = vec![line("WEBHOOK", "STATE", "PENDING", "DEAD", "DELIVERED")];
    for row in rows {
        let (state, why) = standing(row);
        let last = row.state.as_ref().and_then(|state| state.delivered_at);
        let last = last.map_or_else(
            || "-".to_owned(),
            |at| format!("{} ago", duration_words(now.since_ms(at).max(0) / 1_000 * 1_000)),
        );
        lines.push(line(&row.name, &state.replace('_', " "), &row.pending.to_string(), &row.dead.to_string(), &last));
        lines.extend(why.map(|why| format!("  {why}")));
    }
    lines
}
