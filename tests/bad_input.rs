//! Rubbish in: one clear sentence, a hint, a documented exit code, nothing changed; never a panic, never a secret.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Output, Stdio};

use support::process::{Bench, exported, folder, softlanding, softlanding_ends, softlanding_says, texts};

const REPEAT: &str = "to repeat: ./tests/run --test bad_input";
/// A secret that must not be printed, whatever is wrong with the place it stands in.
const SECRET: &str = "Xk29-do-not-print-me";

/// A configuration that is right, for a host that does not answer.
const GOOD: &str = r#"
[org]
api_url = "http://127.0.0.1:9"
login_url = "http://127.0.0.1:9"
client_id = "softlanding"
client_secret = { env = "BAD_INPUT_SECRET" }
"#;

const STAGE: [&str; 5] = ["stage", "--business-unit", "Customer Care", "--at", "2099-11-27 16:00 America/Chicago"];

/// Every file below a folder, with its length.
fn files(folder: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry")) {
        let name = entry.file_name().to_string_lossy().into_owned();
        // SQLite's own files come and go with each reader.
        if !name.ends_with("-wal") && !name.ends_with("-shm") {
            // Even a reader makes SQLite tidy its file up, so of a database the name alone counts.
            let length = if name.ends_with(".db") { 0 } else { entry.metadata().expect("metadata").len() };
            found.insert(name, length);
        }
    }
    found
}

/// Runs a command that must be refused with `code`, with all of `expected` in its complaint, and with nothing changed.
async fn refused(folder: &Path, arguments: &[&str], code: i32, expected: &[&str]) {
    let before = files(folder);
    let output = softlanding(folder, arguments).env("BAD_INPUT_SECRET", SECRET).output().await.expect("it runs");
    let (said, complaint) = texts(&output);
    let about = format!("softlanding {}\n{said}\n{complaint}\n{REPEAT}", arguments.join(" "));
    assert_eq!(output.status.code(), Some(code), "{about}");
    for words in expected {
        assert!(complaint.contains(words), "{words:?} is missing: {about}");
    }
    assert!(!complaint.contains("panicked") && !complaint.contains("RUST_BACKTRACE"), "{about}");
    assert!(!complaint.contains(SECRET) && !said.contains(SECRET), "a secret was printed: {about}");
    assert!(said.is_empty(), "a refusal speaks on the standard error: {about}");
    assert_eq!(before, files(folder), "something changed: {about}");
}

/// Writes a configuration and stages with it.
async fn refused_config(folder: &Path, config: &str, code: i32, expected: &[&str]) {
    std::fs::write(folder.join("softlanding.toml"), config).expect("a file");
    refused(folder, &STAGE, code, expected).await;
}

#[tokio::test]
async fn a_configuration_that_is_rubbish_is_told_line_by_line() {
    let folder = folder("bad-config");
    let literal = GOOD.replace("{ env = \"BAD_INPUT_SECRET\" }", &format!("\"{SECRET}\""));
    let cases: Vec<(String, &[&str])> = vec![
        (String::new(), &["softlanding.toml", "org"]),
        ("[[[".to_owned(), &["softlanding.toml:1"]),
        ("\0\u{1}\u{feff}".to_owned(), &["softlanding.toml"]),
        ("org = 3".to_owned(), &["org", "found 3"]),
        (literal, &["org.client_secret", "env"]),
        (GOOD.replace("client_id", "client_idd"), &["client_id", "client_idd"]),
        (GOOD.replace("http://127.0.0.1:9", "http://api.example.com"), &["org.api_url", "org.login_url", "https"]),
        (GOOD.replace("http://127.0.0.1:9", "ftp://x"), &["org.api_url", "org.login_url"]),
        (
            format!("{GOOD}\n[timing]\nrefresh_lead = 20\nsettle_after = \"soon\"\n"),
            &["refresh_lead", "settle_after", "soon"],
        ),
        (format!("{GOOD}\n[limits]\nin_flight_max = 0\nbulk_ids_max = -5\n"), &["in_flight_max", "bulk_ids_max"]),
        (format!("{GOOD}\n[mechanisms]\nreassociate = \"yes\"\nreboot = true\n"), &["reassociate", "reboot", "true"]),
        (format!("{GOOD}\n[clock]\nfollow = \"https://clock.example.com/\"\n"), &["clock.follow"]),
        (format!("{GOOD}\n[nonsense]\nx = 1\n"), &["nonsense"]),
        (GOOD.replace("[org]", "[org]\nregion = \"us_midwest\""), &["org.region"]),
    ];
    for (config, expected) in cases {
        refused_config(&folder, &config, 3, expected).await;
    }
    std::fs::write(folder.join("softlanding.toml"), [0xff, 0xfe, 0x00, 0x80]).expect("a file");
    refused(&folder, &STAGE, 3, &["softlanding.toml"]).await;
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let folder = folder("bad-missing");
    refused(&folder, &STAGE, 3, &["softlanding.toml", "softlanding init"]).await;
    refused_config(&folder, &GOOD.replace("BAD_INPUT_SECRET", "NO_SUCH_VARIABLE"), 6, &["NO_SUCH_VARIABLE"]).await;
    refused_config(
        &folder,
        &GOOD.replace("env = \"BAD_INPUT_SECRET\"", "file = \"no-such-file\""),
        6,
        &["no-such-file"],
    )
    .await;
    refused_config(&folder, GOOD, 6, &["127.0.0.1", "connect"]).await;
    for arguments in [
        &["run", "20261127-1600-nobody-abcd"][..],
        &["report", "20261127-1600-nobody-abcd"],
        &["status", "20261127-1600-nobody-abcd"],
    ] {
        let output = softlanding_ends(&folder, arguments).await;
        let (_, complaint) = texts(&output);
        assert!([2, 4, 6].contains(&output.status.code().unwrap_or(-1)), "{arguments:?}: {complaint}; {REPEAT}");
        assert!(!complaint.is_empty() && !complaint.contains("panicked"), "{arguments:?}: {complaint}; {REPEAT}");
    }
    refused(&folder, &["agents", "import", "no-such-list"], 6, &["no-such-list"]).await;
}

#[tokio::test]
async fn a_command_line_that_is_rubbish_ends_with_2() {
    let folder = folder("bad-line");
    std::fs::write(folder.join("softlanding.toml"), GOOD).expect("a file");
    let lines: [&[&str]; 10] = [
        &["publish"],
        &["stage"],
        &["stage", "--business-unit", "x", "--at", "whenever"],
        &["stage", "--business-unit", "x", "--at", "Friday 25:00"],
        &["stage", "--business-unit", "x", "--at", "Friday 16:00", "--week", "tomorrow"],
        &["run"],
        &["run", "../../etc/passwd"],
        &["run", "é\u{1b}[31m"],
        &["twin", "--listen", "0.0.0.0:0"],
        &["twin", "--listen", "127.0.0.1:0", "--scenario", "nonsense"],
    ];
    for line in lines {
        refused(&folder, line, 2, &[]).await;
    }
}

/// How a command ends whose standard output is this.
async fn writes_to(folder: &Path, arguments: &[&str], out: impl Into<Stdio>) -> Output {
    let mut command = softlanding(folder, arguments);
    let child = command.env("BAD_INPUT_SECRET", SECRET).stdout(out).stderr(Stdio::piped()).spawn();
    child.expect("it starts").wait_with_output().await.expect("it ends")
}

/// What a command says of a standard output that takes nothing.
async fn into_a_full_disk(folder: &Path, arguments: &[&str]) -> String {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device that is always full");
    let output = writes_to(folder, arguments, full).await;
    let (_, complaint) = texts(&output);
    assert_eq!(output.status.code(), Some(6), "softlanding {}\n{complaint}\n{REPEAT}", arguments.join(" "));
    let told = complaint.matches("the standard output cannot be written").count();
    assert!(told == 1 && complaint.contains("No space left"), "{complaint}\n{REPEAT}");
    complaint
}

#[tokio::test]
async fn what_cannot_be_written_to_the_standard_output_is_not_done() {
    let folder = folder("bad-output");
    std::fs::write(folder.join("softlanding.toml"), GOOD).expect("a file");
    let run = exported(&folder);
    softlanding_says(&folder, &["import", "friday.jsonl"]).await;
    let lines: [&[&str]; 11] = [
        &["export", &run],
        &["audit", &run],
        &["status"],
        &["status", "--json"],
        &["report", "preview", "--sample"],
        &["report", "schema"],
        &["agents", "new-key"],
        &["webhooks", "new-secret"],
        &["webhooks", "events"],
        &["man"],
        &["completions", "bash"],
    ];
    for line in lines {
        let complaint = into_a_full_disk(&folder, line).await;
        assert_eq!(complaint.lines().count(), 1, "{complaint}\n{REPEAT}");
    }
    // A key that nobody has is no key, and its name is free.
    let add = ["keys", "add", "--name", "ci", "--role", "operator"];
    let complaint = into_a_full_disk(&folder, &add).await;
    assert!(complaint.contains("it was revoked") && !complaint.contains("has the role"), "{complaint}\n{REPEAT}");
    assert!(softlanding_says(&folder, &["keys", "list"]).await.contains("revoked"), "{REPEAT}");
    softlanding_says(&folder, &add).await;
    // A reader that has seen enough is no trouble.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = writes_to(&folder, &["export", &run], writer).await;
    assert_eq!((output.status.code(), texts(&output).1.as_str()), (Some(0), ""), "{REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_that_refuses_is_told_in_one_sentence() {
    let scenario = "story = \"bad-input: the calm org\"\n[org]\ndrafts = [\"Approved\", \"Appraised\"]\n";
    let bench = Bench::open("bad-org", scenario, 1).await;
    let folder = bench.folder.as_path();
    let stage = |unit: &'static str, at: &str, more: &[&'static str]| {
        let mut line =
            vec!["stage".to_owned(), "--business-unit".to_owned(), unit.to_owned(), "--at".to_owned(), at.to_owned()];
        line.extend(more.iter().map(|&m| m.to_owned()));
        line
    };
    let at = bench.at.as_str();
    let cases: [(Vec<String>, i32, &[&str]); 5] = [
        (stage("Customer Car", at, &[]), 2, &["Customer Care"]),
        (stage("Customer Care", at, &[]), 2, &["Approved", "Appraised"]),
        (stage("Customer Care", at, &["--schedule", "Aproved"]), 2, &["Approved"]),
        (stage("Customer Care", "2001-01-05 16:00 America/Chicago", &["--schedule", "Approved"]), 4, &["2001"]),
        (stage("Customer Care", at, &["--schedule", "Approved", "--week", "2031-01-06"]), 2, &["2031-01-06"]),
    ];
    for (line, code, expected) in cases {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        refused(folder, &line, code, expected).await;
    }
    std::fs::write(folder.join("twin-publisher.secret"), SECRET).expect("a file");
    refused(
        folder,
        &["stage", "--business-unit", "Customer Care", "--schedule", "Approved", "--at", at],
        6,
        &["client"],
    )
    .await;
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_named() {
    let scenario = "story = \"bad-input: no right to publish\"\nwithheld_permissions = [\"wfm:schedule:edit\"]\n";
    let bench = Bench::open("bad-permission", scenario, 1).await;
    let line = ["stage", "--business-unit", "Customer Care", "--schedule", "Approved", "--at", &bench.at];
    refused(&bench.folder, &line, 6, &["wfm:schedule:edit"]).await;
    assert_eq!(bench.truth().await["update_posts"], 0);
    bench.close().await;
}
