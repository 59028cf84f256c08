//! Reports as those who receive them take them: a browser, a printer, a validator, the vendors of two chats, a mail reader, a
//! program that reads JSON by the schema; and what is left of a report when somebody's own template is broken.
//!
//! The judges are in tests/reports/; each says what it proves. Pictures and printed pages are left in `report-pictures` below the
//! build directory.

mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use softlanding::law::event::{Event, Record};
use softlanding::law::verdict::Rung;
use softlanding::shells::report::view::{View, view};
use softlanding::shells::report::{Format, Story, recorded, render, write_all};
use softlanding::shells::sim::{self, play};
use softlanding::twin::scenario::Scenario;
use softlanding::words::hook::{HookOutcome, HookPoint, HookRun};
use support::process::{exported, folder, installed, patiently, softlanding_ends, softlanding_says, texts};
use tokio::process::Command;

const REPEAT: &str = "to repeat: ./tests/run --test reports";

/// Names that no directory should have; every one short enough to be told whole.
const NAMES: [&str; 9] = [
    "<script>document.title = 'x'</script>",
    "</style></svg><b>bold</b> & co",
    "\"quoted\" 'single' \\back\\slash \\n",
    "*bold* _it_ ~gone~ `code` <!channel> <@U1>",
    "[a link](https://example.org) https://example.org",
    "{{ title }} {% raw %} ${x} {{DATE(2026-01-01, SHORT)}}",
    "\u{202e}desrever\u{202c} and \u{1b}[31mred",
    "two\nlines\r\nBcc: somebody@example.org",
    "語語語 Müller \u{1f600} \u{645}\u{631}\u{62d}\u{628}\u{627}",
];

/// The recorded Friday, as far as its first stragglers, in an organisation of such names.
fn hostile() -> Vec<Record> {
    let mut records = recorded::friday().expect("a recording");
    let grey = |record: &Record| matches!(record.event, Event::RemedyStarted { .. });
    records.truncate(records.iter().position(grey).expect("a remedy"));
    for record in &mut records {
        if let Event::Staged { plan } = &mut record.event {
            plan.business_unit.name = NAMES.iter().map(|name| format!("{name} ")).collect();
            plan.schedule.description = NAMES[2].to_owned();
            for (member, name) in plan.roster.iter_mut().zip(NAMES.iter().cycle()) {
                member.name = (*name).to_owned();
            }
        }
    }
    // As much as can stand on a page: it settles with all of them, after brakes and hooks that failed.
    let last = records.last().expect("a record").at;
    let tally = Story::of(&records).counts.tally;
    let (rung, point) = (Some(Rung::SessionReset), HookPoint::PostCheck);
    let failed =
        |n: u32| HookRun { name: format!("{n}-{}", NAMES[1]), outcome: HookOutcome::Exit(3), output: String::new() };
    let brakes = (0..9).map(|n| Event::BrakeApplied { rung, why: format!("{n}: {}", NAMES[4].repeat(3)) });
    let hooks = (0..9).map(|n| Event::HooksRan { point, seat: None, results: vec![failed(n)] });
    for event in brakes.chain(hooks).chain([Event::Settled { tally }]) {
        let seq = records.len() as u64 + 1;
        records.push(Record { seq, at: last, event });
    }
    records
}

/// What a scenario of the twin comes to, in virtual time.
fn lived(scenario: &str) -> Vec<Record> {
    let scenario = Scenario::named(scenario).unwrap_or_else(|| panic!("no scenario {scenario}"));
    play(16, scenario, sim::Story::Silent).unwrap_or_else(|found| panic!("{}; {REPEAT}", found.what)).journal
}

fn journal(text: &str) -> Vec<Record> {
    text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// The runs that are reported: what they are called, and their records.
fn runs() -> Vec<(&'static str, Vec<Record>)> {
    vec![
        ("friday-1600", lived("friday-1600")),
        ("hostile", hostile()),
        ("recorded", recorded::friday().expect("a recording")),
        ("calm", lived("calm")),
        ("publish-fails", lived("publish-fails")),
        ("version-2", journal(include_str!("journals/v2.jsonl"))),
    ]
}

/// Every run's reports in a folder of its own, with what the judges should find in them.
fn written(name: &str) -> Vec<PathBuf> {
    let all = folder(&format!("reports-{name}"));
    let write = |(run, records): (&str, Vec<Record>)| {
        let dir = all.join(run);
        let written = write_all(&records, &dir, None).unwrap_or_else(|e| panic!("{e}; {REPEAT}"));
        assert!(written.troubles.is_empty() && written.files.len() == Format::ALL.len(), "{REPEAT}");
        let view = view(&Story::of(&records));
        let names: Vec<&str> = view.stragglers.rows.iter().take(12).map(|agent| agent.name.as_str()).collect();
        std::fs::write(dir.join("names.json"), json!(names).to_string()).expect("a file");
        std::fs::write(dir.join("subject.txt"), &view.subject).expect("a file");
        dir
    };
    runs().into_iter().map(write).collect()
}

fn node_packages(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the build directory");
    let packages = target.join(name);
    assert!(
        packages.join("installed.txt").exists(),
        "{} is missing; run ./tests/run once, it installs what this test needs",
        packages.display()
    );
    packages
}

/// Lets a judge speak; it must prove something of each folder, and find no fault.
async fn judged(mut judge: Command, folders: &[PathBuf], proofs_each: usize) {
    let output = patiently(judge.args(folders).output()).await.expect("the judge runs");
    let (said, complaint) = texts(&output);
    println!("{said}");
    let proofs = said.matches("proved: ").count();
    assert!(output.status.success() && proofs == folders.len() * proofs_each, "{REPEAT}\n{said}\n{complaint}");
}

fn in_a_browser(what: &str) -> Command {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-pictures");
    std::fs::create_dir_all(&out).expect("a folder");
    let mut node = Command::new("node");
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports/judge.mjs")).arg(what).kill_on_drop(true);
    node.env("SOFTLANDING_TEST_NODE", node_packages("test-node"))
        .env("SOFTLANDING_TEST_REPORTS_NODE", node_packages("test-reports-node"))
        .env("SOFTLANDING_TEST_OUT", out);
    node
}

#[tokio::test]
async fn pages_are_valid_accessible_harmless_and_print_to_two_pages() {
    judged(in_a_browser("pages"), &written("pages"), 1).await;
}

#[tokio::test]
async fn messages_are_what_slack_and_teams_take() {
    judged(in_a_browser("messages"), &written("messages"), 2).await;
}

#[tokio::test]
async fn mails_are_what_a_mail_reader_takes() {
    let mut python = Command::new(installed("python"));
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports/mail.py")).kill_on_drop(true);
    judged(python, &written("mails"), 1).await;
}

#[test]
fn whether_the_publish_did_it_is_told_at_a_glance() {
    let glance = |scenario: &str| view(&Story::of(&lived(scenario)));
    let html = |records: &[Record]| render(&Story::of(records), Format::Html, None).expect("a page").text;
    let (bad, good): (View, View) = (glance("friday-1600"), glance("calm"));
    assert_eq!((bad.finding.finding, good.finding.finding), ("association", "none"), "{REPEAT}");
    assert!(html(&lived("friday-1600")).contains("<p class=\"finding association\">A clear link.</p>"), "{REPEAT}");
    assert!(html(&lived("calm")).contains("<p class=\"finding none\">No link found"), "{REPEAT}");
}

/// A configuration that is good enough for everything that asks no organisation.
fn configure(folder: &Path, more: &str) {
    let org = "[org]\nregion = \"us_east_1\"\nclient_id = \"unused\"\nclient_secret = { env = \"UNUSED\" }\n";
    std::fs::write(folder.join("softlanding.toml"), format!("{org}{more}")).expect("a file");
}

#[tokio::test]
async fn a_preview_shows_every_format_from_an_export_a_run_and_the_sample() {
    let folder = folder("reports-preview");
    let run = exported(&folder);
    configure(&folder, "");
    softlanding_says(&folder, &["import", "friday.jsonl"]).await;
    let expected = Story::of(&recorded::friday().expect("a recording"));
    for format in Format::ALL {
        let text = render(&expected, format, None).expect("a report").text;
        let name = format.name();
        for from in [vec!["--sample"], vec!["--from", "friday.jsonl"], vec![run.as_str()]] {
            let mut arguments = vec!["report", "preview", "--format", name];
            arguments.extend(&from);
            assert_eq!(softlanding_says(&folder, &arguments).await, text, "{name} of {from:?}; {REPEAT}");
        }
        softlanding_says(&folder, &["report", "preview", "--sample", "--format", name, "--out", "one"]).await;
        assert_eq!(std::fs::read_to_string(folder.join("one")).expect("a file"), text, "{name}; {REPEAT}");
    }
    let variables = softlanding_says(&folder, &["report", "preview", "--sample", "--format", "variables"]).await;
    let variables: Value = serde_json::from_str(&variables).expect("JSON");
    assert_eq!(variables["subject"], view(&expected).subject);
    let schema = softlanding_says(&folder, &["report", "schema"]).await;
    assert_eq!(schema, softlanding::shells::report::SCHEMA);
}

#[tokio::test]
async fn a_broken_template_is_told_by_a_preview_and_costs_nobody_the_report() {
    let folder = folder("reports-broken");
    let run = exported(&folder);
    std::fs::create_dir(folder.join("own")).expect("a folder");
    std::fs::write(folder.join("own/report.md.tera"), "# {{ title }}\n\n{{ run_name }}\n").expect("a file");
    // One that turns for days and writes nothing.
    let turns = |name: &str| format!("{{% for {name} in range(end=99999) %}}");
    let silent = ["a", "b", "c"].map(turns).concat() + &"{% endfor %}".repeat(3);
    std::fs::write(folder.join("own/report.mail.txt.tera"), silent).expect("a file");
    configure(&folder, "[report]\ntemplates = \"own\"\n");
    softlanding_says(&folder, &["import", "friday.jsonl"]).await;
    let says = "template report.md.tera, line 3, column 4: Variable `run_name` is not defined";

    let output = softlanding_ends(&folder, &["report", "preview", &run, "--format", "md"]).await;
    let (said, complaint) = texts(&output);
    assert_eq!((output.status.code(), said.as_str()), (Some(3), ""), "{complaint}\n{REPEAT}");
    assert!(complaint.contains(says) && complaint.contains("--format variables"), "{complaint}\n{REPEAT}");

    let output = softlanding_ends(&folder, &["report", &run, "--out", "out"]).await;
    let (said, complaint) = texts(&output);
    assert_eq!(
        (output.status.code(), said.lines().count()),
        (Some(0), Format::ALL.len()),
        "{said}{complaint}\n{REPEAT}"
    );
    assert!(complaint.contains(says) && !complaint.contains("is not used"), "{complaint}\n{REPEAT}");
    let read = |name: &str| std::fs::read_to_string(folder.join("out").join(name)).expect("a file");
    let troubles = read("report.troubles.txt");
    assert!(
        troubles.contains(says) && troubles.contains("report.mail.txt.tera: it takes longer"),
        "{troubles}; {REPEAT}"
    );
    for (format, file) in [(Format::Markdown, "report.md"), (Format::Mail, Format::Mail.file())] {
        let built_in = render(&Story::of(&recorded::friday().expect("a recording")), format, None);
        assert_eq!(read(file), built_in.expect("a report").text, "{REPEAT}");
    }
    // A name that is misspelt is told, and nothing is refused.
    std::fs::remove_file(folder.join("own/report.mail.txt.tera")).expect("a file");
    std::fs::rename(folder.join("own/report.md.tera"), folder.join("own/rpeort.md.tera")).expect("a file");
    let own = ["report", "preview", "--sample", "--format", "md", "--templates", "own"];
    for line in [&own[..], &["report", &run, "--out", "out"]] {
        let output = softlanding_ends(&folder, line).await;
        let (_, complaint) = texts(&output);
        let told =
            complaint.contains("rpeort.md.tera is not used") && complaint.contains("did you mean report.md.tera?");
        assert!(output.status.success() && told, "{complaint}\n{REPEAT}");
    }
}

/// Each name that a template can use, of the view and of what it is made of, is told in templates/README.md.
#[test]
fn every_variable_is_documented() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/README.md"));
    let readme = readme.expect("templates/README.md");
    let view = serde_json::to_value(view(&Story::of(&recorded::friday().expect("a recording")))).expect("JSON");
    let mut missing = Vec::new();
    names_in(&view, "", &mut |path, name| {
        if !readme.contains(&format!("`{name}`")) {
            missing.push(format!("{path}{name}"));
        }
    });
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "not in templates/README.md: {missing:#?}\n{REPEAT}");
}

fn names_in(value: &Value, path: &str, told: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                told(path, name);
                names_in(value, &format!("{path}{name}."), told);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names_in(item, path, told)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
