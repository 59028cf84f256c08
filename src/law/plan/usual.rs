//! What is usual: the numbers that stand where a configuration says nothing.
//!
//! Must never: change without the configuration's template; a test holds the two together.

use super::{Limits, Mechanisms, RemedyPolicy, Timing};

impl Default for Timing {
    fn default() -> Self {
        const SECOND: i64 = 1_000;
        const MINUTE: i64 = 60 * SECOND;
        Timing {
            refresh_lead_ms: 20 * MINUTE,
            watch_lead_ms: 30 * MINUTE,
            watch_interval_ms: 5 * MINUTE,
            prepare_lead_ms: MINUTE,
            late_by_max_ms: 10 * MINUTE,
            publish_window_ms: 10 * MINUTE,
            look_interval_ms: 5 * SECOND,
            token_outlives_ms: 2 * 60 * MINUTE,
            young_ms: 0,
            check_delay_ms: 30 * SECOND,
            check_interval_ms: 30 * SECOND,
            logged_out_interval_ms: 2 * MINUTE,
            settle_after_ms: 45 * MINUTE,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            in_flight_max: 16,
            bulk_ids_max: 100,
            single_remedies_max: 8,
            on_call_fresh_ms: 10_000,
            claims_max: 3,
            refresh_attempts_max: 4,
            calls_per_minute: None,
            auth_calls_per_minute: None,
        }
    }
}

impl Default for RemedyPolicy {
    fn default() -> Self {
        RemedyPolicy {
            attempts_max: 8,
            backoff_first_ms: 5_000,
            backoff_max_ms: 120_000,
            outage_share: 0.6,
            rung_failure_share: 0.8,
            canary: 5,
            revoke_on_shift: false,
            learnt: Vec::new(),
        }
    }
}

impl Default for Mechanisms {
    /// What the vendor publishes is on, what users report is off, what disrupts is off.
    fn default() -> Self {
        Mechanisms {
            oauth_refresh: true,
            authentication_refresh: false,
            media_probe: false,
            purge_cache: false,
            session_reset: false,
            reassociate: true,
            reboot_phone: true,
            revoke_tokens: false,
            ask: true,
            notifications: true,
            companion: false,
            renew_sessions: false,
        }
    }
}
