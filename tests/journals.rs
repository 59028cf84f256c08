//! Old journals for ever: one journal per version of the events is kept in `tests/journals/` and folded by today's law.
//!
//! Must never: be regenerated to make a test pass. A journal that no longer folds is a run that somebody has lost.

use softlanding::law::audit::Auditor;
use softlanding::law::event::{Event, Phase, Record, Wait};
use softlanding::law::plan::{Policy, StagedBy};
use softlanding::law::run::{Approved, Brake, Held, Lateness, Run};
use softlanding::law::verdict::{Rung, Verdict};
use softlanding::shells::report::Story;

fn journal(text: &str) -> Vec<Record> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn a_journal_of_version_1_folds_to_the_run_that_wrote_it() {
    let records = journal(include_str!("journals/v1.jsonl"));
    let run = Run::replay(&records).unwrap();
    assert_eq!(run.phase, Phase::Settled);
    assert!(run.is_over());
    assert_eq!(run.claims, 1);
    let tally = run.tally();
    let recorded = records.iter().find_map(|r| match &r.event {
        Event::Settled { tally } => Some(*tally),
        _ => None,
    });
    assert_eq!(recorded, Some(tally));
    assert_eq!((tally.total(), tally.stragglers, tally.unknown), (20, 1, 1));
    let recovered = |rung| run.agents.iter().filter(|a| a.verdict == Some(Verdict::Recovered { by: rung })).count();
    assert!(
        [Rung::TokenRefresh, Rung::SessionReset, Rung::Reassociate, Rung::RebootPhone]
            .into_iter()
            .all(|r| recovered(r) > 0)
    );
}

#[test]
fn a_journal_of_version_1_keeps_every_rule_and_still_tells_its_story() {
    let records = journal(include_str!("journals/v1.jsonl"));
    Auditor::check(&records).unwrap();
    assert_eq!(Story::of(&records).agents.len(), 20);
}

#[test]
fn a_journal_of_version_2_folds_to_the_run_that_wrote_it_with_what_people_decided() {
    let records = journal(include_str!("journals/v2.jsonl"));
    Auditor::check(&records).unwrap();
    let run = Run::replay(&records).unwrap();
    assert_eq!((run.phase, run.is_over(), run.claims), (Phase::Settled, true, 1));
    assert_eq!((run.approved, run.held, run.brake), (Approved::Yes, Held::No, Brake::Overruled));
    assert_eq!((run.waited, run.late, run.orders.len()), (Some(Wait::Resume), Lateness::Late, 6));
    assert_eq!((run.tally().recovered, run.tally().total()), (11, 20));
    let story = Story::of(&records);
    let told: Vec<&str> = story.control.items.iter().map(|(_, words)| words.as_ref()).collect();
    assert!(told.contains(&"held by bo@noc: change freeze"), "{told:?}");
}

#[test]
fn a_journal_of_version_3_folds_to_the_run_that_wrote_it_with_whom_somebody_wanted_tried_again() {
    let records = journal(include_str!("journals/v3.jsonl"));
    Auditor::check(&records).unwrap();
    let run = Run::replay(&records).unwrap();
    assert_eq!((run.phase, run.is_over(), run.claims, run.orders.len()), (Phase::Settled, true, 1, 2));
    assert_eq!((run.spent.calls.total(), run.spent.calls.single, run.spent.refused), (284, 61, 0));
    let story = Story::of(&records);
    let told: Vec<&str> = story.control.items.iter().map(|(_, words)| words.as_ref()).collect();
    assert_eq!(told.first(), Some(&"re-tried Jamal Jensen by sue@floor: he has restarted his browser"), "{told:?}");
    assert!(told.iter().any(|line| line.starts_with("retry Grace Garcia by sue@floor came to nothing")), "{told:?}");
    let (_, _, jamal) = story.everyone().find(|(_, member, _)| member.name == "Jamal Jensen").unwrap();
    assert!(jamal.rungs_tried().any(|(_, times)| times > 2), "{}", jamal.tried_words());
}

/// Reading and writing an old journal changes nothing: what this build writes, an old one has written the same way.
#[test]
fn a_journal_is_written_as_it_was_read() {
    let all = [include_str!("journals/v1.jsonl"), include_str!("journals/v2.jsonl"), include_str!("journals/v3.jsonl")];
    for text in all {
        for (line, record) in text.lines().zip(journal(text)) {
            let read: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_value(&record).unwrap(), read);
        }
    }
}

/// What was pushed has more to tell of by now; what an older build wrote of it reads and is written as it was.
#[test]
fn what_was_pushed_before_there_was_more_to_push_is_written_as_it_was_read() {
    let old = serde_json::json!({ "seq": 9, "at": 5, "event": "pushed", "since": 4, "disassociated": [1, 3] });
    let record: Record = serde_json::from_value(old.clone()).unwrap();
    let Event::Pushed { tokens, legs, unheard, .. } = &record.event else { panic!("{record:?}") };
    assert!(tokens.is_empty() && legs.is_empty() && unheard.is_none());
    assert_eq!(serde_json::to_value(&record).unwrap(), old);
}

/// Who staged a run is told where it is known; a plan from before that was kept is written as it was read.
#[test]
fn who_staged_a_run_is_told_where_it_is_known() {
    let mut records = journal(include_str!("journals/v3.jsonl"));
    assert!(Story::of(&records).control.items.iter().all(|(_, words)| !words.contains("staged by")));
    let Event::Staged { plan } = &mut records[0].event else { panic!("no plan") };
    let by = StagedBy { who: "ann (ann@example.com)".to_owned(), why: Some("planned\nanew".to_owned()) };
    plan.policy = Policy { staged_by: Some(by), ..Policy::default() };
    let read: Record = serde_json::from_value(serde_json::to_value(&records[0]).unwrap()).unwrap();
    assert_eq!(read, records[0]);
    let (_, told) = &Story::of(&records).control.items[0];
    assert_eq!(told.as_ref(), "staged by ann (ann@example.com): planned anew");
}

/// What a remedy's refusal says of its rung is told apart by now; what an older build wrote of one blames nobody, as it did then.
#[test]
fn a_refusal_from_before_it_was_told_apart_counts_against_no_rung() {
    let old = serde_json::json!({
        "seq": 9, "at": 5, "event": "remedy_failed", "rung": "companion", "seats": [1, 3],
        "failure": { "kind": "local", "message": "failed: refused" },
    });
    let record: Record = serde_json::from_value(old.clone()).unwrap();
    assert_eq!(serde_json::to_value(&record).unwrap(), old);
    let staged = journal(include_str!("journals/v3.jsonl")).remove(0);
    let mut run = Run::replay(&[staged]).unwrap();
    run.apply(record.at, &record.event);
    assert_eq!(run.scores[Rung::Companion.index()].failed, 0);
}
