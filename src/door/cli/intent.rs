//! From a configuration's numbers to a plan's.
//!
//! Must never: change a number on the way; what the file says is what the plan holds.

use crate::door::config::Config;
use crate::law::plan::{Limits, Mechanisms, RemedyPolicy, Timing};

pub(super) fn timing(config: &Config) -> Timing {
    let t = &config.timing;
    Timing {
        refresh_lead_ms: t.refresh_lead_ms,
        prepare_lead_ms: t.prepare_lead_ms,
        late_by_max_ms: t.late_by_max_ms,
        publish_window_ms: t.publish_window_ms,
        check_delay_ms: t.check_delay_ms,
        check_interval_ms: t.check_interval_ms,
        settle_after_ms: t.settle_after_ms,
        ..Timing::default()
    }
}

pub(super) fn limits(config: &Config) -> Limits {
    Limits { in_flight_max: config.limits.in_flight_max as usize, ..Limits::default() }
}

pub(super) fn remedies(config: &Config) -> RemedyPolicy {
    let r = &config.remedies;
    RemedyPolicy {
        attempts_max: u8::try_from(r.attempts_max).unwrap_or(u8::MAX),
        backoff_first_ms: r.backoff_first_ms,
        backoff_max_ms: r.backoff_max_ms,
        outage_share: r.outage_share,
        rung_failure_share: r.rung_failure_share,
    }
}

/// Tokens can only be refreshed where there is an app that owns them and a vault that holds them.
pub(super) fn mechanisms(config: &Config) -> Mechanisms {
    let m = &config.mechanisms;
    let tokens = config.app.is_some() && config.vault.is_some();
    Mechanisms {
        oauth_refresh: m.oauth_refresh && tokens,
        authentication_refresh: m.authentication_refresh && tokens,
        media_probe: m.media_probe && tokens,
        purge_cache: m.purge_cache,
        session_reset: m.session_reset,
        reassociate: m.reassociate,
        reboot_phone: m.reboot_phone,
        revoke_tokens: m.revoke_tokens,
        ask: m.ask,
    }
}
