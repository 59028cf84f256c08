//! Which Friday is rehearsed, how fast its clock runs, and with which plan.
//!
//! Must never: read a clock; the real time is an argument.

use chrono_tz::Tz;

use crate::hands::genesys::hosts::BadHost;
use crate::hands::genesys::org::AppClient;
use crate::hands::genesys::{Hosts, OrgSettings};
use crate::law::lead::{LeadSettings, RefreshLead};
use crate::law::plan::{Limits, Mechanisms, Policy, RemedyPolicy, Timing};
use crate::shells::stage::{Published, StageRequest, WeekChoice, WhenPast};
use crate::twin::{APP_CLIENT_ID, APP_CLIENT_SECRET, PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET, Scenario};
use crate::words::calendar::{Appointment, WhenError, parse_when};
use crate::words::clock::{Seed, Timestamp};
use crate::words::secret::Secret;

/// The zone in which the users' Friday 16:00 is.
pub const ZONE: Tz = Tz::America__Chicago;
/// The rehearsal's clock begins this long before the refresh lead, so that staging and waiting are seen as well.
const BEFORE_MS: i64 = 90_000;
/// A whole rehearsal takes about this long in real time, unless a speed is given.
const REAL_MS: i64 = 40_000;

/// What is rehearsed.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The simulated org and what goes wrong in it.
    pub scenario: Scenario,
    /// The chance of the twin and of the run.
    pub seed: Seed,
    /// T.
    pub publish_at: Timestamp,
    /// When each phase starts.
    pub timing: Timing,
    /// Rehearsal milliseconds per real one.
    pub speed: f64,
}

impl Setting {
    /// The next Friday 16:00 in Chicago after `real_now`, in `scenario`; at `speed`, or so that it takes about 40 s.
    ///
    /// # Errors
    /// [`WhenError`] when that Friday has no 16:00.
    pub fn friday(
        scenario: Scenario,
        seed: Seed,
        speed: Option<f64>,
        real_now: Timestamp,
    ) -> Result<Setting, WhenError> {
        let scenario = with_companions(scenario);
        let publish_at = parse_when("Friday 16:00", real_now, ZONE)?.at;
        let timing = timing();
        let whole_ms = BEFORE_MS + timing.refresh_lead_ms + timing.settle_after_ms;
        let speed = speed.unwrap_or(whole_ms as f64 / REAL_MS as f64);
        Ok(Setting { scenario, seed, publish_at, timing, speed })
    }
    /// What the rehearsal's clock reads at its beginning.
    #[must_use]
    pub fn begins_at(&self) -> Timestamp {
        self.publish_at - self.timing.refresh_lead_ms - BEFORE_MS
    }
    /// What is asked of staging: the first business unit's first draft for next week.
    #[must_use]
    pub fn request(&self) -> StageRequest {
        let first = |names: &[String]| names.first().cloned().unwrap_or_default();
        StageRequest {
            business_unit: first(&self.scenario.org.business_units),
            week: WeekChoice::Next,
            schedule: Some(first(&self.scenario.org.drafts)),
            publish_at: Appointment { at: self.publish_at, zone: ZONE },
            timing: self.timing.clone(),
            lead: LeadSettings { refresh_lead: RefreshLead::Given, ..LeadSettings::default() },
            limits: Limits::default(),
            remedies: RemedyPolicy::default(),
            mechanisms: self.mechanisms(),
            policy: Policy::default(),
            run: None,
            when_past: WhenPast::Refuse,
            published: Published::NotYet,
            seed: self.seed.fork("plan"),
        }
    }
    /// The published mechanisms, and those that users report where the twin offers them.
    fn mechanisms(&self) -> Mechanisms {
        let offered = self.scenario.reported.offered;
        Mechanisms {
            authentication_refresh: offered,
            media_probe: offered,
            session_reset: offered,
            companion: true,
            ..Mechanisms::default()
        }
    }
}

/// A rehearsed agent's page has a companion in it where a real one would be enrolled.
fn with_companions(mut scenario: Scenario) -> Scenario {
    scenario.softphone.companions = true;
    scenario
}

/// The twin at `url` as an org like any other: the same settings as a real one has.
///
/// # Errors
/// [`BadHost`] when `url` is not this machine's.
pub fn org_settings(url: &str) -> Result<OrgSettings, BadHost> {
    let secret = |text: &str| Secret::new(text.to_owned());
    let hosts = Hosts::given(url, url)?;
    let app = AppClient { client_id: APP_CLIENT_ID.to_owned(), client_secret: secret(APP_CLIENT_SECRET) };
    let settings = OrgSettings::new(hosts, PUBLISHER_CLIENT_ID, secret(PUBLISHER_CLIENT_SECRET));
    Ok(OrgSettings { app: Some(app), ..settings })
}

/// A shorter Friday than the default plan's: the twin's people start work at 16:30, and tokens live for hours.
fn timing() -> Timing {
    const MINUTE_MS: i64 = 60_000;
    Timing { refresh_lead_ms: 12 * MINUTE_MS, settle_after_ms: 35 * MINUTE_MS, ..Timing::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_plays_the_next_friday_in_well_under_a_minute() {
        let now = Timestamp::parse_rfc3339("2026-11-23T12:00:00Z").unwrap();
        let setting = Setting::friday(Scenario::default(), Seed(1), None, now).unwrap();
        assert_eq!(setting.publish_at.rfc3339(), "2026-11-27T22:00:00.000Z");
        let whole_ms = setting.publish_at.since_ms(setting.begins_at()) + setting.timing.settle_after_ms;
        let real_s = whole_ms as f64 / setting.speed / 1000.0;
        assert!((30.0..50.0).contains(&real_s), "{real_s}");
        assert!(setting.begins_at() < setting.publish_at - setting.timing.refresh_lead_ms);
    }

    #[test]
    fn reported_mechanisms_are_used_where_they_are_offered() {
        let now = Timestamp(0);
        for offered in [false, true] {
            let mut scenario = Scenario::default();
            scenario.reported.offered = offered;
            let mechanisms = Setting::friday(scenario, Seed(1), None, now).unwrap().request().mechanisms;
            assert_eq!(mechanisms.session_reset, offered);
            assert!(mechanisms.oauth_refresh && mechanisms.reassociate && !mechanisms.revoke_tokens);
        }
    }
}
