//! What a simulated org is like and what goes wrong in it: data, from a file or built in code.
//!
//! Must never: hold a state; a scenario together with a seed makes a twin, and the twin changes.

use serde::{Deserialize, Serialize};

/// Everything that a twin is built from, apart from the seed and the time. The default is a calm org of a few agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// What happens, in one line.
    pub story: String,
    /// Permissions that the publishing client's role lacks although it needs them, e.g. `wfm:schedule:edit`.
    pub withheld_permissions: Vec<String>,
    /// The organisation and its schedules.
    pub org: Org,
    /// The agents, in groups with a shift in common.
    pub cohorts: Vec<Cohort>,
    /// Lifetimes and rotation of tokens.
    pub tokens: Tokens,
    /// How many calls the platform takes.
    pub rate_limit: RateLimit,
    /// How a schedule update goes.
    pub publish: Publish,
    /// What an applied publish does to agents' sessions.
    pub revoke: Revoke,
    /// How softphones, stations and phones behave.
    pub softphone: Softphone,
    /// The mechanisms that users report and that the published API does not have (API.md section 13).
    pub reported: Reported,
    /// What people do by themselves.
    pub people: People,
    /// What goes wrong on the way; all off by default.
    pub faults: Faults,
}

/// The organisation: business units, their week, their draft schedules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Org {
    /// The organisation's name.
    pub name: String,
    /// Names of the business units. At least one.
    pub business_units: Vec<String>,
    /// Which of them have agents.
    pub agents_in: AgentsIn,
    /// Names of the first business unit's management units; agents are dealt out among them in turn. At least one.
    pub management_units: Vec<String>,
    /// IANA name of the business units' time zone (API.md section 4).
    pub time_zone: String,
    /// First day of the schedule's week, e.g. `Monday` (API.md section 4).
    pub start_day_of_week: String,
    /// Descriptions of the draft schedules of the week after the anchor. At least one.
    pub drafts: Vec<String>,
    /// How many agents lack the permission to choose their own station (API.md section 7).
    pub agents_without_permission: u32,
    /// How many of the two external trunks are out of service (API.md section 12).
    pub trunks_out_of_service: u32,
}

/// Which business units have agents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentsIn {
    /// The first has all of them, the others have none.
    #[default]
    First,
    /// Each: they are dealt out in turn, and a publish strikes those of its own business unit only.
    Every,
}

/// Agents who share a shift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cohort {
    /// The cohort's name, for people.
    pub name: String,
    /// How many agents.
    pub agents: u32,
    /// Start of the shift, in minutes after the anchor (negative: before it).
    pub shift_start_min: i64,
    /// Length of the shift in minutes.
    pub shift_length_min: i64,
    /// When an agent logs in, drawn between these minutes after the anchor. The page's token is issued then, so this is
    /// also how old it is at the publish.
    pub login_min: [i64; 2],
    /// How many agents are of which kind; the rest are healthy. Who is which is drawn from the seed.
    pub kinds: KindCounts,
    /// Calls that agents of this cohort have; each agent has one at most.
    pub calls: Vec<Calls>,
}

/// How many agents of a cohort are of a kind other than healthy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KindCounts {
    /// [`Kind::NotEnrolled`].
    pub not_enrolled: u32,
    /// [`Kind::HandOverMissed`].
    pub hand_over_missed: u32,
    /// [`Kind::RefreshTokenDead`].
    pub refresh_token_dead: u32,
    /// [`Kind::StationLost`].
    pub station_lost: u32,
    /// [`Kind::PhoneStale`].
    pub phone_stale: u32,
    /// [`Kind::TokenRevokedSocketUp`].
    pub token_revoked_socket_up: u32,
    /// [`Kind::Stubborn`].
    pub stubborn: u32,
    /// [`Kind::Incurable`].
    pub incurable: u32,
    /// [`Kind::BlocksMissing`].
    pub blocks_missing: u32,
    /// [`Kind::MediaLegFailed`].
    pub media_leg_failed: u32,
}

impl KindCounts {
    /// The counts with their kinds, in a fixed order.
    #[must_use]
    pub fn pairs(&self) -> [(Kind, u32); 10] {
        [
            (Kind::NotEnrolled, self.not_enrolled),
            (Kind::HandOverMissed, self.hand_over_missed),
            (Kind::RefreshTokenDead, self.refresh_token_dead),
            (Kind::StationLost, self.station_lost),
            (Kind::PhoneStale, self.phone_stale),
            (Kind::TokenRevokedSocketUp, self.token_revoked_socket_up),
            (Kind::Stubborn, self.stubborn),
            (Kind::Incurable, self.incurable),
            (Kind::BlocksMissing, self.blocks_missing),
            (Kind::MediaLegFailed, self.media_leg_failed),
        ]
    }
    /// How many agents are not healthy.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.pairs().iter().map(|(_, n)| u64::from(*n)).sum()
    }
}

/// The story of one agent's softphone around a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Enrolled, and the page gets every refreshed token: a refresh before the publish is all it needs.
    Healthy,
    /// No refresh token is known: the page's own token is revoked, the socket cut, the client dead; a session reset cures it.
    NotEnrolled,
    /// Enrolled and refreshed, but the page never gets the new token; a session reset cures it.
    HandOverMissed,
    /// Enrolled, but the refresh token answers `invalid_grant`; a session reset cures it.
    RefreshTokenDead,
    /// The publish drops the station's association; re-associating cures it, and some are refused the first time.
    StationLost,
    /// The phone reads OFFLINE after the publish although the socket is up; a reboot cures it.
    PhoneStale,
    /// The publish revokes even a fresh token and keeps the socket; the phone reads UNKNOWN, before and after.
    /// Another refresh with its hand-over cures it.
    TokenRevokedSocketUp,
    /// Not enrolled, and the first session reset has no effect; the second cures it.
    Stubborn,
    /// Nothing cures it, not even a reload by hand.
    Incurable,
    /// As healthy, but reads of the user never carry presence, routing status and conversations.
    BlocksMissing,
    /// The publish makes the media leg fail, and all that can be read looks well: only a push tells, where `legs_pushed`. A new
    /// session cures it. UNCERTAIN on the platform.
    MediaLegFailed,
}

impl Kind {
    /// Whether the organisation's own app holds a refresh token of such an agent.
    #[must_use]
    pub fn enrolled(self) -> bool {
        !matches!(self, Kind::NotEnrolled | Kind::Stubborn)
    }
    /// Whether the organisation's own app can hand a refreshed token to the agent's page.
    #[must_use]
    pub fn gets_hand_over(self) -> bool {
        self.enrolled() && self != Kind::HandOverMissed
    }
}

/// Calls of some agents of a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    /// How many agents have such a call.
    pub agents: u32,
    /// When it starts, drawn between these minutes after the anchor. A call that a grey softphone cannot take is missed.
    pub start_min: [i64; 2],
    /// When it ends, drawn between these minutes after the anchor.
    pub end_min: [i64; 2],
}

/// Lifetimes and rotation of tokens (API.md section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// Lifetime of the publishing client's token, in seconds.
    pub publisher_expires_in_s: i64,
    /// Lifetime of agents' access tokens, in seconds; 300 to 172,800 on the platform, 86,400 by default.
    pub agent_expires_in_s: i64,
    /// Whether a refresh answers with a new refresh token.
    pub rotate_refresh_token: bool,
    /// Whether the old refresh token dies when it was used. UNCERTAIN on the platform.
    pub old_refresh_token_dies: bool,
    /// Whether a refresh revokes the app's earlier access tokens of the agent. UNCERTAIN on the platform.
    pub refresh_revokes_old: bool,
    /// Status of an answer to an unknown client, 400 or 401. UNCERTAIN on the platform.
    pub refused_client_status: u16,
}

/// How many calls the platform takes (API.md section 3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimit {
    /// Calls per token in 60 s, counted from the token's first call; 300 on the platform.
    pub calls_per_minute: u32,
    /// Calls to `/oauth/token` per client in 60 s.
    pub oauth_calls_per_minute: u32,
    /// By how many seconds the `inin-ratelimit-reset` header may be wrong, either way. `Retry-After` is always right.
    pub reset_jitter_s: i64,
    /// Lower limits of single routes, per token.
    pub routes: Vec<RouteLimit>,
}

/// A lower limit for the routes below one path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteLimit {
    /// Paths that start so are meant, e.g. `/api/v2/tokens/`.
    pub path_starts: String,
    /// Calls per token in 60 s.
    pub calls_per_minute: u32,
}

/// How a schedule update goes (API.md section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Publish {
    /// Seconds from the accepted update to its completion.
    pub duration_s: i64,
    /// How an accepted publish ends.
    pub outcome: PublishOutcome,
    /// What happens to an update made from an old version of the schedule. UNCERTAIN on the platform.
    pub stale_version: StaleVersion,
    /// How the update is answered.
    pub answer: UpdateAnswer,
    /// How many updates are answered so, and so late; later ones are answered normally and at once.
    pub answer_times: u32,
    /// Seconds between the update's effect and its answer. The pure twin only notes it in the `x-twin-delay-ms` header.
    pub answer_delay_s: i64,
    /// Whether an upload key may be used again after an accepted update. UNCERTAIN on the platform.
    pub upload_key_reusable: bool,
}

/// How an accepted publish ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublishOutcome {
    /// The schedule is published.
    Applied,
    /// An `Error` event without a reason comes instead, and the schedule stays a draft.
    Error,
}

/// What happens to an update made from an old version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaleVersion {
    /// 409, also while another update of the same version is under way: at most one of them takes effect.
    Conflict,
    /// 409, compared at the POST only: two updates under way at once both take effect.
    ConflictAtPost,
    /// Accepted with 202; then an `Error` event comes.
    ErrorEvent,
    /// Accepted and applied, whatever the version: a forgiving org.
    Accepted,
}

/// How an update is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateAnswer {
    /// 202 with the operation's id.
    Accepted,
    /// 504 although the update was accepted and goes on.
    ErrorThoughAccepted,
    /// 503, and nothing was accepted.
    ErrorNotAccepted,
}

/// What an applied publish does to agents' sessions. Nothing in the public documents says that it does anything
/// (API.md section 5); users report it, and these settings replay their report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Revoke {
    /// Whether an applied publish revokes tokens and cuts sockets at all.
    pub on_publish: bool,
    /// Agents' tokens issued at least so many seconds before the publish was applied are revoked. An assumption: it makes
    /// "older than the publish" concrete, so that sessions refreshed shortly before it survive.
    pub tokens_older_than_s: i64,
    /// Seconds from the application of the publish until agents' sockets are cut.
    pub cut_after_s: i64,
}

/// How softphones, stations and phones behave (SOFTPHONE.md sections 5 and 6, API.md sections 8 to 10).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Softphone {
    /// Seconds until a cut softphone tries again, once (SOFTPHONE.md section 5: 2 s).
    pub reconnect_s: i64,
    /// Seconds until the organisation's own app has handed a refreshed token to the agent's open page.
    pub hand_over_s: i64,
    /// Whether agents' pages hold companions of the client under test: then it is for them to hand a token over, and nothing is
    /// by itself.
    pub companions: bool,
    /// Seconds until a session reset has re-initialised the softphone.
    pub reset_s: i64,
    /// Seconds until a rebooted phone is back.
    pub reboot_s: i64,
    /// Seconds until a station's association, answered with 202, is in force.
    pub station_settle_s: i64,
    /// Seconds for which a station that was just freed refuses an association.
    pub station_freed_s: i64,
    /// Status of that refusal, 409 or 400.
    pub station_refusal_status: u16,
    /// Share of agents with a lost station whose first association is refused.
    pub station_conflict_share: f64,
    /// Whether a phone reads OFFLINE while its softphone's socket is down. UNCERTAIN on the platform.
    pub phone_follows_socket: bool,
    /// Seconds until an agent whose tokens were deleted has logged in again.
    pub login_again_s: i64,
    /// Whether a station stays associated when the agent's tokens are deleted. UNCERTAIN on the platform.
    pub station_survives_token_delete: bool,
    /// Whether a real softphone's line stays between calls (SOFTPHONE.md section 4, `webRtcPersistentEnabled`).
    pub persistent_connection: bool,
    /// Whether stations keep a persistent connection, so that it is pushed what becomes of the media legs of softphones that no
    /// page plays (API.md section 12).
    pub legs_pushed: bool,
    /// How many calls a station takes at once (`webRtcCallAppearances`); with 1, all calls come over one line.
    pub call_appearances: u32,
}

/// The mechanisms that users report (API.md section 13).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reported {
    /// Whether the org answers them; otherwise 404.
    pub offered: bool,
    /// Share of agents whose sessions a publish with `purgeCache` leaves alone.
    pub purge_cache_spares_share: f64,
    /// For how many seconds after its revocation a token can still be exchanged for a new one.
    pub refresh_grace_s: i64,
}

/// What people do by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// Whether an agent with a grey softphone notices and reloads the page by hand.
    pub reload_by_hand: bool,
    /// How many minutes after it matters (the fault or the start of the shift, whichever is later), drawn per agent.
    pub notice_min: [i64; 2],
}

/// What goes wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Share of API calls that are answered 503 and have no effect.
    pub unavailable_share: f64,
    /// Seconds for which everything is answered 503 once one call was.
    pub unavailable_burst_s: i64,
    /// Share of agents whose blocks (presence, routing, conversations) are missing from user reads.
    pub missing_blocks_share: f64,
    /// For how many reads they are missing; 0 means always.
    pub missing_blocks_reads: u32,
    /// Share of agents for whom enumerations carry values that no document names.
    pub unknown_enums_share: f64,
    /// Share of notifications that are lost.
    pub lost_notifications_share: f64,
    /// Share of notifications that come late.
    pub late_notifications_share: f64,
    /// By how many seconds they are late.
    pub late_notifications_s: i64,
    /// Share of notifications that come twice.
    pub doubled_notifications_share: f64,
    /// Whether each topic that is combined into one counts as one of the channel's 1,000. UNCERTAIN on the platform.
    pub topics_counted_singly: bool,
    /// Whether the publisher may not hear of tokens. Which permission that takes is UNCERTAIN on the platform.
    pub token_topics_refused: bool,
    /// Every so many seconds after a channel was opened its socket is announced to close, and closes; 0: it stays open. The
    /// channel stays, and what is pushed until it is connected to again is lost (API.md section 11).
    pub sockets_close_every_s: i64,
    /// So many seconds after an accepted publish, somebody else's update of another draft of the same business unit is
    /// completed, and told; 0: nobody else is at work.
    pub others_update_s: i64,
    /// Whether pages of phones and of all users come in another order at each read, so that in one walk over the pages some
    /// stand on two of them and others on none.
    pub pages_shuffled: bool,
    /// Share of phone reboots that are answered 503.
    pub reboot_unavailable_share: f64,
    /// Share of the agents that a session reset was not about whose softphone it leaves dead: the socket is cut, and the client
    /// gives up. No platform is known to do that; it is what a brake is for.
    pub reset_cuts_others_share: f64,
    /// Share of the agents that a phone reboot was not about whose phone it leaves offline. No platform is known to do that.
    pub reboot_drops_others_share: f64,
    /// Whether agent schedules are given by `downloadUrl` instead of in the answer (API.md section 4).
    pub schedules_by_download: bool,
}

impl Default for Scenario {
    fn default() -> Self {
        Scenario {
            story: "a handful of agents, the published behaviour, nothing breaks".to_owned(),
            withheld_permissions: Vec::new(),
            org: Org::default(),
            cohorts: vec![Cohort::default()],
            tokens: Tokens::default(),
            rate_limit: RateLimit::default(),
            publish: Publish::default(),
            revoke: Revoke::default(),
            softphone: Softphone::default(),
            reported: Reported::default(),
            people: People::default(),
            faults: Faults::default(),
        }
    }
}
impl Default for Org {
    fn default() -> Self {
        Org {
            name: "Northfield Home Supply".to_owned(),
            business_units: vec!["Customer Care".to_owned(), "Customer Care West".to_owned()],
            agents_in: AgentsIn::First,
            management_units: vec!["Service".to_owned(), "Billing".to_owned()],
            time_zone: "America/Chicago".to_owned(),
            start_day_of_week: "Monday".to_owned(),
            drafts: vec!["Approved".to_owned(), "What if: more overtime".to_owned()],
            agents_without_permission: 0,
            trunks_out_of_service: 0,
        }
    }
}
impl Default for Cohort {
    fn default() -> Self {
        Cohort {
            name: "evening".to_owned(),
            agents: 5,
            shift_start_min: 30,
            shift_length_min: 480,
            login_min: [-90, -60],
            kinds: KindCounts::default(),
            calls: Vec::new(),
        }
    }
}
impl Default for Tokens {
    fn default() -> Self {
        Tokens {
            publisher_expires_in_s: 86_400,
            agent_expires_in_s: 86_400,
            rotate_refresh_token: true,
            old_refresh_token_dies: true,
            refresh_revokes_old: false,
            refused_client_status: 401,
        }
    }
}
impl Default for RateLimit {
    fn default() -> Self {
        RateLimit { calls_per_minute: 300, oauth_calls_per_minute: 300, reset_jitter_s: 0, routes: Vec::new() }
    }
}
impl Default for Publish {
    fn default() -> Self {
        Publish {
            duration_s: 25,
            outcome: PublishOutcome::Applied,
            stale_version: StaleVersion::Conflict,
            answer: UpdateAnswer::Accepted,
            answer_times: 1,
            answer_delay_s: 0,
            upload_key_reusable: true,
        }
    }
}
impl Default for Revoke {
    fn default() -> Self {
        Revoke { on_publish: false, tokens_older_than_s: 1_800, cut_after_s: 20 }
    }
}
impl Default for Softphone {
    fn default() -> Self {
        Softphone {
            reconnect_s: 2,
            hand_over_s: 1,
            companions: false,
            reset_s: 6,
            reboot_s: 10,
            station_settle_s: 3,
            station_freed_s: 2,
            station_refusal_status: 409,
            station_conflict_share: 0.5,
            phone_follows_socket: true,
            login_again_s: 60,
            station_survives_token_delete: true,
            persistent_connection: false,
            legs_pushed: false,
            call_appearances: 100,
        }
    }
}
impl Default for Reported {
    fn default() -> Self {
        Reported { offered: false, purge_cache_spares_share: 0.0, refresh_grace_s: 3_600 }
    }
}
impl Default for People {
    fn default() -> Self {
        People { reload_by_hand: false, notice_min: [6, 28] }
    }
}
impl Default for Faults {
    fn default() -> Self {
        Faults {
            unavailable_share: 0.0,
            unavailable_burst_s: 0,
            missing_blocks_share: 0.0,
            missing_blocks_reads: 0,
            unknown_enums_share: 0.0,
            lost_notifications_share: 0.0,
            late_notifications_share: 0.0,
            late_notifications_s: 0,
            doubled_notifications_share: 0.0,
            topics_counted_singly: false,
            token_topics_refused: false,
            sockets_close_every_s: 0,
            others_update_s: 0,
            pages_shuffled: false,
            reboot_unavailable_share: 0.0,
            reset_cuts_others_share: 0.0,
            reboot_drops_others_share: 0.0,
            schedules_by_download: false,
        }
    }
}

/// Why a scenario's text is refused.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It is not TOML, or a field is unknown or of the wrong type; the text names the line.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A value is out of its range.
    #[error("{field}: found {found}, accepted is {accepted}")]
    Value {
        /// The field's path, e.g. `cohorts[0].kinds`.
        field: String,
        /// What was found.
        found: String,
        /// What is accepted.
        accepted: &'static str,
    },
}

/// The scenarios that come with the program: names and files.
const NAMED: [(&str, &str); 5] = [
    ("calm", include_str!("scenarios/calm.toml")),
    ("friday-1600", include_str!("scenarios/friday-1600.toml")),
    ("slow-publish", include_str!("scenarios/slow-publish.toml")),
    ("publish-fails", include_str!("scenarios/publish-fails.toml")),
    ("rate-limited", include_str!("scenarios/rate-limited.toml")),
];

/// The most agents that one twin may have.
const AGENTS_MAX: u64 = 250_000;
/// No duration or offset in a scenario may be longer, in seconds: ten years.
const SECONDS_MAX: i64 = 315_360_000;

impl Scenario {
    /// One of the scenarios that come with the program.
    #[must_use]
    pub fn named(name: &str) -> Option<Scenario> {
        let (_, text) = NAMED.iter().find(|(n, _)| *n == name)?;
        Scenario::from_toml(text).ok()
    }
    /// Names and stories of the scenarios that come with the program.
    #[must_use]
    pub fn names() -> Vec<(&'static str, String)> {
        NAMED
            .iter()
            .map(|(name, text)| (*name, Scenario::from_toml(text).map(|s| s.story).unwrap_or_default()))
            .collect()
    }
    /// Reads a scenario from TOML. What the text leaves out is as in the default, apart from a cohort's own fields.
    ///
    /// # Errors
    /// [`ScenarioError`], with the line for what TOML itself can tell and the field for values out of range.
    pub fn from_toml(text: &str) -> Result<Scenario, ScenarioError> {
        let scenario: Scenario = toml::from_str(text)?;
        scenario.check()?;
        Ok(scenario)
    }
    /// How many agents the scenario has.
    #[must_use]
    pub fn agents(&self) -> u64 {
        self.cohorts.iter().map(|c| u64::from(c.agents)).sum()
    }
    /// Whether every value is in its range.
    ///
    /// # Errors
    /// [`ScenarioError::Value`] for the first that is not.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let wrong = |field: &str, found: String, accepted| {
            Err(ScenarioError::Value { field: field.to_owned(), found, accepted })
        };
        if self.agents() > AGENTS_MAX {
            return wrong("cohorts", format!("{} agents", self.agents()), "at most 250,000 agents in all cohorts");
        }
        for (field, empty) in [
            ("org.business_units", self.org.business_units.is_empty()),
            ("org.management_units", self.org.management_units.is_empty()),
            ("org.drafts", self.org.drafts.is_empty()),
        ] {
            if empty {
                return wrong(field, "an empty list".to_owned(), "at least one name");
            }
        }
        if self.org.time_zone.parse::<chrono_tz::Tz>().is_err() {
            return wrong("org.time_zone", self.org.time_zone.clone(), "an IANA time zone such as America/Chicago");
        }
        if self.org.start_day_of_week.parse::<chrono::Weekday>().is_err() {
            return wrong("org.start_day_of_week", self.org.start_day_of_week.clone(), "a day such as Monday");
        }
        for (field, share) in self.shares() {
            if !(0.0..=1.0).contains(&share) {
                return wrong(field, share.to_string(), "a share from 0 to 1");
            }
        }
        for (field, seconds) in self.durations_s() {
            if !(0..=SECONDS_MAX).contains(&seconds) {
                return wrong(field, seconds.to_string(), "seconds from 0 to ten years");
            }
        }
        for (field, limit) in [
            ("rate_limit.calls_per_minute", self.rate_limit.calls_per_minute),
            ("rate_limit.oauth_calls_per_minute", self.rate_limit.oauth_calls_per_minute),
        ] {
            if limit == 0 {
                return wrong(field, "0".to_owned(), "at least 1");
            }
        }
        for (field, status) in [
            ("softphone.station_refusal_status", self.softphone.station_refusal_status),
            ("tokens.refused_client_status", self.tokens.refused_client_status),
        ] {
            if !(400..=499).contains(&status) {
                return wrong(field, status.to_string(), "a status from 400 to 499");
            }
        }
        check_range("people.notice_min", self.people.notice_min)?;
        self.cohorts.iter().enumerate().try_for_each(|(i, cohort)| cohort.check(i))
    }
    fn shares(&self) -> [(&'static str, f64); 11] {
        [
            ("softphone.station_conflict_share", self.softphone.station_conflict_share),
            ("reported.purge_cache_spares_share", self.reported.purge_cache_spares_share),
            ("faults.unavailable_share", self.faults.unavailable_share),
            ("faults.missing_blocks_share", self.faults.missing_blocks_share),
            ("faults.unknown_enums_share", self.faults.unknown_enums_share),
            ("faults.lost_notifications_share", self.faults.lost_notifications_share),
            ("faults.late_notifications_share", self.faults.late_notifications_share),
            ("faults.doubled_notifications_share", self.faults.doubled_notifications_share),
            ("faults.reboot_unavailable_share", self.faults.reboot_unavailable_share),
            ("faults.reset_cuts_others_share", self.faults.reset_cuts_others_share),
            ("faults.reboot_drops_others_share", self.faults.reboot_drops_others_share),
        ]
    }
    fn durations_s(&self) -> [(&'static str, i64); 19] {
        let (phone, publish) = (&self.softphone, &self.publish);
        [
            ("tokens.publisher_expires_in_s", self.tokens.publisher_expires_in_s),
            ("tokens.agent_expires_in_s", self.tokens.agent_expires_in_s),
            ("rate_limit.reset_jitter_s", self.rate_limit.reset_jitter_s),
            ("publish.duration_s", publish.duration_s),
            ("publish.answer_delay_s", publish.answer_delay_s),
            ("revoke.tokens_older_than_s", self.revoke.tokens_older_than_s),
            ("revoke.cut_after_s", self.revoke.cut_after_s),
            ("softphone.reconnect_s", phone.reconnect_s),
            ("softphone.hand_over_s", phone.hand_over_s),
            ("softphone.reset_s", phone.reset_s),
            ("softphone.reboot_s", phone.reboot_s),
            ("softphone.station_settle_s", phone.station_settle_s),
            ("softphone.station_freed_s", phone.station_freed_s),
            ("softphone.login_again_s", phone.login_again_s),
            ("reported.refresh_grace_s", self.reported.refresh_grace_s),
            ("faults.unavailable_burst_s", self.faults.unavailable_burst_s),
            ("faults.late_notifications_s", self.faults.late_notifications_s),
            ("faults.sockets_close_every_s", self.faults.sockets_close_every_s),
            ("faults.others_update_s", self.faults.others_update_s),
        ]
    }
}

impl Cohort {
    fn check(&self, index: usize) -> Result<(), ScenarioError> {
        let wrong = |field: &str, found: String, accepted| {
            Err(ScenarioError::Value { field: format!("cohorts[{index}].{field}"), found, accepted })
        };
        if self.kinds.total() > u64::from(self.agents) {
            return wrong("kinds", format!("{} in all", self.kinds.total()), "no more than the cohort has agents");
        }
        let callers: u64 = self.calls.iter().map(|c| u64::from(c.agents)).sum();
        if callers > u64::from(self.agents) {
            return wrong("calls", format!("{callers} in all"), "no more than the cohort has agents");
        }
        if !(1..=1_440).contains(&self.shift_length_min) {
            return wrong("shift_length_min", self.shift_length_min.to_string(), "minutes from 1 to 1440");
        }
        if self.shift_start_min.abs() > SECONDS_MAX / 60 {
            return wrong("shift_start_min", self.shift_start_min.to_string(), "minutes within ten years");
        }
        check_range(&format!("cohorts[{index}].login_min"), self.login_min)?;
        for (i, calls) in self.calls.iter().enumerate() {
            check_range(&format!("cohorts[{index}].calls[{i}].start_min"), calls.start_min)?;
            check_range(&format!("cohorts[{index}].calls[{i}].end_min"), calls.end_min)?;
        }
        Ok(())
    }
}

fn check_range(field: &str, range: [i64; 2]) -> Result<(), ScenarioError> {
    let within = |minutes: i64| minutes.checked_abs().is_some_and(|m| m <= SECONDS_MAX / 60);
    if range[0] <= range[1] && within(range[0]) && within(range[1]) {
        return Ok(());
    }
    let accepted = "two minutes, the earlier first, within ten years";
    Err(ScenarioError::Value { field: field.to_owned(), found: format!("{range:?}"), accepted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_that_comes_with_the_program_reads() {
        for (name, text) in NAMED {
            let scenario = Scenario::from_toml(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(!scenario.story.contains('\n') && scenario.story.len() > 20, "{name} tells its story in one line");
        }
        assert!(Scenario::named("no-such").is_none());
        assert_eq!(Scenario::names().len(), NAMED.len());
    }

    #[test]
    fn friday_has_the_cohorts_that_its_story_tells_of() {
        let friday = Scenario::named("friday-1600").unwrap();
        assert_eq!(friday.agents(), 600);
        let unenrolled: u32 = friday.cohorts.iter().map(|c| c.kinds.not_enrolled + c.kinds.stubborn).sum();
        assert_eq!(600 - unenrolled, 430);
        let evening: u32 = friday.cohorts.iter().filter(|c| c.shift_start_min == 30).map(|c| c.agents).sum();
        assert_eq!(evening, 240);
        for at in 0..9 {
            let (kind, n) =
                friday.cohorts.iter().map(|c| c.kinds.pairs()[at]).fold((Kind::Healthy, 0), |a, b| (b.0, a.1 + b.1));
            assert!(n > 0, "{kind:?} occurs");
        }
        let incurable: u32 = friday.cohorts.iter().map(|c| c.kinds.incurable).sum();
        assert!((1..=3).contains(&incurable));
    }

    #[test]
    fn errors_name_the_line_or_the_field() {
        let text = Scenario::from_toml("story = 'x'\nstroy = 1\n").unwrap_err().to_string();
        assert!(text.contains("line 2") && text.contains("stroy"), "{text}");
        let text =
            Scenario::from_toml("[[cohorts]]\nagents = 1\n[cohorts.kinds]\nstubborn = 2\n").unwrap_err().to_string();
        assert!(text.starts_with("cohorts[0].kinds"), "{text}");
        let text = Scenario::from_toml("[faults]\nunavailable_share = 1.5\n").unwrap_err().to_string();
        assert!(text.contains("faults.unavailable_share"), "{text}");
        assert!(Scenario::from_toml("[people]\nnotice_min = [9, 3]").is_err());
        assert!(Scenario::from_toml("[org]\ntime_zone = 'Mars'").is_err());
    }
}
