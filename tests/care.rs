//! The care of the journal from the command line: audit, export, import and prune; and files that are no journal, or one
//! that this softlanding must not touch: a clear error, and not a byte changed.

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use sqlx::{Connection, SqliteConnection};
use support::process::{Bench, folder, patiently};

const REPEAT: &str = "to repeat: ./tests/run --test care";
/// Twin seconds per second.
const SPEED: u32 = 60;

const SCENARIO: &str = "story = \"care: 4 agents\"\n[publish]\nduration_s = 5\n[[cohorts]]\nagents = 4\n";

/// A bench with a run that has settled.
async fn settled(name: &str) -> (Bench, String) {
    let bench = Bench::open_before(name, SCENARIO, SPEED, "4min").await;
    bench.configure("refresh_lead = \"12min\"", "refresh_lead = \"90s\"");
    let run = bench.stage().await;
    let (code, complaint, _) = bench.run(&run).rest().await;
    assert_eq!(code, 0, "{complaint}; {REPEAT}");
    (bench, run)
}

/// Does something to a journal that no softlanding would; everything is in the one file afterwards.
async fn meddle(store: &Path, statement: String) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(store).create_if_missing(true);
    let mut db = SqliteConnection::connect_with(&options).await.expect("a database");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut db).await.expect("a statement");
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut db).await.expect("a checkpoint");
    db.close().await.expect("closed");
}

fn write(bench: &Bench, name: &str, lines: &[String]) {
    std::fs::write(bench.folder.join(name), lines.iter().map(|line| format!("{line}\n")).collect::<String>())
        .expect("a file");
}

/// A second configuration in the bench's folder, whose journal is another file.
fn other_store(bench: &Bench, name: &str) -> (String, PathBuf) {
    let text = std::fs::read_to_string(bench.folder.join("softlanding.toml")).expect("the configuration");
    let (config, store) = (format!("{name}.toml"), bench.folder.join(format!("{name}.db")));
    std::fs::write(bench.folder.join(&config), format!("store = \"sqlite:{}\"\n{text}", store.display()))
        .expect("a file");
    (config, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_out_of_one_store_and_into_another_whole() {
    patiently(async {
        let (bench, run) = settled("care-export").await;
        let (code, text, complaint) = bench.ends(&["export", &run]).await;
        assert_eq!(code, 0, "{complaint}; {REPEAT}");
        let records = bench.records(&run).await;
        let head: Value = serde_json::from_str(text.lines().next().expect("a head")).expect("JSON");
        assert_eq!((&head["run"], &head["claims"]), (&run.as_str().into(), &vec![1].into()), "{REPEAT}");
        assert_eq!((text.lines().count(), &head["events"]), (records.len() + 1, &records.len().into()), "{REPEAT}");
        let (code, ..) = bench.ends(&["export", &run, "--out", "friday.jsonl"]).await;
        assert_eq!(
            (code, std::fs::read_to_string(bench.folder.join("friday.jsonl")).expect("a file")),
            (0, text.clone())
        );
        // A file that is there already is left as it is.
        let (code, _, complaint) = bench.ends(&["export", &run, "--out", "friday.jsonl"]).await;
        assert!(code == 6 && complaint.contains("friday.jsonl"), "{code} {complaint}; {REPEAT}");

        let (config, _) = other_store(&bench, "other");
        let (code, said, complaint) = bench.ends(&["import", "friday.jsonl", "--config", &config]).await;
        assert!(code == 0 && said.contains(&format!("{} events", records.len())), "{said}{complaint}; {REPEAT}");
        let (_, again, _) = bench.ends(&["export", &run, "--config", &config]).await;
        assert_eq!(again, text, "what went in comes out; {REPEAT}");
        let (code, said, _) = bench.ends(&["audit", &run, "--config", &config]).await;
        assert!(code == 0 && said.contains("every rule is kept"), "{said}; {REPEAT}");
        // Once is enough, in either store.
        for line in [&["import", "friday.jsonl", "--config", &config][..], &["import", "friday.jsonl"]] {
            let (code, _, complaint) = bench.ends(line).await;
            assert!(code == 4 && complaint.contains("already"), "{code} {complaint}; {REPEAT}");
        }
        // What has settled there is settled here: nothing is published again.
        let (code, said, _) = bench.ends(&["run", &run, "--config", &config]).await;
        assert!(code == 0 && said.contains("settled"), "{said}; {REPEAT}");
        assert_eq!(bench.truth().await["update_posts"], 1, "{REPEAT}");
        let (code, _, complaint) = bench.ends(&["export", "20261127-1600-nobody-abcd"]).await;
        assert!(code == 2 && complaint.contains("there is no run"), "{complaint}; {REPEAT}");
        bench.close().await;
    })
    .await;
}

/// The same lines with one of them, counted from 1, as another.
fn with_line(lines: &[String], line: usize, is: impl FnOnce(&str) -> String) -> Vec<String> {
    let mut spoilt = lines.to_vec();
    spoilt[line - 1] = is(&lines[line - 1]);
    spoilt
}

/// A history in which the publish was claimed a second time without any proof that the first had no effect, every number
/// being right.
fn claimed_twice(lines: &[String]) -> (Vec<String>, usize) {
    let mut values: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let claim = values.iter().position(|v| v["event"] == "publish_claimed").expect("a claim");
    let mut second = values[claim].clone();
    second["attempt"] = 2.into();
    values.insert(claim + 1, second);
    for (seq, value) in values.iter_mut().enumerate().skip(1) {
        value["seq"] = seq.into();
    }
    values[0]["events"] = (values.len() - 1).into();
    values[0]["claims"] = vec![1, 2].into();
    (values.iter().map(Value::to_string).collect(), claim + 2)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_whole_or_breaks_a_rule_is_not_taken_in() {
    patiently(async {
        let (bench, run) = settled("care-import").await;
        let (_, text, _) = bench.ends(&["export", &run]).await;
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let last = lines.len();
        let half = lines[last - 1].chars().take(30).collect::<String>();
        let (twice, twice_at) = claimed_twice(&lines);
        let claim = lines.iter().position(|line| line.contains("publish_claimed")).expect("a claim") + 1;
        let at = |line: usize| format!("line {line},");
        // Cut off before the claim it would look like a run that is still to publish.
        let cases: Vec<(&str, Vec<String>, String, &str)> = vec![
            ("empty", vec![], at(1), "it is empty"),
            ("no-head", lines[1..].to_vec(), at(1), "unknown field"),
            (
                "newer",
                with_line(&lines, 1, |l| l.replace("\"softlanding_export\":1", "\"softlanding_export\":2")),
                at(1),
                "newer",
            ),
            (
                "rubbish",
                with_line(&lines, 5, |_| "{\"seq\":4,,}".to_owned()),
                at(5),
                "key must be a string at column 10",
            ),
            ("blank", with_line(&lines, 5, |_| String::new()), at(5), "EOF"),
            ("strange", with_line(&lines, 3, |l| l.replace("taken_up", "taken_down")), at(3), "taken_down"),
            ("torn", with_line(&lines, last, |_| half), at(last), "EOF"),
            ("cut", lines[..claim - 1].to_vec(), at(claim - 1), "of the"),
            (
                "gap",
                with_line(&lines, 4, |l| l.replacen("\"seq\":3", "\"seq\":9", 1)),
                at(4),
                "event 9 stands where event 3 is due",
            ),
            ("claims", with_line(&lines, 1, |l| l.replace("\"claims\":[1]", "\"claims\":[]")), at(1), "claims"),
            ("twice", twice, at(twice_at), "breaks a rule"),
        ];
        let (config, store) = other_store(&bench, "other");
        for (name, lines, place, why) in cases {
            let file = format!("{name}.jsonl");
            write(&bench, &file, &lines);
            let (code, said, complaint) = bench.ends(&["import", &file, "--config", &config]).await;
            assert_eq!((code, said.as_str()), (2, ""), "{name}: {complaint}; {REPEAT}");
            for words in [file.as_str(), &place, why, "nothing has been taken in"] {
                assert!(complaint.contains(words), "{name}: {words:?} is not in {complaint}; {REPEAT}");
            }
            assert!(!store.exists(), "{name} left a journal; {REPEAT}");
        }
        let (code, _, complaint) = bench.ends(&["import", "no-such.jsonl", "--config", &config]).await;
        assert!(code == 6 && complaint.contains("no-such.jsonl"), "{complaint}; {REPEAT}");
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_tells_the_history_and_finds_what_was_doctored() {
    patiently(async {
        let (bench, run) = settled("care-audit").await;
        let (code, said, _) = bench.ends(&["audit", &run]).await;
        assert_eq!(code, 0, "{said}; {REPEAT}");
        for record in bench.records(&run).await {
            assert!(said.contains(&format!("{:>6}  {}", record.seq, record.at.rfc3339())), "{said}; {REPEAT}");
        }
        assert!(said.contains("every rule is kept"), "{said}; {REPEAT}");
        // A rule is broken: our fault or a forgery, and a code of its own.
        let renumber = "UPDATE events SET event = replace(event, '\"attempt\":1', '\"attempt\":7')";
        meddle(&bench.store(), renumber.to_owned()).await;
        let (code, _, complaint) = bench.ends(&["audit", &run]).await;
        assert!(code == 1 && complaint.contains("breaks a rule"), "{code} {complaint}; {REPEAT}");
        // A record that cannot be read, one that a newer softlanding wrote, and one that is missing: none is passed over.
        for (statement, words) in [
            ("UPDATE events SET event = '{\"event' WHERE seq = 3", "record 3 of run"),
            ("UPDATE events SET v = 9 WHERE seq = 2", "format 9"),
            ("DELETE FROM events WHERE seq = 2", "it is missing"),
        ] {
            meddle(&bench.store(), statement.to_owned()).await;
            for command in ["audit", "run", "export", "report", "status"] {
                let (code, _, complaint) = bench.ends(&[command, &run]).await;
                assert!(code == 6 && complaint.contains(words), "{command}: {code} {complaint}; {REPEAT}");
            }
        }
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_ended_long_ago_is_pruned_and_only_when_told() {
    patiently(async {
        let (bench, old) = settled("care-prune").await;
        let young = {
            bench.ends(&["export", &old, "--out", "old.jsonl"]).await;
            let text = std::fs::read_to_string(bench.folder.join("old.jsonl")).expect("a file");
            std::fs::write(bench.folder.join("young.jsonl"), text.replacen(&old, "young", 1)).expect("a file");
            bench.ends(&["import", "young.jsonl"]).await;
            "young"
        };
        let (code, _, complaint) = bench.ends(&["prune"]).await;
        assert!(code == 2 && complaint.contains("--older-than"), "{complaint}; {REPEAT}");
        let (code, _, complaint) = bench.ends(&["prune", "--older-than", "5min"]).await;
        assert!(code == 2 && complaint.contains("1d to 3660d"), "{complaint}; {REPEAT}");
        let (code, said, _) = bench.ends(&["prune", "--older-than", "1d", "--yes"]).await;
        assert!(code == 0 && said.starts_with("0 runs"), "{said}; {REPEAT}");
        // One run that ended three days ago, and one of the same age that still goes on.
        let days = "UPDATE runs SET last_ms = last_ms - 3 * 86400000 WHERE run <> 'young'";
        let open = "INSERT INTO runs (run, created_ms, last_seq, last_ms) SELECT 'open', created_ms, 1, last_ms FROM runs WHERE run <> 'young';
            INSERT INTO events (run, seq, at_ms, v, event) SELECT 'open', seq, at_ms, v, event FROM events WHERE seq = 1 AND run = ";
        meddle(&bench.store(), format!("{days}; {open}'{old}'")).await;
        let (code, said, _) = bench.ends(&["prune", "--older-than", "1d"]).await;
        assert_eq!((code, said.lines().next()), (0, Some(old.as_str())), "{said}; {REPEAT}");
        assert!(said.contains("1 run that") && said.contains("would be deleted; --yes does it"), "{said}; {REPEAT}");
        let known = async || bench.ends(&["status"]).await.1;
        assert!(known().await.contains(&old), "{REPEAT}");
        let (code, said, _) = bench.ends(&["prune", "--older-than", "1d", "--yes"]).await;
        assert!(code == 0 && said.contains("1 run that ended more than 1 d ago: deleted"), "{said}; {REPEAT}");
        let left = known().await;
        assert!(!left.contains(&old) && left.contains(young) && left.contains("open"), "{left}; {REPEAT}");
        bench.close().await;
    })
    .await;
}

/// Every command that opens the journal of the configuration.
fn commands<'a>(run: &'a str, at: &'a str) -> Vec<Vec<&'a str>> {
    vec![
        vec!["status"],
        vec!["status", run],
        vec!["run", run],
        vec!["approve", run, "--why", "x"],
        vec!["abort", run, "--why", "x"],
        vec!["audit", run],
        vec!["export", run],
        vec!["report", run],
        vec!["prune", "--older-than", "400d", "--yes"],
        vec!["import", "friday.jsonl"],
        vec!["step", "settle", "--run", run],
        vec!["stage", "--business-unit", "Customer Care", "--schedule", "Approved", "--at", at],
        vec!["step", "stage", "--run", "another", "--publish", "care", "--at", at],
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_journal_of_ours_is_refused_by_every_command_and_left_byte_for_byte() {
    patiently(async {
        let bench = Bench::open_before("care-foreign", SCENARIO, SPEED, "360min").await;
        let run = bench.stage().await;
        bench.ends(&["export", &run, "--out", "friday.jsonl"]).await;
        let entry = "[[publish]]\nname = \"care\"\nbusiness_unit = \"Customer Care\"\ncron = \"0 16 * * Fri\"\n";
        bench.configure("[clock]", &format!("{entry}[clock]"));
        meddle(&bench.store(), "PRAGMA journal_mode".to_owned()).await;
        let whole = std::fs::read(bench.store()).expect("the journal");
        let elsewhere = folder("care-foreign-files");
        let made = |name: &str, bytes: &[u8]| {
            let file = elsewhere.join(name);
            std::fs::write(&file, bytes).expect("a file");
            file
        };
        let newer = made("newer", &whole);
        meddle(&newer, "PRAGMA user_version = 999".to_owned()).await;
        let strange = elsewhere.join("strange");
        meddle(&strange, "CREATE TABLE guests (name TEXT)".to_owned()).await;
        let page = 4096;
        let mut rotten = whole.clone();
        rotten[page * (whole.len() / page - 1)..].fill(0xa5);
        let files = [
            (newer, 6, "has version 999"),
            (strange, 3, "something else"),
            (made("text", "a list of other things\n".repeat(300).as_bytes()), 3, "is not a database"),
            (made("rotten", &rotten), 6, "is damaged"),
            (made("cut", &whole[..whole.len() - page]), 6, "is damaged"),
        ];
        for (file, code, words) in files {
            let bytes = std::fs::read(&file).expect("a file");
            for line in commands(&run, &bench.at) {
                for left in ["softlanding.db-wal", "softlanding.db-shm"] {
                    let _ = std::fs::remove_file(bench.folder.join(left));
                }
                std::fs::write(bench.store(), &bytes).expect("a file");
                let (found, _, complaint) = bench.ends(&line).await;
                let about = format!("{}: {line:?}: {complaint}; {REPEAT}", file.display());
                assert_eq!(found, code, "{about}");
                assert!(complaint.contains(words) && complaint.contains("hint: "), "{about}");
                assert!(std::fs::read(bench.store()).expect("the file") == bytes, "it was changed: {about}");
            }
        }
        assert_eq!(bench.truth().await["update_posts"], 0, "{REPEAT}");
        bench.close().await;
    })
    .await;
}
