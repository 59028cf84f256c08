//! The shell loop with a program that only answers: which exit code is asked again, how long it waits, what it says.
//!
//! `sleep` and `date` are stand-ins as well, so that nothing waits and the clock stands at 21:58:30.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::support::process::folder;
use crate::{REPEAT, shipped, words};

const VERBS: [&str; 5] = ["stage", "refresh", "publish", "check", "settle"];
const DONE: &str = r#"0 {"run":"care-2026-W48","status":"done"}"#;

/// One run of the loop's life: its answers in a file, its calls and its waits in others.
struct Loop {
    folder: PathBuf,
}

impl Loop {
    fn with(name: &str, answers: &[&str]) -> Loop {
        let one = Loop { folder: folder(name) };
        one.stand_in("sleep", r#"printf '%s\n' "$1" >>"$SLEPT""#);
        one.stand_in("date", r#"case $1 in -u) echo 2026-11-27T21:58:30Z ;; *) echo 2026-W48 ;; esac"#);
        std::fs::write(one.folder.join("calls"), "").expect("a file");
        std::fs::write(one.folder.join("slept"), "").expect("a file");
        one.answers(answers);
        one
    }
    /// Further answers, from the first call of the next life on.
    fn answers(&self, answers: &[&str]) {
        let earlier = "\n".repeat(self.calls().len());
        std::fs::write(self.folder.join("answers"), earlier + &answers.join("\n") + "\n").expect("a file");
    }
    fn stand_in(&self, name: &str, text: &str) {
        let file = self.folder.join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("a file");
        std::fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("an executable");
    }
    fn drive(&self, arguments: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(shipped("packaging/engines/cron/softlanding-drive"));
        command.args(arguments).current_dir(&self.folder).env_remove("SOFTLANDING_AT").env_remove("SOFTLANDING_RUN");
        command.env("PATH", format!("{}:{path}", self.folder.display()));
        command
            .env("SOFTLANDING", shipped("tests/engines/scripted"))
            .env("SOFTLANDING_STATE", self.folder.join("state"));
        for (name, file) in [("ANSWERS", "answers"), ("CALLS", "calls"), ("SLEPT", "slept")] {
            command.env(name, self.folder.join(file));
        }
        command.output().expect("sh runs")
    }
    fn lines(&self, file: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.join(file)).expect("a file");
        text.lines().map(str::to_owned).collect()
    }
    fn calls(&self) -> Vec<String> {
        self.lines("calls")
    }
}

#[test]
fn every_verb_is_asked_in_order_and_the_end_is_said() {
    let one = Loop::with("drive-order", &[DONE; 5]);
    let output = one.drive(&[&["care"][..], &VERBS].concat());
    assert_eq!(output.status.code(), Some(0), "{}; {REPEAT}", words(&output.stderr));
    let calls = VERBS.map(|verb| format!("step {verb} --run care-2026-W48 --json"));
    assert_eq!(one.calls()[1..], calls[1..], "{REPEAT}");
    assert_eq!(one.calls()[0], format!("{} --publish care", calls[0]), "{REPEAT}");
    assert_eq!(words(&output.stdout), "softlanding-drive: care-2026-W48: settle done");
    assert_eq!(one.lines("slept"), [""; 0]);
}

#[test]
fn it_waits_until_again_at_but_never_longer_than_the_longest_wait() {
    let cases = [
        (r#""again_at":"2026-11-27T21:59:15Z""#, "45"),
        (r#""again_at": "2026-11-27T21:59:15.250Z","why":"too early""#, "45"),
        (r#""again_at":"2026-11-27T22:00:00Z""#, "60"),
        (r#""again_at":"2026-12-01T08:09:08Z""#, "60"),
        (r#""again_at":"2026-11-27T21:00:00Z""#, "1"),
        (r#""again_at":"in a while""#, "20"),
        (r#""why":"another process is at it""#, "20"),
    ];
    for (said, expected) in cases {
        let answer = format!("75 {{\"status\":\"not_yet\",{said}}}");
        let one = Loop::with("drive-again", &[&answer, DONE]);
        let output = one.drive(&["care", "publish"]);
        assert_eq!(output.status.code(), Some(0), "{said}: {}; {REPEAT}", words(&output.stderr));
        assert_eq!(one.lines("slept"), [expected], "{said}; {REPEAT}");
        assert_eq!(one.calls().len(), 2, "{said}; {REPEAT}");
    }
}

#[test]
fn what_a_repetition_cannot_help_ends_it_at_once_with_the_reason() {
    for code in [1, 2, 3, 4, 5, 8, 130] {
        let answer = format!("{code} {{\"status\":\"…\",\"why\":\"because of {code}\"}}");
        let one = Loop::with("drive-stop", &[&answer, DONE]);
        let output = one.drive(&["care", "refresh", "publish"]);
        let expected = format!("softlanding-drive: care-2026-W48: refresh ended with {code}: because of {code}");
        assert_eq!((output.status.code(), words(&output.stderr)), (Some(code), expected), "{REPEAT}");
        assert_eq!(one.calls().len(), 1, "{code}; {REPEAT}");
        assert_eq!(one.lines("slept"), [""; 0], "{code}; {REPEAT}");
    }
}

#[test]
fn without_a_document_the_last_line_for_people_is_the_reason() {
    let one = Loop::with("drive-no-document", &["2 "]);
    let output = one.drive(&["care", "publish"]);
    assert_eq!(words(&output.stderr), "softlanding-drive: care-2026-W48: publish ended with 2: words for people");
}

#[test]
fn access_and_a_killed_call_are_tried_again_a_bounded_number_of_times() {
    let access = r#"6 {"status":"access","why":"the store is not reachable"}"#;
    let one = Loop::with("drive-access", &[access, "KILLED {}", access, DONE]);
    let output = one.drive(&["care", "check"]);
    assert_eq!(output.status.code(), Some(0), "{}; {REPEAT}", words(&output.stderr));
    assert_eq!(one.lines("slept"), ["20"; 3], "{REPEAT}");

    let one = Loop::with("drive-access", &[access; 12]);
    let output = one.drive(&["care", "check"]);
    assert_eq!(output.status.code(), Some(6), "{REPEAT}");
    assert_eq!((one.calls().len(), one.lines("slept").len()), (9, 8), "{REPEAT}");
    assert!(words(&output.stderr).ends_with("the store is not reachable"), "{}", words(&output.stderr));
}

/// Cron mails whatever is printed, and asks each minute.
#[test]
fn quietly_a_thing_is_said_once_and_the_code_stays() {
    let person = r#"8 {"status":"needs_a_person","why":"to be approved"}"#;
    let one = Loop::with("drive-quiet", &[person; 2]);
    let (first, second) = (one.drive(&["-q", "care", "publish"]), one.drive(&["-q", "care", "publish"]));
    assert!(words(&first.stderr).ends_with("to be approved"), "{}; {REPEAT}", words(&first.stderr));
    assert_eq!((second.status.code(), words(&second.stderr)), (Some(8), String::new()), "{REPEAT}");
    one.answers(&[DONE; 2]);
    let (third, fourth) = (one.drive(&["-q", "care", "publish"]), one.drive(&["-q", "care", "publish"]));
    assert_eq!(words(&third.stdout), "softlanding-drive: care-2026-W48: publish done", "{REPEAT}");
    assert_eq!((fourth.status.code(), words(&fourth.stdout)), (Some(0), String::new()), "{REPEAT}");
}

#[test]
fn a_run_is_driven_by_one_at_a_time() {
    let one = Loop::with("drive-lock", &[DONE]);
    std::fs::create_dir(one.folder.join("state")).expect("a folder");
    let lock = File::create(one.folder.join("state/care-2026-W48.lock")).expect("a file");
    lock.lock().expect("a lock");
    let (loud, quiet) = (one.drive(&["care", "publish"]), one.drive(&["-q", "care", "publish"]));
    assert_eq!(loud.status.code(), Some(75), "{REPEAT}");
    assert!(words(&loud.stderr).ends_with("another is driving this run"), "{}", words(&loud.stderr));
    assert_eq!((quiet.status.code(), words(&quiet.stderr)), (Some(0), String::new()), "{REPEAT}");
    assert_eq!(one.calls(), [""; 0], "{REPEAT}");
    drop(lock);
    assert_eq!(one.drive(&["care", "publish"]).status.code(), Some(0), "{REPEAT}");
}

#[test]
fn without_a_verb_it_says_what_is_needed() {
    let one = Loop::with("drive-usage", &[]);
    let output = one.drive(&["care"]);
    assert_eq!(output.status.code(), Some(2), "{REPEAT}");
    assert!(words(&output.stderr).contains("such as: softlanding-drive care stage"), "{}", words(&output.stderr));
}
