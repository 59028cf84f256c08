//! What may stand in each section, its ranges and its defaults.
//!
//! Must never: let a field pass that nothing reads; a mistyped safety limit would silently not hold.

use std::path::Path;

use chrono_tz::Tz;
use toml::de::{DeTable, DeValue};

use super::error::ConfigErrors;
use super::inbound::inbounds;
use super::model::{Config, HookSettings, ReportSettings, ServeSettings, StorePlace, StoreSettings, VaultSettings};
use super::org::{app, clock, org};
use super::people::{Around, people};
use super::publish::publishes;
use super::reader::{Field, Reader, Section, shown};
use super::reference::{Need, path, secret};
use super::store::store;
use super::telemetry::telemetry;
use super::web::web;
use super::webhook::webhooks;
use crate::law::lead::{LeadSettings, RefreshLead};
use crate::law::plan::{Limits, Mechanisms, RemedyPolicy, Timing};
use crate::words::calendar::parse_zone;

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Where the vault is when neither its path nor a database is given.
pub const VAULT_FILE: &str = "vault.db";
const S: i64 = 1_000;
const MIN: i64 = 60 * S;
const H: i64 = 60 * MIN;

impl Config {
    /// Reads the configuration in `file`.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn read(file: &Path) -> Result<Config, ConfigErrors> {
        let unreadable =
            |why: String| ConfigErrors { file: file.to_owned(), unreadable: Some(why), errors: Vec::new() };
        let size = std::fs::metadata(file).map_err(|e| unreadable(e.to_string()))?.len();
        if size > FILE_BYTES_MAX {
            return Err(unreadable(format!("it has {size} bytes; accepted: up to {FILE_BYTES_MAX}")));
        }
        let bytes = std::fs::read(file).map_err(|e| unreadable(e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| unreadable("it is no UTF-8 text".to_owned()))?;
        Config::parse(&text, file)
    }

    /// Reads a configuration from its text; `file` is where it stands, and where relative paths begin.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn parse(text: &str, file: &Path) -> Result<Config, ConfigErrors> {
        let mut reader = Reader::new(text);
        let (table, broken) = DeTable::parse_recoverable(text);
        for error in &broken {
            reader.torn(error.span().unwrap_or(0..0), error.message());
        }
        let config = read_document(&mut reader, &table, file);
        let errors = reader.into_errors();
        match config {
            Some(config) if errors.is_empty() => Ok(config),
            Some(_) | None => Err(ConfigErrors { file: file.to_owned(), unreadable: None, errors }),
        }
    }
}

/// `None` when something without a default is missing; the reader then holds the error.
fn read_document<'t>(reader: &mut Reader<'t>, table: &'t toml::Spanned<DeTable<'t>>, file: &Path) -> Option<Config> {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let folder = absolute.parent().unwrap_or_else(|| Path::new("/")).to_owned();
    let mut document = reader.document(table);
    let org = org(reader, &mut document, &folder);
    let app = app(reader, &mut document, &folder);
    let store = store(reader, &mut document, &folder);
    let vault = vault(reader, &mut document, &folder, &store);
    let hooks = hooks(reader, &mut document, &folder);
    let report = report(reader, &mut document, &folder);
    let (zone, timing, lead) = timing(reader, &mut document);
    let (calls_per_minute_max, limits) = limits(reader, &mut document);
    let remedies = remedies(reader, &mut document);
    let (mechanisms, session_reset_path) = mechanisms(reader, &mut document);
    let publishes = publishes(reader, &mut document, zone, &timing);
    let webhooks = webhooks(reader, &mut document, &folder, &publishes);
    let serve = serve(reader, &mut document);
    let telemetry = telemetry(reader, &mut document);
    let web = web(reader, &mut document, vault.as_ref());
    let inbound = inbounds(reader, &mut document, &folder);
    let people = people(reader, &mut document, &Around { web: web.as_ref(), app: app.as_ref(), folder: &folder });
    let reach = org.as_ref().map(|(_, reach)| *reach);
    let clock = clock(reader, &mut document, reach);
    reader.finish(&document);
    let (org, _) = org?;
    let file = absolute;
    Some(Config {
        file,
        org,
        app,
        store,
        vault,
        hooks,
        report,
        zone,
        timing,
        lead,
        limits,
        calls_per_minute_max,
        remedies,
        mechanisms,
        session_reset_path,
        publishes,
        webhooks,
        serve,
        telemetry,
        web,
        inbound,
        people,
        clock,
    })
}

/// The vault needs a key as soon as there is an app whose tokens it would hold.
fn vault<'t>(
    reader: &mut Reader<'t>,
    document: &mut Section<'t>,
    folder: &Path,
    store: &StoreSettings,
) -> Option<VaultSettings> {
    let mut section = reader.section(document, "vault");
    let given = section.keys().contains(&"path");
    let path = path(reader, &mut section, "path", VAULT_FILE, folder);
    let place = match &store.place {
        StorePlace::Postgres { .. } if !given => store.place.clone(),
        StorePlace::Postgres { .. } | StorePlace::Sqlite(_) => StorePlace::Sqlite(path),
    };
    let app = document.take("app");
    if let Some(app) = app.as_ref().filter(|_| !section.present()) {
        section.blame(app);
    }
    let need = if app.is_some() { Need::Always } else { Need::Never };
    let key = secret(reader, &mut section, "key", folder, need);
    let old_key = secret(reader, &mut section, "old_key", folder, Need::Never);
    reader.finish(&section);
    key.map(|key| VaultSettings { place, key, old_key })
}

fn hooks<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>, folder: &Path) -> HookSettings {
    let mut section = reader.section(document, "hooks");
    let dir = path(reader, &mut section, "dir", "hooks", folder);
    let timeout_ms = reader.duration_ms(&mut section, "timeout", 30 * S, 100..=10 * MIN);
    reader.finish(&section);
    HookSettings { dir, timeout_ms }
}

fn report<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>, folder: &Path) -> ReportSettings {
    let mut section = reader.section(document, "report");
    let dir = path(reader, &mut section, "dir", "reports", folder);
    let templates =
        section.keys().contains(&"templates").then(|| path(reader, &mut section, "templates", "templates", folder));
    if templates.is_none() {
        // Asked for, so that the list of known fields has it.
        let _ = section.take("templates");
    }
    reader.finish(&section);
    ReportSettings { dir, templates }
}

fn timing<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>) -> (Tz, Timing, LeadSettings) {
    let mut section = reader.section(document, "timing");
    let zones = "a time zone: Central, Eastern, Mountain, Pacific, UTC, or a name such as \"America/Chicago\"";
    let zone = reader.text(&mut section, "zone", zones).and_then(|(field, name)| {
        let zone = parse_zone(name);
        if zone.is_none() {
            reader.wrong(&field, shown(field.value), zones);
        }
        zone
    });
    let usual = Timing::default();
    let (refresh_lead, refresh_lead_ms) = refresh_lead(reader, &mut section, usual.refresh_lead_ms);
    let mut ms = |key, default_ms, range_ms| reader.duration_ms(&mut section, key, default_ms, range_ms);
    let timing = Timing {
        refresh_lead_ms,
        watch_lead_ms: ms("watch_lead", usual.watch_lead_ms, 0..=2 * H),
        watch_interval_ms: ms("watch_interval", usual.watch_interval_ms, MIN..=H),
        prepare_lead_ms: ms("prepare_lead", usual.prepare_lead_ms, 5 * S..=H),
        late_by_max_ms: ms("late_by_max", usual.late_by_max_ms, 0..=12 * H),
        publish_window_ms: ms("publish_window", usual.publish_window_ms, 30 * S..=6 * H),
        look_interval_ms: ms("look_interval", usual.look_interval_ms, S..=MIN),
        token_outlives_ms: ms("token_outlives", usual.token_outlives_ms, 0..=24 * H),
        young_ms: ms("session_younger_than", usual.young_ms, 0..=24 * H),
        check_delay_ms: ms("check_delay", usual.check_delay_ms, 0..=10 * MIN),
        check_interval_ms: ms("check_interval", usual.check_interval_ms, S..=10 * MIN),
        logged_out_interval_ms: ms("logged_out_interval", usual.logged_out_interval_ms, S..=H),
        settle_after_ms: ms("settle_after", usual.settle_after_ms, MIN..=12 * H),
    };
    let expected = LeadSettings::default();
    let lead = LeadSettings {
        refresh_lead,
        margin_ms: ms("lead_margin", expected.margin_ms, 0..=2 * H),
        publish_expected_ms: ms("publish_expected", expected.publish_expected_ms, S..=6 * H),
        token_life_ms: ms("token_life", expected.token_life_ms, 5 * MIN..=48 * H),
    };
    orders(reader, &mut section, &timing, refresh_lead);
    reader.finish(&section);
    (zone.unwrap_or(Tz::America__Chicago), timing, lead)
}

/// `"auto"`, or a duration.
fn refresh_lead<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, usual_ms: i64) -> (RefreshLead, i64) {
    let auto = |field: &Field<'_>| matches!(field.value, DeValue::String(text) if text == "auto");
    match section.take("refresh_lead") {
        None => (RefreshLead::Auto, usual_ms),
        Some(field) if auto(&field) => (RefreshLead::Auto, usual_ms),
        Some(_) => {
            let range_ms = MIN..=12 * H;
            let ms = reader.optional_duration_ms(section, "refresh_lead", "\"auto\", or ", usual_ms, range_ms);
            (RefreshLead::Given, ms.unwrap_or(usual_ms))
        }
    }
}

/// What must be shorter than what. A computed lead is longer than the last look by itself.
fn orders<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, timing: &Timing, refresh_lead: RefreshLead) {
    let orders = [
        (
            refresh_lead == RefreshLead::Auto || timing.prepare_lead_ms < timing.refresh_lead_ms,
            "prepare_lead",
            "refresh_lead",
            "the last look comes after the refresh",
        ),
        (
            timing.check_interval_ms < timing.settle_after_ms,
            "check_interval",
            "settle_after",
            "otherwise nobody is looked at twice",
        ),
        (
            timing.check_delay_ms < timing.settle_after_ms,
            "check_delay",
            "settle_after",
            "otherwise nobody is looked at",
        ),
    ];
    for (fine, shorter, longer, why) in orders {
        if !fine {
            let accepted = format!("a {shorter} shorter than {longer}: {why}");
            either(reader, section, shorter, longer, &accepted);
        }
    }
}

/// Two fields that do not fit together: the error stands at the first of them that is in the file.
fn either<'t>(
    reader: &mut Reader<'t>,
    section: &mut Section<'t>,
    first: &'static str,
    second: &'static str,
    accepted: &str,
) {
    if let Some(field) = section.take(first).or_else(|| section.take(second)) {
        reader.wrong(&field, shown(field.value), accepted);
    }
}

fn limits<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>) -> (Option<u32>, Limits) {
    let mut section = reader.section(document, "limits");
    let usual = Limits::default();
    let calls_per_minute_max = reader.whole(&mut section, "calls_per_minute_max", 10..=10_000);
    let mut count = |key, most, default: usize| {
        reader.whole(&mut section, key, 1..=most).and_then(|n| usize::try_from(n).ok()).unwrap_or(default)
    };
    let in_flight_max = count("in_flight_max", 256, usual.in_flight_max);
    let bulk_ids_max = count("bulk_ids_max", 500, usual.bulk_ids_max);
    let single_remedies_max = count("single_remedies_max", 64, usual.single_remedies_max);
    let on_call_fresh_ms = reader.duration_ms(&mut section, "on_call_fresh", usual.on_call_fresh_ms, S..=MIN);
    let attempts = reader.whole(&mut section, "refresh_attempts_max", 1..=20).and_then(|n| u8::try_from(n).ok());
    reader.finish(&section);
    let refresh_attempts_max = attempts.unwrap_or(usual.refresh_attempts_max);
    let limits =
        Limits { in_flight_max, bulk_ids_max, single_remedies_max, on_call_fresh_ms, refresh_attempts_max, ..usual };
    (calls_per_minute_max, limits)
}

fn remedies<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>) -> RemedyPolicy {
    let mut section = reader.section(document, "remedies");
    let usual = RemedyPolicy::default();
    let attempts = reader.whole(&mut section, "attempts_max", 1..=50).and_then(|n| u8::try_from(n).ok());
    let remedies = RemedyPolicy {
        attempts_max: attempts.unwrap_or(usual.attempts_max),
        backoff_first_ms: reader.duration_ms(&mut section, "backoff_first", usual.backoff_first_ms, 100..=10 * MIN),
        backoff_max_ms: reader.duration_ms(&mut section, "backoff_max", usual.backoff_max_ms, 100..=H),
        outage_share: reader.share(&mut section, "outage_share", usual.outage_share),
        rung_failure_share: reader.share(&mut section, "rung_failure_share", usual.rung_failure_share),
        canary: reader.whole(&mut section, "canary", 0..=1_000).unwrap_or(usual.canary),
        revoke_on_shift: reader.switch(&mut section, "revoke_on_shift", usual.revoke_on_shift),
        // Staging learns it from the journal.
        learnt: usual.learnt,
    };
    if remedies.backoff_first_ms > remedies.backoff_max_ms {
        either(reader, &mut section, "backoff_first", "backoff_max", "a backoff_first no longer than backoff_max");
    }
    reader.finish(&section);
    remedies
}

fn mechanisms<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>) -> (Mechanisms, Option<String>) {
    let mut section = reader.section(document, "mechanisms");
    let usual = Mechanisms::default();
    let mut on = |key, default| reader.switch(&mut section, key, default);
    let mechanisms = Mechanisms {
        oauth_refresh: on("oauth_refresh", usual.oauth_refresh),
        authentication_refresh: on("authentication_refresh", usual.authentication_refresh),
        media_probe: on("media_probe", usual.media_probe),
        purge_cache: on("purge_cache", usual.purge_cache),
        session_reset: on("session_reset", usual.session_reset),
        reassociate: on("reassociate", usual.reassociate),
        reboot_phone: on("reboot_phone", usual.reboot_phone),
        revoke_tokens: on("revoke_tokens", usual.revoke_tokens),
        ask: on("ask", usual.ask),
        notifications: on("notifications", usual.notifications),
        companion: on("companion", true),
        renew_sessions: on("renew_sessions", usual.renew_sessions),
    };
    let accepted = "a path that begins with /api/";
    let reset_path = reader.text(&mut section, "session_reset_path", accepted).and_then(|(field, path)| {
        let fine = path.starts_with("/api/") && path.chars().all(|c| c.is_ascii_graphic()) && !path.contains("..");
        if !fine {
            reader.wrong(&field, shown(field.value), accepted);
        }
        fine.then(|| path.to_owned())
    });
    reader.finish(&section);
    (mechanisms, reset_path)
}

fn serve<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>) -> ServeSettings {
    let mut section = reader.section(document, "serve");
    let lease_ms = reader.duration_ms(&mut section, "lease", 6 * S, 2 * S..=MIN);
    let look_every_ms = reader.duration_ms(&mut section, "look_every", S / 2, 100..=10 * S);
    reader.finish(&section);
    ServeSettings { lease_ms, look_every_ms }
}
