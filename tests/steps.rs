//! `softlanding step` under somebody else's engine: each verb may come too early, twice, out of order, from two sides at once,
//! and may be killed in the middle; its code and its document say how it stands, and the publish happens once.

mod support;

use serde_json::Value;
use softlanding::hands::journal::{Journal, SqliteJournal};
use softlanding::law::event::{Event, Record};
use softlanding::words::clock::Timestamp;
use softlanding::words::id::RunId;
use support::process::{Bench, Talking, patiently, softlanding};

const REPEAT: &str = "to repeat: ./tests/run --test steps";
/// Twin seconds per second.
const SPEED: u32 = 30;
const RUN: &str = "care-2026-w48";

/// 12 agents, of whom two need help; a forgiving org, so that a publish sent twice counts twice.
const SCENARIO: &str = r#"
story = "steps: whatever is sent is applied"
[publish]
duration_s = 20
stale_version = "accepted"
upload_key_reusable = true
[revoke]
on_publish = true
[reported]
offered = true
[[cohorts]]
agents = 12
[cohorts.kinds]
not_enrolled = 2
"#;

/// The same org, which answers a publish with an error and does not carry it out.
const DOUBT: &str = r#"
story = "steps: nobody can tell whether the publish took effect"
[publish]
duration_s = 5
outcome = "error"
answer = "error_though_accepted"
[[cohorts]]
agents = 4
"#;

async fn bench(name: &str, scenario: &str, before: &str, entry: &str) -> Bench {
    let bench = Bench::open_before(name, scenario, SPEED, before).await;
    bench.configure("refresh_lead = \"12min\"", "refresh_lead = \"2min\"\npublish_window = \"30s\"");
    bench.configure("prepare_lead = \"1min\"", "prepare_lead = \"30s\"");
    let entries = format!(
        "[[publish]]\nname = \"care\"\nbusiness_unit = \"Customer Care\"\nschedule = \"Approved\"\n\
         cron = \"0 16 * * Fri\"\n{entry}\n[[publish]]\nname = \"west\"\nbusiness_unit = \"Customer Care\"\n\
         schedule = \"Approved\"\ncron = \"0 17 * * Fri\"\n[clock]"
    );
    bench.configure("[clock]", &entries);
    bench
}

/// What a step came to.
#[derive(Debug)]
struct Stepped {
    code: i32,
    document: Value,
    complaint: String,
}

impl Stepped {
    fn status(&self) -> (i32, &str) {
        (self.code, self.document["status"].as_str().unwrap_or_default())
    }
    fn why(&self) -> &str {
        self.document["why"].as_str().unwrap_or_default()
    }
    fn again_at(&self) -> Timestamp {
        let text = self.document["again_at"].as_str();
        text.and_then(Timestamp::parse_rfc3339).unwrap_or_else(|| panic!("no instant in {self:?}; {REPEAT}"))
    }
}

const DONE: (i32, &str) = (0, "done");
const NOT_YET: (i32, &str) = (75, "not_yet");

fn line<'a>(verb: &'a str, run: &'a str, bench: &'a Bench) -> Vec<&'a str> {
    let mut line = vec!["step", verb, "--run", run, "--json"];
    if verb == "stage" {
        line.extend(["--publish", "care", "--at", &bench.at]);
    }
    line
}

/// Takes a step and holds its document against what is promised of it.
async fn step(bench: &Bench, verb: &str) -> Stepped {
    let (code, said, complaint) = bench.ends(&line(verb, RUN, bench)).await;
    stepped(verb, code, &said, complaint)
}

fn stepped(verb: &str, code: i32, said: &str, complaint: String) -> Stepped {
    assert_eq!(said.lines().count(), 1, "one document: {said}{complaint}; {REPEAT}");
    let document: Value = serde_json::from_str(said).unwrap_or_else(|e| panic!("{e}: {said}; {REPEAT}"));
    let found = Stepped { code, document, complaint };
    let status = found.document["status"].as_str().unwrap_or_default().to_owned();
    let (promised, more): (i32, &[&str]) = match status.as_str() {
        "done" => (0, &[]),
        "not_yet" => (75, &["again_at", "why"]),
        "refused" => (4, &["why"]),
        "in_doubt" => (5, &["why"]),
        "needs_a_person" => (8, &["why"]),
        "interrupted" => (130, &[]),
        // Whatever is printed for people as well, with its own code.
        "failed" => (code, &["why"]),
        other => panic!("a status {other:?} is not documented: {found:?}; {REPEAT}"),
    };
    assert_eq!(code, promised, "{found:?}; {REPEAT}");
    let mut expected: Vec<&str> = ["format", "phase", "run", "status", "step"].iter().chain(more).copied().collect();
    expected.sort_unstable();
    let fields: Vec<&str> = found.document.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(fields, expected, "{found:?}; {REPEAT}");
    assert_eq!(found.document["format"], "softlanding.step.v1", "{REPEAT}");
    assert_eq!(found.document["step"], verb, "{REPEAT}");
    found
}

/// What an engine does: asks, waits for the instant that it is told, and asks again.
async fn engine(bench: &Bench, verb: &str) -> Stepped {
    loop {
        let stepped = step(bench, verb).await;
        if stepped.status() != NOT_YET {
            return stepped;
        }
        bench.reaches(stepped.again_at()).await;
    }
}

/// A step under way that is killed at the first record of this kind.
async fn killed_at(bench: &Bench, verb: &str, kind: &str) {
    let process = Talking::start(softlanding(&bench.folder, &line(verb, RUN, bench)));
    recorded(bench, kind).await;
    process.kill().await;
}

/// Comes back once the run's journal holds a record of this kind.
async fn recorded(bench: &Bench, kind: &str) {
    let id = RunId::new(RUN).expect("a name");
    loop {
        if let Ok(store) = SqliteJournal::open_existing(&bench.store()).await
            && store.load::<Event>(&id).await.is_ok_and(|records| count(&records, kind) > 0)
        {
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn count(records: &[Record], kind: &str) -> usize {
    let is = |record: &&Record| serde_json::to_value(record).expect("JSON")["event"] == kind;
    records.iter().filter(is).count()
}

/// The run has ended well: one publish, and everybody has a verdict.
async fn ended_well(bench: &Bench) {
    let truth = bench.truth().await;
    let counts = (truth["update_posts"].as_u64(), truth["publishes_applied"].as_u64());
    assert_eq!(counts, (Some(1), Some(1)), "{REPEAT}");
    assert_eq!(truth["too_many_requests"], 0, "{REPEAT}");
    let records = bench.records(RUN).await;
    assert_eq!((count(&records, "publish_claimed"), count(&records, "settled")), (1, 1), "{REPEAT}");
    let report = bench.report(RUN).await;
    let judged = report["agents"].as_array().expect("agents").iter().filter(|a| a["verdict"].is_string()).count();
    assert_eq!((judged, &report["ending"]), (truth["agents"].as_array().expect("agents").len(), &"settled".into()));
    assert!(bench.folder.join("reports").join(RUN).join("report.html").exists(), "settle writes the reports; {REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_verb_may_come_too_early_and_may_be_repeated() {
    patiently(async {
        let bench = bench("steps-repeat", SCENARIO, "5min", "").await;
        for verb in ["refresh", "publish", "check", "settle"] {
            let early = step(&bench, verb).await;
            assert_eq!(early.status(), (6, "failed"), "{verb} of a store that is not there: {early:?}; {REPEAT}");
        }
        assert_eq!(step(&bench, "stage").await.status(), DONE, "{REPEAT}");
        let again = step(&bench, "stage").await;
        assert_eq!((again.status(), &again.document["phase"]), (DONE, &"waiting".into()), "{REPEAT}");
        // All before their time, in any order, each with the instant at which it has a point to come again.
        let records = bench.records(RUN).await;
        let Event::Staged { plan } = &records[0].event else { panic!("not staged first; {REPEAT}") };
        for (verb, at) in [
            ("settle", plan.publish_at),
            ("publish", plan.prepare_at()),
            ("check", plan.publish_at),
            ("refresh", plan.refresh_at()),
        ] {
            let early = step(&bench, verb).await;
            assert_eq!((early.status(), early.again_at()), (NOT_YET, at), "{verb}: {early:?}; {REPEAT}");
        }
        assert_eq!(bench.records(RUN).await.len(), records.len(), "asking leaves no trace; {REPEAT}");
        for verb in ["stage", "refresh", "publish", "check", "settle"] {
            let done = engine(&bench, verb).await;
            assert_eq!(done.status(), DONE, "{verb}: {done:?}; {REPEAT}");
            let reported = bench.folder.join("reports").join(RUN).exists();
            assert_eq!(reported, verb == "settle", "settle, and nothing else, writes the reports; {REPEAT}");
            let before = bench.records(RUN).await.len();
            for earlier in ["stage", "refresh", "publish", "check", "settle"] {
                let again = step(&bench, earlier).await;
                assert_eq!(again.status(), DONE, "{earlier} after {verb}: {again:?}; {REPEAT}");
                if earlier == verb {
                    break;
                }
            }
            let after = bench.records(RUN).await;
            // Until T, refreshing may go on; what is done otherwise adds nothing.
            assert!(after.len() == before || verb == "refresh", "{verb} again did something; {REPEAT}");
        }
        ended_well(&bench).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_verb_may_be_killed_in_the_middle_and_repeated() {
    patiently(async {
        let bench = bench("steps-killed", SCENARIO, "6min", "").await;
        killed_at(&bench, "stage", "staged").await;
        assert_eq!(engine(&bench, "stage").await.status(), DONE, "{REPEAT}");
        let first = step(&bench, "refresh").await;
        bench.reaches(first.again_at()).await;
        killed_at(&bench, "refresh", "token_refreshed").await;
        assert_eq!(engine(&bench, "refresh").await.status(), DONE, "{REPEAT}");
        let first = step(&bench, "publish").await;
        if first.status() == NOT_YET {
            bench.reaches(first.again_at()).await;
            // Killed once the answer is there, while the platform works on it.
            killed_at(&bench, "publish", "publish_accepted").await;
        }
        assert_eq!(engine(&bench, "publish").await.status(), DONE, "{REPEAT}");
        killed_at(&bench, "check", "judged").await;
        assert_eq!(engine(&bench, "check").await.status(), DONE, "{REPEAT}");
        assert_eq!(engine(&bench, "settle").await.status(), DONE, "{REPEAT}");
        ended_well(&bench).await;
        let taken_up = count(&bench.records(RUN).await, "taken_up");
        assert!(taken_up >= 4, "taken up {taken_up} times only; {REPEAT}");
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_in_the_wrong_order_and_two_at_once_publish_once() {
    patiently(async {
        let bench = bench("steps-order", SCENARIO, "5min", "").await;
        // Two engines stage the same run at once.
        let (one, two) = tokio::join!(step(&bench, "stage"), step(&bench, "stage"));
        assert_eq!((one.status(), two.status()), (DONE, DONE), "{one:?} {two:?}; {REPEAT}");
        // Nobody refreshes; three publish at once, again and again, until all of them are content.
        let (one, two, three) =
            tokio::join!(engine(&bench, "publish"), engine(&bench, "publish"), engine(&bench, "publish"));
        assert_eq!(
            (one.status(), two.status(), three.status()),
            (DONE, DONE, DONE),
            "{one:?} {two:?} {three:?}; {REPEAT}"
        );
        let late = step(&bench, "refresh").await;
        assert_eq!(late.status(), DONE, "what has gone by needs no refresh: {late:?}; {REPEAT}");
        // Two settle at once, before anybody has checked.
        let (one, two) = tokio::join!(engine(&bench, "settle"), engine(&bench, "settle"));
        assert_eq!((one.status(), two.status()), (DONE, DONE), "{one:?} {two:?}; {REPEAT}");
        assert_eq!(step(&bench, "check").await.status(), DONE, "{REPEAT}");
        ended_well(&bench).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_finds_another_at_it_is_told_to_come_again_and_one_that_is_stopped_says_so() {
    patiently(async {
        let bench = bench("steps-led", SCENARIO, "4min", "").await;
        assert_eq!(step(&bench, "stage").await.status(), DONE, "{REPEAT}");
        bench.reaches(step(&bench, "publish").await.again_at()).await;
        let mut leading = Talking::start(softlanding(&bench.folder, &line("publish", RUN, &bench)));
        recorded(&bench, "taken_up").await;
        let other = step(&bench, "publish").await;
        assert_eq!((other.status(), other.why()), (NOT_YET, "another process leads this run"), "{other:?}; {REPEAT}");
        let id = leading.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("a process"), rustix::process::Signal::TERM).expect("a signal");
        let said = leading.line().await.unwrap_or_default();
        let (code, complaint) = leading.end().await;
        let stopped = stepped("publish", code.unwrap_or(-1), &said, complaint);
        assert_eq!(stopped.status(), (130, "interrupted"), "{stopped:?}; {REPEAT}");
        for verb in ["publish", "check", "settle"] {
            assert_eq!(engine(&bench, verb).await.status(), DONE, "{REPEAT}");
        }
        ended_well(&bench).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_approval_needs_a_person_and_an_abort_is_a_refusal() {
    patiently(async {
        let bench = bench("steps-person", SCENARIO, "3min", "require_approval = true\ncatch_up = \"12h\"").await;
        assert_eq!(step(&bench, "stage").await.status(), DONE, "{REPEAT}");
        let waits = engine(&bench, "publish").await;
        assert_eq!((waits.status(), waits.why()), ((8, "needs_a_person"), "nobody has approved it"), "{REPEAT}");
        assert_eq!(step(&bench, "publish").await.code, 8, "it does not go on by being asked again; {REPEAT}");
        let early = step(&bench, "check").await;
        assert_eq!(early.status(), NOT_YET, "{early:?}; {REPEAT}");
        assert_eq!(bench.truth().await["update_posts"], 0, "{REPEAT}");
        let (code, _, complaint) = bench.ends(&["abort", RUN, "--why", "wrong week", "--as", "ann"]).await;
        assert_eq!(code, 0, "{complaint}; {REPEAT}");
        for verb in ["refresh", "publish", "check", "settle"] {
            let refused = step(&bench, verb).await;
            assert_eq!((refused.status(), refused.why()), ((4, "refused"), "aborted by ann: wrong week"), "{REPEAT}");
            assert_eq!(refused.document["phase"], "stopped", "{REPEAT}");
        }
        assert_eq!(bench.truth().await["update_posts"], 0, "{REPEAT}");
        bench.records(RUN).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_nobody_can_tell_of_is_in_doubt_and_is_looked_for_again_but_never_sent_again() {
    patiently(async {
        let bench = bench("steps-doubt", DOUBT, "3min", "").await;
        assert_eq!(step(&bench, "stage").await.status(), DONE, "{REPEAT}");
        let doubt = engine(&bench, "publish").await;
        assert_eq!(
            (doubt.status(), &doubt.document["phase"]),
            ((5, "in_doubt"), &"in_doubt".into()),
            "{doubt:?}; {REPEAT}"
        );
        for verb in ["refresh", "publish", "check", "settle"] {
            assert_eq!(step(&bench, verb).await.code, 5, "{verb}; {REPEAT}");
        }
        assert_eq!(bench.truth().await["update_posts"], 1, "{REPEAT}");
        assert_eq!(count(&bench.records(RUN).await, "publish_claimed"), 1, "{REPEAT}");
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_ends_with_its_own_code_and_a_document() {
    patiently(async {
        let bench = bench("steps-wrong", SCENARIO, "60min", "").await;
        assert_eq!(step(&bench, "stage").await.status(), DONE, "{REPEAT}");
        // The name belongs to a run of another entry, or of none.
        let stage = |run: &'static str, entry: &'static str| {
            ["step", "stage", "--run", run, "--publish", entry, "--at", &bench.at, "--json"]
        };
        let (code, said, complaint) = bench.ends(&stage(RUN, "west")).await;
        let refused = stepped("stage", code, &said, complaint);
        assert!(refused.code == 4 && refused.why().contains("the entry \"care\""), "{refused:?}; {REPEAT}");
        let other = ["--schedule", "What if: more overtime"];
        let unit = ["stage", "--business-unit", "Customer Care", "--at", &bench.at, "--json"];
        let (code, said, complaint) = bench.ends(&[&unit[..], &other].concat()).await;
        assert_eq!(code, 0, "{complaint}; {REPEAT}");
        let staged: Value = serde_json::from_str(&said).expect("JSON");
        let by_hand = staged["run"].as_str().expect("a run").to_owned();
        let line = ["step", "stage", "--run", &by_hand, "--publish", "care", "--at", &bench.at, "--json"];
        let (code, said, complaint) = bench.ends(&line).await;
        let refused = stepped("stage", code, &said, complaint);
        assert!(refused.code == 4 && refused.why().contains("no entry of the calendar"), "{refused:?}; {REPEAT}");
        let cases: [(&[&str], i32, &str); 6] = [
            (&["step", "publish", "--run", "nobody", "--json"], 2, "there is no run"),
            (&["step", "publish", "--run", "../x", "--json"], 2, "run"),
            (&stage("new-one", "nobody"), 2, "care, west"),
            (&["step", "stage", "--run", "x", "--json"], 2, "--publish"),
            (&["step", "dance", "--run", "x"], 2, "refresh"),
            (&["step", "publish", "--run", RUN, "--json", "--config", "none.toml"], 3, "none.toml"),
        ];
        for (line, code, words) in cases {
            let (found, said, complaint) = bench.ends(line).await;
            assert_eq!(found, code, "{line:?}: {complaint}; {REPEAT}");
            assert!(complaint.contains(words), "{line:?}: {complaint}; {REPEAT}");
            assert!(said.is_empty() || said.contains("\"status\":\"failed\""), "{line:?}: {said}; {REPEAT}");
        }
        // The org is gone: yours to fix, and nothing is lost.
        let url = bench.url.clone();
        bench.configure(&format!("follow = \"{url}"), "follow = \"http://127.0.0.1:9");
        let gone = step(&bench, "publish").await;
        assert_eq!(gone.status(), (6, "failed"), "{gone:?}; {REPEAT}");
        assert!(gone.complaint.contains("hint: "), "{gone:?}; {REPEAT}");
        bench.close().await;
    })
    .await;
}
