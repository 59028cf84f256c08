//! Staging against the twin over loopback HTTP: what is pinned, and that each refusal names what is wrong.

mod lead;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tokio::net::TcpListener;

use super::*;
use crate::hands::genesys::{Client, Org, Wire};
use crate::hands::hook::{HookLimits, Hooks};
use crate::hands::journal::{Journal, MemoryJournal};
use crate::hands::testing::Folder;
use crate::hands::vault::{Taken, Vault, new_key};
use crate::law::event::Event;
use crate::law::run::Run;
use crate::shells::rehearse::setting::{Setting, org_settings};
use crate::twin::serve::{Options, Served};
use crate::twin::{Scenario, Twin};
use crate::words::clock::{Clock, Seed, Timestamp};
use crate::words::id::WeekDate;
use crate::words::secret::Grant;

/// A twin behind a socket, a client for it, and a journal.
struct Bench {
    setting: Setting,
    client: Client,
    journal: MemoryJournal,
    clock: Clock,
    hooks: PathBuf,
    history: History,
    vault: Option<(Vault, Folder)>,
}

impl Bench {
    async fn with(scenario: Scenario) -> Bench {
        let monday = Timestamp::parse_rfc3339("2026-11-23T12:00:00Z").unwrap();
        let setting = Setting::friday(scenario, Seed(7), None, monday).unwrap();
        let clock = Clock::scaled(monday, 1.0);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let twin = Twin::new(setting.scenario.clone(), Seed(7), setting.publish_at, &url);
        let served = Served::new(twin, clock, Options::default());
        tokio::spawn(served.run(listener, std::future::pending()));
        let client = Client::new(Org::new(org_settings(&url).unwrap()), Wire::new(clock).unwrap(), clock);
        let (journal, history) = (MemoryJournal::default(), History::default());
        Bench { setting, client, journal, clock, hooks: PathBuf::from("/no-such-folder"), history, vault: None }
    }
    /// The same with every agent enrolled whose refresh token the twin knows.
    async fn enrolled(scenario: Scenario) -> Bench {
        let bench = Bench::with(scenario).await;
        let twin = Twin::new(bench.setting.scenario.clone(), Seed(7), bench.setting.publish_at, "http://127.0.0.1:9");
        let folder = Folder::new();
        let vault = Vault::open(&folder.join("vault.db"), &new_key().unwrap()).await.unwrap();
        let grant = |refresh_token| Grant { refresh_token, access_token: None };
        let enrolments: Vec<_> =
            twin.enrolments().into_iter().map(|(a, name, token)| (a, name, grant(token))).collect();
        vault.import(&enrolments).await.unwrap();
        Bench { vault: Some((vault, folder)), ..bench }
    }
    async fn stage(&self, change: impl FnOnce(&mut StageRequest)) -> Result<Staged, Refusal> {
        let mut request = self.setting.request();
        change(&mut request);
        let hooks = Hooks::new(self.hooks.clone(), HookLimits::default());
        let vault = self.vault.as_ref().map(|(vault, _)| vault);
        let tools = Tools { client: &self.client, vault, hooks: &hooks, history: &self.history };
        stage(&request, &tools, self.clock.now()).await?.record(&self.journal).await
    }
    async fn weigh(&self, change: impl FnOnce(&mut StageRequest)) -> Result<Weighed, Refusal> {
        let mut request = self.setting.request();
        change(&mut request);
        let hooks = Hooks::new(self.hooks.clone(), HookLimits::default());
        let vault = self.vault.as_ref().map(|(vault, _)| vault);
        let tools = Tools { client: &self.client, vault, hooks: &hooks, history: &self.history };
        weigh(&request, &tools, self.clock.now()).await
    }
    /// What refused; and that nothing was recorded.
    async fn refused(&self, change: impl FnOnce(&mut StageRequest)) -> (String, String) {
        let refusal = self.stage(change).await.expect_err("it must be refused");
        assert!(self.journal.runs().await.unwrap().is_empty(), "something was recorded");
        (refusal.to_string(), refusal.hint().unwrap_or_default())
    }
}

#[tokio::test]
async fn a_staged_run_pins_the_schedule_and_its_agents_in_its_first_event() {
    let bench = Bench::with(Scenario::named("calm").unwrap()).await;
    let staged = bench.stage(|_| {}).await.unwrap();
    let plan = &staged.plan;
    assert_eq!((plan.business_unit.name.as_str(), plan.schedule.description.as_str()), ("Customer Care", "Approved"));
    assert_eq!((plan.schedule.version, plan.roster.len()), (7, 40));
    assert_eq!(plan.week, WeekDate::new("2026-11-30").unwrap());
    assert!(plan.roster.iter().all(|m| m.shift_start.is_some() && m.name.contains(' ') && !m.enrolled));
    assert!(staged.run.as_str().starts_with("20261127-1600-customer-care-"), "{}", staged.run);
    assert_eq!(staged.warnings, Vec::<String>::new());

    let stored = bench.journal.load::<Event>(&staged.run).await.unwrap();
    assert_eq!(
        stored.iter().map(|r| &r.event).collect::<Vec<_>>(),
        staged.records.iter().map(|r| &r.event).collect::<Vec<_>>()
    );
    assert_eq!(*Run::replay(&staged.records).unwrap().plan, **plan);

    let said = echo(&staged.run, plan, &staged.timetable, &staged.warnings, bench.clock.now()).join("\n");
    assert!(said.starts_with("Friday 27 Nov 2026 16:00 CST, America/Chicago, UTC-6; in 4 d "), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
}

#[tokio::test]
async fn names_that_are_wrong_or_not_enough_list_what_there_is() {
    let bench = Bench::with(Scenario::named("calm").unwrap()).await;
    let (said, hint) = bench.refused(|r| r.business_unit = "Customer".to_owned()).await;
    assert!(said.contains("could mean 2 business units") && hint.contains("Customer Care West"), "{said} {hint}");
    let (said, hint) = bench.refused(|r| r.business_unit = "Sales".to_owned()).await;
    assert!(said.contains("no business unit \"Sales\"") && hint.contains("Customer Care ("), "{said} {hint}");
    let (said, hint) = bench.refused(|r| r.schedule = None).await;
    assert!(said.contains("could mean 2 schedules") && hint.contains("\"Approved\", version 7"), "{said} {hint}");
    let (said, hint) = bench.refused(|r| r.schedule = Some("Final".to_owned())).await;
    assert!(said.contains("no schedule \"Final\"") && hint.contains("version 7"), "{said} {hint}");
    let tuesday = WeekChoice::Of(WeekDate::new("2026-12-01").unwrap());
    let (said, hint) = bench.refused(|r| r.week = tuesday).await;
    assert!(said.contains("begin on a Monday") && hint.contains("2026-11-30"), "{said} {hint}");
    let later = WeekChoice::Of(WeekDate::new("2027-03-01").unwrap());
    let (said, _) = bench.refused(|r| r.week = later).await;
    assert!(said.contains("has no schedule for the week of 2027-03-01"), "{said}");
}

#[tokio::test]
async fn an_only_draft_needs_no_name() {
    let mut scenario = Scenario::default();
    scenario.org.drafts.truncate(1);
    let bench = Bench::with(scenario).await;
    assert_eq!(bench.stage(|r| r.schedule = None).await.unwrap().plan.schedule.description, "Approved");
}

#[tokio::test]
async fn what_is_published_or_past_is_refused_for_safety() {
    let bench = Bench::with(Scenario::default()).await;
    let this_week = WeekChoice::Of(WeekDate::new("2026-11-23").unwrap());
    let refusal = bench.stage(|r| (r.week, r.schedule) = (this_week, None)).await.unwrap_err();
    assert!(matches!(refusal, Refusal::AlreadyPublished { .. }), "{refusal}");
    assert_eq!(refusal.kind(), RefusalKind::Safety);
    let now = bench.clock.now();
    let refusal = bench.stage(|r| r.publish_at.at = now - 1).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Past(_)), "{refusal}");
}

#[tokio::test]
async fn a_missing_permission_is_named_and_refuses_only_what_cannot_be_done_without() {
    let withheld =
        |permission: &str| Scenario { withheld_permissions: vec![permission.to_owned()], ..Scenario::default() };
    let (said, _) = Bench::with(withheld("wfm:schedule:edit")).await.refused(|_| {}).await;
    assert!(said.contains("wfm:schedule:edit is missing"), "{said}");
    let staged = Bench::with(withheld("telephony:plugin:all")).await.stage(|_| {}).await.unwrap();
    assert!(staged.warnings.iter().any(|w| w.contains("telephony:plugin:all")), "{:?}", staged.warnings);
}

#[tokio::test]
async fn a_pre_stage_hook_vetoes_with_its_own_words() {
    let mut bench = Bench::with(Scenario::default()).await;
    let dir = std::env::temp_dir().join(format!("softlanding-stage-{}", std::process::id()));
    let hook = dir.join("pre-stage.d/10-board");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho not before the board has met\nexit 3\n").unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    bench.hooks.clone_from(&dir);
    let (said, _) = bench.refused(|_| {}).await;
    assert_eq!(said, "the pre-stage hook 10-board says no: not before the board has met");
    std::fs::write(&hook, "#!/bin/sh\nexit 0\n").unwrap();
    let staged = bench.stage(|_| {}).await.unwrap();
    assert_eq!(staged.records.len(), 2, "the hook's run is recorded after the plan");
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test]
async fn wrong_credentials_and_a_silent_host_are_told_apart() {
    let bench = Bench::with(Scenario::default()).await;
    let mut settings = bench.client.org().settings.clone();
    settings.client_id = "stranger".to_owned();
    let stranger =
        Bench { client: Client::new(Org::new(settings), Wire::new(bench.clock).unwrap(), bench.clock), ..bench };
    let (_, hint) = stranger.refused(|_| {}).await;
    assert!(hint.contains("org.client_secret"), "{hint}");
    let nobody = org_settings("http://127.0.0.1:1").unwrap();
    let silent =
        Bench { client: Client::new(Org::new(nobody), Wire::new(stranger.clock).unwrap(), stranger.clock), ..stranger };
    let (_, hint) = silent.refused(|_| {}).await;
    assert!(hint.contains("network"), "{hint}");
}

#[tokio::test]
async fn of_two_who_stage_the_same_schedule_at_once_the_second_gives_way() {
    let bench = Bench::with(Scenario::default()).await;
    let first = bench.stage(|_| {}).await.unwrap();
    // What it knows of the journal is from before the first was there.
    let second = bench.stage(|r| r.seed = Seed(99)).await;
    assert!(matches!(&second, Err(Refusal::StagedAlready { run, .. }) if *run == first.run), "{second:?}");
    let runs = bench.journal.runs().await.unwrap();
    assert_eq!(runs.iter().map(|summary| &summary.run).collect::<Vec<_>>(), [&first.run]);
}

#[tokio::test]
async fn whose_refresh_token_is_dead_is_not_counted_as_enrolled_and_is_told() {
    let bench = Bench::enrolled(Scenario::named("calm").unwrap()).await;
    let (vault, _) = bench.vault.as_ref().unwrap();
    let enrolled = vault.agents().await.unwrap();
    let Taken::Yours(spending) = vault.take(&enrolled[0].agent).await.unwrap() else { panic!("nobody else has it") };
    vault.mark_dead(&spending, "invalid_grant").await.unwrap();
    let staged = bench.stage(|_| {}).await.unwrap();
    let covered: Vec<_> = staged.plan.roster.iter().filter(|m| m.enrolled).map(|m| &m.agent).collect();
    assert_eq!(covered.len(), enrolled.len() - 1);
    assert!(!covered.contains(&&enrolled[0].agent));
    let told = staged.warnings.iter().find(|w| w.starts_with("1 agent must sign in again")).expect("a warning");
    assert!(told.contains(&enrolled[0].name), "{told}");
    let said = echo(&staged.run, &staged.plan, &staged.timetable, &staged.warnings, bench.clock.now()).join("\n");
    assert!(said.contains("must sign in again") && said.lines().all(|line| line.chars().count() <= 80), "{said}");
}
