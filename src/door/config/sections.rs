//! What may stand in each section, its ranges and its defaults.
//!
//! Must never: let a field pass that nothing reads; a mistyped safety limit would silently not hold.

use std::path::Path;

use toml::de::DeTable;

use super::error::ConfigErrors;
use super::model::{
    Config, HookSettings, Limits, Mechanisms, Remedies, ReportSettings, StoreSettings, Timing, VaultSettings,
};
use super::org::{app, clock, org};
use super::reader::{Reader, Section, shown};
use super::reference::{Need, path, secret};
use crate::words::calendar::parse_zone;

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
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
    let vault = vault(reader, &mut document, &folder);
    let hooks = hooks(reader, &mut document, &folder);
    let report = report(reader, &mut document, &folder);
    let timing = timing(reader, &mut document);
    let limits = limits(reader, &mut document);
    let remedies = remedies(reader, &mut document);
    let mechanisms = mechanisms(reader, &mut document);
    let reach = org.as_ref().map(|(_, reach)| *reach);
    let clock = clock(reader, &mut document, reach);
    reader.finish(&document);
    let (org, _) = org?;
    let file = absolute;
    Some(Config { file, org, app, store, vault, hooks, report, timing, limits, remedies, mechanisms, clock })
}

fn store<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>, folder: &Path) -> StoreSettings {
    let mut section = reader.section(document, "store");
    let path = path(reader, &mut section, "path", "softlanding.db", folder);
    reader.finish(&section);
    StoreSettings { path }
}

/// The vault needs a key as soon as there is an app whose tokens it would hold.
fn vault<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>, folder: &Path) -> Option<VaultSettings> {
    let mut section = reader.section(document, "vault");
    let path = path(reader, &mut section, "path", "vault.db", folder);
    let app = document.take("app");
    if let Some(app) = app.as_ref().filter(|_| !section.present()) {
        section.blame(app);
    }
    let need = if app.is_some() { Need::Always } else { Need::Never };
    let key = secret(reader, &mut section, "key", folder, need);
    reader.finish(&section);
    key.map(|key| VaultSettings { path, key })
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

fn timing<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>) -> Timing {
    let mut section = reader.section(document, "timing");
    let zones = "a time zone: Central, Eastern, Mountain, Pacific, UTC, or a name such as \"America/Chicago\"";
    let zone = reader.text(&mut section, "zone", zones).and_then(|(field, name)| {
        let zone = parse_zone(name);
        if zone.is_none() {
            reader.wrong(&field, shown(field.value), zones);
        }
        zone
    });
    let timing = Timing {
        zone: zone.unwrap_or(chrono_tz::Tz::America__Chicago),
        refresh_lead_ms: reader.duration_ms(&mut section, "refresh_lead", 30 * MIN, MIN..=12 * H),
        prepare_lead_ms: reader.duration_ms(&mut section, "prepare_lead", 2 * MIN, 5 * S..=H),
        publish_window_ms: reader.duration_ms(&mut section, "publish_window", 10 * MIN, 30 * S..=6 * H),
        late_by_max_ms: reader.duration_ms(&mut section, "late_by_max", 2 * MIN, 0..=12 * H),
        check_delay_ms: reader.duration_ms(&mut section, "check_delay", 5 * S, 0..=10 * MIN),
        check_interval_ms: reader.duration_ms(&mut section, "check_interval", 20 * S, S..=10 * MIN),
        settle_after_ms: reader.duration_ms(&mut section, "settle_after", 30 * MIN, MIN..=12 * H),
    };
    if timing.prepare_lead_ms >= timing.refresh_lead_ms {
        let field = section.take("prepare_lead").or_else(|| section.take("refresh_lead"));
        if let Some(field) = field {
            reader.wrong(
                &field,
                shown(field.value),
                "a prepare_lead shorter than refresh_lead: the last look comes after the refresh",
            );
        }
    }
    if timing.check_interval_ms >= timing.settle_after_ms {
        let field = section.take("check_interval").or_else(|| section.take("settle_after"));
        if let Some(field) = field {
            reader.wrong(
                &field,
                shown(field.value),
                "a check_interval shorter than settle_after: otherwise nobody is looked at twice",
            );
        }
    }
    reader.finish(&section);
    timing
}

fn limits<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>) -> Limits {
    let mut section = reader.section(document, "limits");
    let limits = Limits {
        calls_per_minute_max: reader.whole(&mut section, "calls_per_minute_max", 10..=10_000),
        in_flight_max: reader.whole(&mut section, "in_flight_max", 1..=256).unwrap_or(16),
        reserve_calls: reader.whole(&mut section, "reserve_calls", 0..=1_000).unwrap_or(20),
    };
    if let Some(most) = limits.calls_per_minute_max
        && limits.reserve_calls >= most
        && let Some(field) = section.take("calls_per_minute_max")
    {
        let accepted = format!("more than reserve_calls, which is {}", limits.reserve_calls);
        reader.wrong(&field, shown(field.value), accepted);
    }
    reader.finish(&section);
    limits
}

fn remedies<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>) -> Remedies {
    let mut section = reader.section(document, "remedies");
    let remedies = Remedies {
        attempts_max: reader.whole(&mut section, "attempts_max", 1..=10).unwrap_or(2),
        backoff_first_ms: reader.duration_ms(&mut section, "backoff_first", 5 * S, 100..=10 * MIN),
        backoff_max_ms: reader.duration_ms(&mut section, "backoff_max", 2 * MIN, 100..=H),
        outage_share: reader.share(&mut section, "outage_share", 0.9),
        rung_failure_share: reader.share(&mut section, "rung_failure_share", 0.5),
    };
    if remedies.backoff_first_ms > remedies.backoff_max_ms {
        let field = section.take("backoff_first").or_else(|| section.take("backoff_max"));
        if let Some(field) = field {
            reader.wrong(&field, shown(field.value), "a backoff_first no longer than backoff_max");
        }
    }
    reader.finish(&section);
    remedies
}

fn mechanisms<'t>(reader: &mut Reader<'t>, document: &mut Section<'t>) -> Mechanisms {
    let mut section = reader.section(document, "mechanisms");
    let accepted = "a path that begins with /api/";
    let reset_path = reader.text(&mut section, "session_reset_path", accepted).and_then(|(field, path)| {
        let fine = path.starts_with("/api/") && path.chars().all(|c| c.is_ascii_graphic()) && !path.contains("..");
        if !fine {
            reader.wrong(&field, shown(field.value), accepted);
        }
        fine.then(|| path.to_owned())
    });
    let mechanisms = Mechanisms {
        oauth_refresh: reader.switch(&mut section, "oauth_refresh", true),
        authentication_refresh: reader.switch(&mut section, "authentication_refresh", false),
        media_probe: reader.switch(&mut section, "media_probe", false),
        purge_cache: reader.switch(&mut section, "purge_cache", false),
        session_reset: reader.switch(&mut section, "session_reset", false),
        session_reset_path: reset_path,
        reassociate: reader.switch(&mut section, "reassociate", true),
        reboot_phone: reader.switch(&mut section, "reboot_phone", true),
        revoke_tokens: reader.switch(&mut section, "revoke_tokens", false),
        ask: reader.switch(&mut section, "ask", true),
    };
    if mechanisms.session_reset && !section.keys().contains(&"session_reset_path") {
        reader.missing(&section, "session_reset_path", "a path that begins with /api/, as session_reset is on");
    }
    reader.finish(&section);
    mechanisms
}
