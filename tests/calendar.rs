//! `softlanding calendar` and `doctor` as programs: what is printed fits on a terminal, what is for programs is JSON, an
//! expression that would fire on another day is refused with the reason and its place, and nothing is left out in silence.

mod support;

use std::path::Path;

use serde_json::Value;
use support::process::{folder, softlanding, softlanding_ends, softlanding_says, texts};

const REPEAT: &str = "to repeat: ./tests/run --test calendar";

/// A configuration of an org that nobody has to ask.
const ORG: &str =
    "[org]\nregion = \"us_west_2\"\nclient_id = \"softlanding\"\nclient_secret = { env = \"CALENDAR_SECRET\" }\n";
const WEEKLY: &str =
    "[[publish]]\nname = \"customer-care\"\nbusiness_unit = \"Customer Care\"\ncron = \"0 0 16 * * Fri\"\n";

fn write(folder: &Path, publishes: &str) {
    std::fs::write(folder.join("softlanding.toml"), format!("{ORG}{publishes}")).expect("a file");
}

/// What a command prints for people: 80 columns, and no control character.
async fn printed(folder: &Path, arguments: &[&str]) -> String {
    let said = softlanding_says(folder, arguments).await;
    fits(&said);
    said
}

fn fits(said: &str) {
    for line in said.lines() {
        // A path cannot be folded.
        let path = line.split(' ').any(|word| word.contains('/') && word.len() > 40);
        assert!(path || line.chars().count() <= 80, "{} columns: {line}; {REPEAT}", line.chars().count());
        assert!(!line.chars().any(char::is_control), "{line:?}; {REPEAT}");
    }
}

async fn json(folder: &Path, arguments: &[&str]) -> Value {
    let said = softlanding_says(folder, arguments).await;
    assert_eq!(said.lines().count(), 1, "one document: {said}; {REPEAT}");
    serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}; {REPEAT}"))
}

#[tokio::test]
async fn the_calendar_fits_on_a_terminal_and_its_document_says_the_same() {
    let here = folder("calendar-fits");
    let long = "[[publish]]\nname = \"a-name-of-forty-characters-is-the-limit1\"\nzone = \"America/Argentina/ComodRivadavia\"\n\
                business_unit = \"A business unit with a name that goes on and on and does not want to come to its end\"\n\
                schedule = \"Approved by the planning board of the western region, version of *\"\ncron = \"0 0 2 * * Sun\"\n\
                skip = [\"2027-01-03\", \"2027-01-10\"]\ndst_gap = \"skip\"\ndst_fold = \"both\"\n";
    write(&here, &format!("{WEEKLY}{long}"));
    let said = printed(&here, &["calendar", "--count", "60"]).await;
    for words in ["customer-care", "stage", "refresh", "prepare", "settle by", "16:00:00 CST", "16:00:00 CDT", "Z"] {
        assert!(said.contains(words), "{words} is not in\n{said}\n{REPEAT}");
    }
    let document = json(&here, &["calendar", "--count", "60", "--json"]).await;
    for entry in document["publishes"].as_array().expect("publishes") {
        let occasions = entry["occasions"].as_array().expect("occasions");
        let fires = occasions.iter().filter(|o| o["fate"] == "fires").count();
        assert_eq!(fires, 60, "{entry}; {REPEAT}");
        for occasion in occasions.iter().filter(|o| o["fate"] == "fires") {
            let phases = occasion["phases"].as_object().expect("phases");
            let names = ["prepare", "publish", "refresh", "settle_by", "stage"];
            assert_eq!(phases.keys().map(String::as_str).collect::<Vec<_>>(), names, "{REPEAT}");
            assert_eq!(phases["publish"]["utc"], occasion["publish_at"], "{REPEAT}");
            // What is printed for people and what is in the document are the same instants.
            let utc = phases["publish"]["utc"].as_str().expect("an instant").replace(".000Z", "Z");
            assert!(said.contains(&utc), "{utc} is not printed; {REPEAT}");
        }
    }
    let one = json(&here, &["calendar", "--publish", "customer-care", "--count", "1", "--json"]).await;
    assert_eq!(one["publishes"].as_array().map(Vec::len), Some(1), "{REPEAT}");
    let output = softlanding_ends(&here, &["calendar", "--publish", "custmer-care"]).await;
    let (_, complaint) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    assert!(complaint.contains("did you mean customer-care?"), "{complaint}; {REPEAT}");
}

#[tokio::test]
async fn a_weekday_as_a_digit_is_refused_with_the_reason_and_its_place() {
    let here = folder("calendar-digit");
    // The line of `cron` in each of these.
    let line = format!("{ORG}{WEEKLY}").lines().position(|line| line.starts_with("cron")).expect("a line") + 1;
    for (cron, words) in [
        ("0 0 16 * * 5", &["found \"5\" in the weekday field", "5 is Fri to a crontab and Thu to Quartz"][..]),
        ("0 16 * * 5", &["Fri"]),
        ("0 0 16 * * 1-5", &["weekday"]),
        ("0 0 16 * * Fri,6", &["weekday"]),
        ("0 0 25 * * Fri", &["25"]),
        ("whenever", &["cron"]),
        ("0 0 16 30 2 Fri", &["no date ever fits"]),
    ] {
        write(&here, &WEEKLY.replace("0 0 16 * * Fri", cron));
        for command in [&["calendar"][..], &["calendar", "--json"], &["status"]] {
            let output = softlanding_ends(&here, command).await;
            let (said, complaint) = texts(&output);
            let about = format!("{cron}: {command:?}\n{said}{complaint}{REPEAT}");
            assert_eq!((output.status.code(), said.as_str()), (Some(3), ""), "{about}");
            assert!(complaint.contains(&format!("softlanding.toml:{line}:")) && complaint.contains("cron"), "{about}");
            for part in words {
                assert!(complaint.contains(part), "{part} is missing: {about}");
            }
        }
        let output = softlanding_ends(&here, &["doctor"]).await;
        let (said, _) = texts(&output);
        assert_eq!(output.status.code(), Some(3), "{said}; {REPEAT}");
        assert!(said.contains("FAIL") && said.contains(&format!("softlanding.toml:{line}:")), "{said}; {REPEAT}");
    }
}

#[tokio::test]
async fn what_the_clocks_and_the_holidays_do_is_told() {
    let here = folder("calendar-dst");
    // Every day at a time that does not exist on one day of a year and comes twice on another.
    let daily = WEEKLY.replace("0 0 16 * * Fri", "0 30 2 * * *");
    let fold = daily.replace("customer-care", "fold").replace("0 30 2", "0 30 1");
    write(&here, &format!("{daily}dst_gap = \"skip\"\n{fold}dst_fold = \"both\"\n"));
    let said = printed(&here, &["calendar", "--count", "370"]).await;
    for words in
        ["no publish", "the clocks skip 02:30 that day", "twice that day", "this is the first time", "the second time"]
    {
        assert!(said.contains(words), "{words} is not told; {REPEAT}");
    }
    let document = json(&here, &["calendar", "--count", "370", "--json"]).await;
    let occasions = |n: usize| document["publishes"][n]["occasions"].as_array().expect("occasions").clone();
    let gaps = occasions(0).iter().filter(|o| o["fate"] == "in_gap" && o["publish_at"].is_null()).count();
    assert_eq!(gaps, 1, "{REPEAT}");
    let notes = occasions(1).iter().filter(|o| o["notes"].to_string().contains("twice that day")).count();
    assert_eq!(notes, 2, "{REPEAT}");
    // The next date of the calendar is a holiday: shown, with the reason, and another comes in its place.
    write(&here, WEEKLY);
    let next = json(&here, &["calendar", "--count", "1", "--json"]).await["publishes"][0]["occasions"][0].clone();
    let date = next["asked"].as_str().and_then(|asked| asked.split('T').next()).expect("a date").to_owned();
    write(&here, &format!("{WEEKLY}skip = [\"{date}\"]\n"));
    let said = printed(&here, &["calendar", "--count", "1"]).await;
    assert!(said.contains("no publish") && said.contains(&format!("{date} is a date in skip")), "{said}; {REPEAT}");
    let document = json(&here, &["calendar", "--count", "1", "--json"]).await;
    let fates: Vec<&Value> =
        document["publishes"][0]["occasions"].as_array().expect("occasions").iter().map(|o| &o["fate"]).collect();
    assert_eq!(fates, ["skipped_date", "fires"], "{REPEAT}");
}

#[tokio::test]
async fn a_calendar_without_entries_and_one_that_is_over_say_so() {
    let here = folder("calendar-empty");
    write(&here, "");
    let said = printed(&here, &["calendar"]).await;
    assert!(said.contains("no [[publish]]"), "{said}; {REPEAT}");
    assert_eq!(json(&here, &["calendar", "--json"]).await["publishes"].as_array().map(Vec::len), Some(0), "{REPEAT}");
    write(&here, &WEEKLY.replace("* * Fri", "* * Fri 2020"));
    let said = printed(&here, &["calendar"]).await;
    assert!(said.contains("There is no instant left after that."), "{said}; {REPEAT}");
}

/// Runs `doctor` with the secret in its environment, or without; its code and what it said.
async fn doctor(folder: &Path, arguments: &[&str], secret: Option<&str>) -> (i32, String) {
    let mut command = softlanding(folder, &[&["doctor", "--offline"], arguments].concat());
    match secret {
        Some(secret) => command.env("CALENDAR_SECRET", secret),
        None => command.env_remove("CALENDAR_SECRET"),
    };
    let output = command.output().await.expect("it runs");
    let (said, complaint) = texts(&output);
    assert!(complaint.is_empty(), "{complaint}; {REPEAT}");
    (output.status.code().unwrap_or(-1), said)
}

#[tokio::test]
async fn the_doctor_ends_with_0_when_it_works_and_with_6_when_something_is_missing() {
    const SECRET: &str = "Xk29-do-not-print-me";
    let here = folder("calendar-doctor");
    let (code, said) = doctor(&here, &[], None).await;
    assert!(code == 3 && said.contains("softlanding init"), "without a configuration: {said}; {REPEAT}");
    write(&here, WEEKLY);
    let before = std::fs::read_dir(&here).expect("a folder").count();
    let (code, said) = doctor(&here, &[], Some(SECRET)).await;
    assert_eq!(code, 0, "{said}; {REPEAT}");
    fits(&said);
    for words in ["configuration", "client secret", "store", "hooks", "publish customer-care", "zone data"] {
        assert!(said.contains(words), "{words} is not looked at: {said}; {REPEAT}");
    }
    assert!(!said.contains(SECRET), "a secret was printed; {REPEAT}");
    let (code, said) = doctor(&here, &[], None).await;
    assert_eq!(code, 6, "{said}; {REPEAT}");
    assert!(said.contains("CALENDAR_SECRET") && said.contains("fix:"), "{said}; {REPEAT}");
    fits(&said);
    // Every complaint of the document has its remedy, and the worst of them is the code.
    let (code, said) = doctor(&here, &["--json"], None).await;
    let document: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    assert_eq!((code, &document["worst"]), (6, &"fail".into()), "{REPEAT}");
    let checks = document["checks"].as_array().expect("checks");
    let failed: Vec<&Value> = checks.iter().filter(|check| check["mark"] == "fail").collect();
    assert!(!failed.is_empty() && failed.iter().all(|check| check["fix"].is_string()), "{said}; {REPEAT}");
    // A journal that is something else's, an entry that never comes again, two errors in the file.
    std::fs::write(here.join("softlanding.db"), "not a database, and long enough to be told from one".repeat(40))
        .expect("a file");
    write(&here, &WEEKLY.replace("* * Fri", "* * Fri 2020"));
    let (code, said) = doctor(&here, &[], Some(SECRET)).await;
    assert_eq!((code, said.matches("FAIL").count()), (6, 2), "{said}; {REPEAT}");
    fits(&said);
    write(&here, "[timing]\nrefresh_lead = 3\nlate_by_max = \"soon\"\n");
    let (code, said) = doctor(&here, &[], Some(SECRET)).await;
    assert_eq!((code, said.matches("FAIL").count()), (3, 2), "{said}; {REPEAT}");
    fits(&said);
    std::fs::remove_file(here.join("softlanding.db")).expect("removed");
    assert_eq!(std::fs::read_dir(&here).expect("a folder").count(), before, "doctor made something; {REPEAT}");
}
