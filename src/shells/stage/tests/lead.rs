//! Lead times against the twin's own limits: computed, refused with the right numbers, learnt, and shared.

use super::*;
use crate::hands::journal::Holder;
use crate::law::lead::{Known, RefreshLead, Why};
use crate::shells::stage::timetable::LimitFrom;
use crate::twin::scenario::Cohort;
use crate::words::id::{RunId, Seat};

/// 45 agents, all of them enrolled, and 30 refreshes a minute at the login host.
fn slow_login() -> Scenario {
    let mut scenario = Scenario { cohorts: vec![Cohort { agents: 45, ..Cohort::default() }], ..Scenario::default() };
    scenario.rate_limit.oauth_calls_per_minute = 30;
    scenario
}

fn auto(request: &mut StageRequest) {
    request.lead.refresh_lead = RefreshLead::Auto;
}

/// The same under another name.
fn another(request: &mut StageRequest) {
    auto(request);
    request.seed = Seed(99);
    request.schedule = Some("What if: more overtime".to_owned());
}

fn explained(timetable: &Timetable) -> String {
    let lines = explain(timetable, chrono_tz::Tz::America__Chicago);
    for line in &lines {
        assert!(line.chars().count() <= 80, "{line}");
    }
    // Lines are broken at spaces only.
    lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_lead_is_computed_from_the_orgs_own_limit() {
    let bench = Bench::enrolled(slow_login()).await;
    let staged = bench.stage(auto).await.unwrap();
    let lead = &staged.timetable.lead;
    assert_eq!((lead.grounds.work.refreshes, lead.grounds.refresh_budget.calls_in_a_window()), (45, Some(27)));
    assert_eq!((staged.timetable.refresh_limit, staged.timetable.check_limit), (LimitFrom::Org, LimitFrom::Org));
    // 27 leave at once in two waves, the other 18 a minute after the first were answered, in two waves again.
    assert_eq!(lead.refresh_ms, 62_000 + 2_000 + 2_000);
    assert_eq!(staged.plan.timing.refresh_lead_ms, 60_000 + 66_000 + 300_000);
    assert_eq!(staged.plan.refresh_at(), lead.refresh_from);
    assert_eq!(staged.warnings, Vec::<String>::new());
    let table = explained(&staged.timetable);
    for part in
        ["30 a minute", "27 a minute", "1 min 6 s", "7 min 6 s", "2 h 8 min", "Fri 15:52:54 T-7 min 6 s", "● publish"]
    {
        assert!(table.contains(part), "{part}:\n{table}");
    }
}

#[tokio::test]
async fn a_window_that_cannot_hold_the_refreshes_is_refused_with_the_right_numbers() {
    let bench = Bench::enrolled(slow_login()).await;
    let two_minutes = |r: &mut StageRequest| r.timing.refresh_lead_ms = 120_000;
    let (said, hint) = bench.refused(two_minutes).await;
    assert_eq!(
        said,
        "45 token refreshes at 27 a minute take 1 min 6 s, and the refresh lead of 2 min leaves 1 min before the last look"
    );
    for part in
        ["or \"7min 6s\" with a margin of 5 min", "27 of the 45 fit", "49 calls a minute or more", "oauth_refresh"]
    {
        assert!(hint.contains(part), "{part}: {hint}");
    }
    match bench.stage(two_minutes).await.unwrap_err() {
        Refusal::TooTight { tight, timetable } => {
            assert_eq!((tight.why, tight.needed_ms(), tight.there_ms()), (Why::LeadTooShort, 66_000, 60_000));
            let table = explained(&timetable);
            assert!(table.contains("missing") && table.contains("6 s"), "{table}");
        }
        other => panic!("{other}"),
    }
    // A second more than the work needs is accepted, with a word about the margin.
    let staged = bench.stage(|r| r.timing.refresh_lead_ms = 127_000).await.unwrap();
    assert_eq!(staged.warnings, ["the refresh has 1 s to spare, and not the margin of 5 min"]);
}

#[tokio::test]
async fn without_the_mechanism_or_without_enrolled_agents_nothing_is_too_tight() {
    let bench = Bench::enrolled(slow_login()).await;
    let staged = bench
        .stage(|r| {
            r.timing.refresh_lead_ms = 61_000;
            r.mechanisms.oauth_refresh = false;
        })
        .await
        .unwrap();
    assert_eq!(staged.timetable.lead.grounds.work.refreshes, 0);
    let nobody = Bench { vault: None, journal: MemoryJournal::new(), ..bench };
    let staged = nobody.stage(|r| (r.timing.refresh_lead_ms, r.seed) = (61_000, Seed(99))).await.unwrap();
    assert_eq!(staged.timetable.lead.refresh_ms, 0);
}

#[tokio::test]
async fn earlier_runs_teach_and_those_to_come_share() {
    let mut bench = Bench::enrolled(slow_login()).await;
    let first = bench.stage(auto).await.unwrap();
    let t = first.plan.publish_at;
    bench.history = History::read(&bench.journal).await.unwrap();

    // The first is still to come, at the same instant: half of the budget each.
    let second = bench.stage(another).await.unwrap();
    let lead = &second.timetable.lead;
    assert_eq!(second.timetable.sharing, std::slice::from_ref(&first.run).to_vec());
    assert_eq!(lead.grounds.refresh_budget.calls_in_a_window(), Some(13));
    assert_eq!(lead.refresh_ms, 3 * 62_000 + 2_000);
    assert!(second.warnings[0].contains(first.run.as_str()), "{:?}", second.warnings);
    // The same schedule twice would be one publish too many.
    let twice = bench.stage(|r| (r.seed, r.timing.refresh_lead_ms) = (Seed(98), 900_000)).await.unwrap_err();
    assert!(matches!(&twice, Refusal::StagedAlready { run, .. } if *run == first.run), "{twice}");
    assert_eq!(twice.kind(), RefusalKind::Safety);
    // It is explained all the same, with the budget that it had.
    let weighed = bench.weigh(auto).await.unwrap();
    assert_eq!(weighed.timetable.lead.refresh_lead_ms(), first.timetable.lead.refresh_lead_ms());
    assert!(weighed.timetable.sharing.is_empty(), "{:?}", weighed.timetable.sharing);
    assert!(weighed.warnings.iter().any(|told| told.contains(first.run.as_str())), "{:?}", weighed.warnings);
    assert!(explained(&second.timetable).contains("shared by 2 runs"));

    // Then it happened: the publish took ten minutes, and tokens turned out to live three hours.
    let happened = [
        (t - 300_000, Event::TokenRefreshed { seat: Seat(0), expires_at: t - 300_000 + 10_800_000 }),
        (t, Event::PublishClaimed { attempt: 1, late_ms: 0 }),
        (t + 600_000, Event::PublishConfirmed { version: 8 }),
        (t + 900_000, Event::Settled { tally: Default::default() }),
    ];
    for (seq, (at, event)) in (1..).zip(happened) {
        let lease = bench.journal.lead(&first.run, &Holder::nobody(), 60_000).await.unwrap().unwrap();
        bench.journal.append(&lease, seq, at, &[event], None).await.unwrap();
    }
    bench.journal = only(&bench.journal, &first.run).await;
    bench.history = History::read(&bench.journal).await.unwrap();
    let third = bench.stage(another).await.unwrap();
    let lead = &third.timetable.lead;
    assert_eq!(lead.grounds.publish_expected, Known { ms: 600_000, from_runs: 1 });
    assert_eq!(lead.grounds.token_life, Known { ms: 10_800_000, from_runs: 1 });
    assert_eq!(lead.grounds.refresh_budget.share, 1, "what is over shares nothing");
    assert!(explained(&third.timetable).contains("the longest of the last run"));
}

/// A journal with one of the runs.
async fn only(journal: &MemoryJournal, run: &RunId) -> MemoryJournal {
    let copy = MemoryJournal::default();
    let records = journal.load::<Event>(run).await.unwrap();
    copy.begin(run, records[0].at, &[records[0].event.clone()]).await.unwrap();
    let lease = copy.lead(run, &Holder::nobody(), 60_000).await.unwrap().unwrap();
    for record in records.into_iter().skip(1) {
        copy.append(&lease, record.seq - 1, record.at, &[record.event], None).await.unwrap();
    }
    copy
}

#[tokio::test]
async fn a_run_that_cannot_be_read_is_a_warning() {
    let mut bench = Bench::with(Scenario::default()).await;
    let strange = RunId::new("strange").unwrap();
    let event = serde_json::json!({ "event": "from another time" });
    bench.journal.begin(&strange, Timestamp(0), &[event]).await.unwrap();
    bench.history = History::read(&bench.journal).await.unwrap();
    let staged = bench.stage(auto).await.unwrap();
    assert!(
        staged.warnings[0].starts_with("nothing is learnt from run strange, which cannot be read"),
        "{:?}",
        staged.warnings
    );
}
