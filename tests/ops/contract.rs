//! What scripts rely on: each command's document and codes as the README lists them, and tables that fit a terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::CommandFactory;
use serde_json::Value;
use softlanding::door::cli::Cli;

use crate::promtool::REPEAT;
use crate::support::process::{patiently, softlanding, softlanding_ends, texts};
use crate::support::site::{Site, calm};

/// A row of the README's table.
struct Row {
    document: String,
    codes: Vec<i32>,
}

/// The README's table by command.
fn table() -> BTreeMap<String, Row> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README.md");
    let rows = readme.lines().skip_while(|line| !line.starts_with("| command | `--json`")).skip(2);
    let mut table = BTreeMap::new();
    for line in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [commands, document, codes] = cells.as_slice() else { panic!("{line}") };
        let codes: Vec<i32> = codes.split_whitespace().filter_map(|code| code.parse().ok()).collect();
        for command in commands.split(", ") {
            let document = document.trim_matches('`').to_owned();
            table.insert(command.trim_matches('`').to_owned(), Row { document, codes: codes.clone() });
        }
    }
    table
}

/// Every command that can be called as it is, and whether it takes `--json`.
fn commands() -> BTreeMap<String, bool> {
    fn walk(command: &clap::Command, path: &str, found: &mut BTreeMap<String, bool>) {
        let below: Vec<&clap::Command> = command.get_subcommands().filter(|c| c.get_name() != "help").collect();
        if !path.is_empty() && !command.is_subcommand_required_set() {
            let takes = command.get_arguments().any(|argument| argument.get_id() == "json");
            found.insert(path.trim().to_owned(), takes);
        }
        below.iter().for_each(|sub| walk(sub, &format!("{path} {}", sub.get_name()), found));
    }
    let mut found = BTreeMap::new();
    walk(&Cli::command(), "", &mut found);
    found
}

#[test]
fn the_readme_lists_every_command_with_its_document() {
    let (table, commands) = (table(), commands());
    assert!(commands.len() > 25, "{commands:?}");
    let listed: BTreeSet<&String> = table.keys().collect();
    let there: BTreeSet<&String> = commands.keys().collect();
    assert_eq!(listed, there, "the table of commands in README.md; {REPEAT}");
    for (command, takes_json) in &commands {
        assert_eq!(table[command].document != "–", *takes_json, "{command}: its --json in README.md; {REPEAT}");
    }
}

/// Names as long as they may be, so that a table that can overflow does.
const LONG: &str = "a-calendar-entry-with-a-name-of-40-chars";

/// Whether a line fits a terminal of 80 columns. What is a log or a document and no table is wider, and a path is written whole: a cut one opens
/// nothing.
fn fits(command: &str, line: &str) -> bool {
    let is_log = ["run", "watch", "audit", "observe", "hooks test"].contains(&command);
    let is_path = line.split_whitespace().any(|word| word.contains('/') && word.chars().count() > 40);
    is_log || is_path || line.chars().count() <= 80
}

/// Runs a command with `--json` and as it is: the code is listed, lines fit, and the document is what the README says.
async fn speaks(site: &Site, table: &BTreeMap<String, Row>, command: &str, arguments: &[&str]) -> Value {
    let words: Vec<&str> = command.split(' ').chain(arguments.iter().copied()).collect();
    let row = &table[command];
    let json = softlanding_ends(&site.folder, &[&words[..], &["--json"]].concat()).await;
    let (said, complaint) = texts(&json);
    let code = json.status.code().unwrap_or(-1);
    assert!(code == 0 || row.codes.contains(&code), "{command} --json: {code}\n{said}{complaint}; {REPEAT}");
    let plain = softlanding(&site.folder, &words).env("COLUMNS", "80").output().await.expect("the program runs");
    let (shown, complaint) = texts(&plain);
    let code = plain.status.code().unwrap_or(-1);
    assert!(
        code == 0 || row.codes.contains(&code),
        "{command}: code {code} is not listed\n{shown}{complaint}; {REPEAT}"
    );
    assert!(!shown.contains('\u{1b}'), "{command}: no terminal, and yet\n{shown}; {REPEAT}");
    for line in shown.lines() {
        assert!(fits(command, line), "{command}: {} columns\n{line}; {REPEAT}", line.chars().count());
    }
    if row.document == "a record a line" {
        let lines: Vec<Value> =
            said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
        assert!(!lines.is_empty() && lines.iter().all(|line| line["seq"].is_u64()), "{command}: {said}; {REPEAT}");
        return Value::from(lines);
    }
    let document: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{command}: {e}: {said}; {REPEAT}"));
    assert_eq!(document["format"], row.document, "{command}: {said}; {REPEAT}");
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_prints_the_document_that_the_readme_names_and_tables_fit() {
    patiently(async {
        let table = table();
        let entry = format!("schedule = \"Approved\"\n[[publish]]\nname = \"{LONG}\"\ncron = \"0 0 16 * * Fri\"\nzone = \"Central\"\nbusiness_unit = \"Customer Care\"\n");
        let site = Site::open("ops-contract", calm(&["Approved", "What if"]), -20, 30.0, &entry).await;
        let care = ["--publish", "care"];
        let speaks = async |command: &str, arguments: &[&str]| speaks(&site, &table, command, arguments).await;
        let mut seen = BTreeSet::new();
        let mut said = async |command: &str, arguments: &[&str]| {
            seen.insert(command.to_owned());
            speaks(command, arguments).await
        };
        said("step", &["stage", "--run", "steps", "--publish", "care", "--at", "2026-11-27 17:00 America/Chicago"]).await;
        // Staged by hand for another hour: one schedule is for one run at a time, so the first is called off.
        site.says(&["abort", "steps", "--why", "the test wants another"]).await;
        said("stage", &[&care[..], &["--explain"]].concat()).await;
        let staged: Value =
            serde_json::from_str(&site.says(&["stage", "--publish", "care", "--json"]).await).expect("JSON");
        let run = staged["run"].as_str().expect("a run").to_owned();
        said("run", &[&run]).await;
        said("watch", &[&run]).await;
        said("audit", &[&run]).await;
        let one = said("status", &[&run]).await;
        assert_eq!(one["runs"][0]["run"], run, "{REPEAT}");
        said("status", &[]).await;
        said("calendar", &[]).await;
        said("doctor", &[]).await;
        said("check", &[&care[..], &["--all"]].concat()).await;
        said("agents list", &[]).await;
        said("evidence", &[]).await;
        said("hooks list", &[]).await;
        said("hooks test", &["settled"]).await;
        said("hooks run", &["settled", "--run", &run]).await;
        said("keys list", &[]).await;
        said("webhooks list", &[]).await;
        said("webhooks dead", &[]).await;
        let now = ["--business-unit", "Customer Care", "--before", "0s", "--after", "1s", "--every", "1s"];
        said("observe", &now).await;
        let with_json: BTreeSet<String> =
            commands().into_iter().filter(|(_, takes)| *takes).map(|(command, _)| command).collect();
        // A rehearsal brings its own org, and takes as long as it takes; its records are those of `run`.
        let missing: Vec<&String> = with_json.difference(&seen).filter(|name| *name != "rehearse").collect();
        assert!(missing.is_empty(), "no test runs {missing:?} with --json; {REPEAT}");
    })
    .await;
}
