//! From the configuration to what is asked of staging: the mechanisms that can be used at all, and the entries of the calendar.
//!
//! Must never: switch a mechanism on that the file switches off.

use crate::door::config::{Config, PublishSettings};
use crate::door::error::{ExitCode, Failure};
use crate::law::plan::{Mechanisms, Policy, Timing};
use crate::shells::stage::{Published, StageRequest, WeekChoice, WhenPast};
use crate::words::calendar::{Appointment, parse_when};
use crate::words::clock::{Seed, Timestamp};
use crate::words::nearest::nearest;

/// Tokens can only be refreshed where there is an app that owns them and a vault that holds them.
pub(super) fn mechanisms(config: &Config) -> Mechanisms {
    let tokens = config.app.is_some() && config.vault.is_some();
    let companions = tokens && config.web.as_ref().is_some_and(|web| !web.allowed_origins.is_empty());
    let m = &config.mechanisms;
    Mechanisms {
        oauth_refresh: m.oauth_refresh && tokens,
        authentication_refresh: m.authentication_refresh && tokens,
        media_probe: m.media_probe && tokens,
        companion: m.companion && companions,
        renew_sessions: m.renew_sessions && companions,
        ..m.clone()
    }
}

/// What is asked for a publish of `business_unit` at `publish_at`, with all that the configuration says.
pub(super) fn request(config: &Config, business_unit: &str, publish_at: Appointment) -> StageRequest {
    StageRequest {
        business_unit: business_unit.to_owned(),
        week: WeekChoice::Next,
        schedule: None,
        publish_at,
        timing: config.timing.clone(),
        lead: config.lead,
        limits: config.limits.clone(),
        remedies: config.remedies.clone(),
        mechanisms: mechanisms(config),
        policy: Policy::default(),
        seed: Seed::from_system(),
        run: None,
        when_past: WhenPast::Refuse,
        published: Published::NotYet,
    }
}

/// The same for an entry of the calendar.
pub(super) fn entry_request(config: &Config, entry: &PublishSettings, publish_at: Appointment) -> StageRequest {
    let late_by_max_ms = entry.catch_up.late_by_max_ms();
    StageRequest {
        week: entry.week,
        schedule: entry.schedule.clone(),
        timing: Timing { late_by_max_ms, ..config.timing.clone() },
        policy: Policy {
            approval: entry.approval,
            on_drift: entry.on_drift,
            entry: Some(entry.name.clone()),
            ..Policy::default()
        },
        ..request(config, &entry.business_unit, publish_at)
    }
}

/// The entry of that name.
pub(super) fn entry<'a>(config: &'a Config, name: &str) -> Result<&'a PublishSettings, Failure> {
    config.publishes.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = config.publishes.iter().map(|entry| entry.name.as_str()).collect();
        let hint = match (nearest(name, names.iter().copied()), names.as_slice()) {
            (Some(near), _) => format!("did you mean {near}?"),
            (None, []) => "the configuration has no [[publish]]; `softlanding init` writes an example".to_owned(),
            (None, names) => format!("the configuration has: {}", names.join(", ")),
        };
        Failure::new(ExitCode::Usage, format!("there is no [[publish]] named {name:?}")).hint(hint)
    })
}

/// When an entry is to be published: as it was said, or the entry's next instant.
pub(super) fn instant(entry: &PublishSettings, said: Option<&str>, now: Timestamp) -> Result<Appointment, Failure> {
    if let Some(said) = said {
        return Ok(parse_when(said, now, entry.zone)?);
    }
    let next = entry.recurrence.after(now).next();
    let fire = next.ok_or_else(|| {
        Failure::new(ExitCode::Refused, format!("[[publish]] {:?} has no instant left", entry.name))
            .hint("`softlanding calendar` shows what is coming")
    })?;
    Ok(Appointment { at: fire.at, zone: entry.zone })
}
