//! The shipped files, held against the schemas and the libraries of their engines; and that a spoilt one is noticed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::process::{folder, installed};
use crate::{REPEAT, shipped, words};

const ARGO: &str = "packaging/engines/argo/cronworkflow.yaml";
const CRONTAB: &str = "packaging/engines/cron/crontab";
const DRIVE: &str = "packaging/engines/cron/softlanding-drive";
const RUNDECK: &str = "packaging/engines/rundeck/softlanding-care.yaml";

/// What a checker in tests/engines has against a file: one fault a line.
fn faults(checker: &str, file: &Path) -> Vec<String> {
    let output = Command::new(installed("python"))
        .arg(shipped("tests/engines").join(checker))
        .arg(file)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python runs");
    let found: Vec<String> = words(&output.stdout).lines().map(str::to_owned).collect();
    let agree = output.status.code() == Some(i32::from(!found.is_empty()));
    assert!(agree, "{checker} broke down; {REPEAT}\n{}", words(&output.stderr));
    found
}

/// A copy of a shipped file in which `from` is `to`.
fn spoilt(name: &str, file: &str, from: &str, to: &str) -> PathBuf {
    let text = std::fs::read_to_string(shipped(file)).expect("a shipped file");
    assert!(text.contains(from), "{file} does not hold {from:?}; {REPEAT}");
    let copy = folder(name).join("spoilt");
    std::fs::write(&copy, text.replace(from, to)).expect("a file");
    copy
}

fn is_good(checker: &str, file: &str) {
    let found = faults(checker, &shipped(file));
    assert!(found.is_empty(), "{file}; {REPEAT}\n{}", found.join("\n"));
}

/// Each way to spoil a file is noticed, in words that name it.
fn notices(checker: &str, file: &str, ways: &[(&str, &str, &str)]) {
    for (from, to, expected) in ways {
        let found = faults(checker, &spoilt(&format!("spoilt-{checker}"), file, from, to)).join("\n");
        assert!(found.contains(expected), "{from:?} as {to:?}: {expected:?} is missing in {found:?}; {REPEAT}");
    }
}

#[test]
fn argo_takes_the_cron_workflow() {
    is_good("argo_example.py", ARGO);
    let ways = [
        ("concurrencyPolicy: Forbid", "concurencyPolicy: Forbid", "spec.concurencyPolicy: not in the schema"),
        ("concurrencyPolicy: Forbid", "concurrencyPolicy: Allow", "Forbid is expected"),
        ("limit: \"400\"", "limit: [400]", "retryStrategy.limit"),
        ("template: wait", "template: pause", "there is no template pause"),
        ("depends: publish", "depends: publsh", "depends on publsh"),
        ("[6, 75, 130, 137, 143]", "[4, 75]", "asked again"),
        ("value: refresh", "value: settle", "the verbs are"),
        ("- name: state\n              mountPath", "- name: stat\n              mountPath", "no volume stat"),
    ];
    notices("argo_example.py", ARGO, &ways);
}

#[test]
fn rundeck_jobs_keep_to_the_documented_fields() {
    is_good("rundeck_example.py", RUNDECK);
    let ways = [
        // Rundeck counts Sunday as 1, so this would be a Thursday.
        ("? * FRI *", "? * 5 *", "schedule.crontab"),
        ("multipleExecutions: false", "multipleExecution: false", "'multipleExecution' was unexpected"),
        ("multipleExecutions: false", "multipleExecutions: true", "one execution at a time"),
        ("loglevel: INFO", "loglevel: LOUD", "'LOUD' is not one of"),
        ("care settle", "care check", "the verbs are"),
        ("timeout: 8h", "timeout: long", "timeout"),
    ];
    notices("rundeck_example.py", RUNDECK, &ways);
}

#[test]
fn cron_takes_the_crontab() {
    is_good("cron_example.py", CRONTAB);
    let ways = [
        ("Thu", "Thx", "not a line of a crontab"),
        ("* * * * Fri,Sat", "* * * Fri,Sat", "not a line of a crontab"),
        ("-q care stage", "care stage", "not a quiet drive"),
        ("care stage", "care stage $(date +%V)", "cron ends a command at a %"),
        ("publish check", "check publish", "the verbs are"),
    ];
    notices("cron_example.py", CRONTAB, &ways);
}

#[test]
fn shell_scripts_pass_shellcheck() {
    for script in [DRIVE, "tests/engines/scripted"] {
        let parsed = Command::new("sh").arg("-n").arg(shipped(script)).output().expect("sh runs");
        assert!(parsed.status.success(), "{script}; {REPEAT}\n{}", words(&parsed.stderr));
        let output = Command::new(installed("shellcheck")).arg(shipped(script)).output().expect("shellcheck runs");
        assert!(output.status.success(), "{script}; {REPEAT}\n{}", words(&output.stdout));
    }
}

/// What the script needs beyond POSIX is `flock`; a construct of another shell would be a fault here.
#[test]
fn the_loop_is_written_for_any_posix_shell() {
    let copy = spoilt("spoilt-shell", DRIVE, "set -u", "set -u\nlist=(a b)\necho \"${list[0]}\"");
    let output = Command::new(installed("shellcheck")).arg("--shell=sh").arg(copy).output().expect("shellcheck runs");
    assert!(!output.status.success(), "an array must be noticed; {REPEAT}");
}

#[test]
fn temporals_sdk_takes_the_workflow_and_replays_it() {
    let engines = shipped("packaging/engines");
    let output = Command::new(installed("python"))
        .arg(shipped("tests/engines/temporal_example.py"))
        .arg(shipped("tests/engines/scripted"))
        .current_dir(folder("engines-temporal"))
        .env("PYTHONPATH", std::env::join_paths([engines.join("temporal"), engines]).expect("paths"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python runs");
    let (said, complaint) = (words(&output.stdout), words(&output.stderr));
    // The SDK's own core warns on the standard output of a replay that fails, as one of them must.
    assert!(output.status.success() && said.ends_with("the SDK takes it"), "{REPEAT}\n{said}\n{complaint}");
}

#[test]
fn the_name_of_a_weeks_run_is_the_same_for_every_engine() {
    let script = "import sys; from datetime import datetime; from softlanding_step import week_run; \
                  print(week_run('care', datetime.fromisoformat(sys.argv[1]), 'America/Chicago'))";
    for (moment, expected) in [
        ("2026-11-26T15:00:00+00:00", "care-2026-W48"),
        // Sunday evening in Chicago, Monday in UTC.
        ("2026-11-30T03:00:00+00:00", "care-2026-W48"),
        ("2027-01-01T12:00:00+00:00", "care-2026-W53"),
    ] {
        let mut command = Command::new(installed("python"));
        command.args(["-c", script, moment]).env("PYTHONPATH", shipped("packaging/engines"));
        let output = command.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(folder("engines-name")).output();
        let said = words(&output.expect("python runs").stdout);
        assert_eq!(said, expected, "{moment}; {REPEAT}");
    }
}
