//! A log that nobody reads: no publish waits for a reader, and once there is one it reads everything, in order.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::Child;
use tokio::task::JoinHandle;

use crate::support::process::{patiently, softlanding, softlanding_ends, texts};
use crate::support::site::{REPEAT, RUN, Site, calm};

/// A pipe that is full already: who writes to it waits for a reader.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().expect("a pipe");
    let bytes = rustix::pipe::fcntl_setpipe_size(&writer, 4_096).expect("a small pipe");
    writer.write_all(&vec![b'\n'; bytes]).expect("room for as much");
    (reader, writer)
}

/// The program before a pipe that is full, and the end to read from.
fn unread(site: &Site, arguments: &[&str]) -> (Child, PipeReader) {
    let (reader, writer) = full_pipe();
    let mut command = softlanding(&site.folder, arguments);
    (command.stdout(writer).stderr(Stdio::piped()).spawn().expect("the program starts"), reader)
}

/// Reads to the end, each line as the document that it must be.
fn read(mut reader: PipeReader) -> JoinHandle<Vec<Value>> {
    tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("text");
        let lines = text.lines().filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}; {REPEAT}"))).collect()
    })
}

/// An address that was free a moment ago: the log, which would tell of one, is not read.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

async fn has_settled(site: &Site) -> bool {
    let output = softlanding_ends(&site.folder, &["status", RUN, "--json"]).await;
    let status: Value = serde_json::from_str(&texts(&output).0).unwrap_or_default();
    status["runs"][0]["phase"] == "settled"
}

#[tokio::test(flavor = "multi_thread")]
async fn no_publish_waits_for_whoever_reads_the_log_and_nothing_of_it_is_lost() {
    patiently(async {
        let site = Site::open("unread", calm(&["Approved"]), -4, 30.0, "").await;
        let address = free_address();
        site.edit(|config| format!("{config}\n[telemetry]\nlisten = \"{address}\"\n"));
        let (serving, reader) = unread(&site, &["serve"]);
        while !has_settled(&site).await {}
        assert_eq!(site.published(), (1, 1), "{REPEAT}");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let asked = async |path: &str| {
            let answer = http.get(format!("http://{address}{path}")).send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.expect("a text"))
        };
        assert_eq!((asked("/livez").await.0, asked("/readyz").await.0), (200, 200), "{REPEAT}");
        let metrics = asked("/metrics").await.1;
        assert!(metrics.contains("\nsoftlanding_log_lines_dropped_total 0\n"), "{metrics}; {REPEAT}");

        let reading = read(reader);
        let pid = serving.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it runs");
        kill_process(pid, Signal::TERM).expect("a signal");
        let output = serving.wait_with_output().await.expect("it ends");
        let log = reading.await.expect("the log");
        assert_eq!(output.status.code(), Some(0), "{log:?}{}; {REPEAT}", texts(&output).1);
        let events: Vec<&str> = log.iter().filter_map(|line| line["event"].as_str()).collect();
        assert_eq!((events.len(), events.last()), (log.len(), Some(&"stopped")), "{events:?}; {REPEAT}");
        for event in ["serving", "calendar.staged", "leading", "publish_confirmed", "settled"] {
            assert!(events.contains(&event), "no {event} in {events:?}; {REPEAT}");
        }
        assert!(!events.contains(&"log_lines_dropped"), "{events:?}; {REPEAT}");
        let numbers: Vec<u64> = log.iter().filter_map(|line| line["seq"].as_u64()).collect();
        assert!(numbers.len() > 5 && numbers.is_sorted(), "{numbers:?}; {REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_hand_does_not_wait_for_whoever_reads_its_records() {
    patiently(async {
        let site = Site::open("unread-run", calm(&["Approved"]), -4, 30.0, "").await;
        let staged: Value =
            serde_json::from_str(&site.says(&["stage", "--publish", "care", "--json"]).await).expect("JSON");
        let run = staged["run"].as_str().expect("a run").to_owned();
        let (running, reader) = unread(&site, &["run", &run, "--json"]);
        let clock = site.org.clock();
        while site.published() == (0, 0) {
            clock.sleep_until(clock.now() + 3_000).await;
        }
        let reading = read(reader);
        let output = running.wait_with_output().await.expect("it ends");
        let told = reading.await.expect("records");
        assert_eq!(output.status.code(), Some(0), "{}; {REPEAT}", texts(&output).1);
        assert_eq!(site.published(), (1, 1), "{REPEAT}");
        let journal = site.records(&run).await;
        let journal: Vec<Value> = journal.iter().map(|r| serde_json::to_value(r).expect("JSON")).collect();
        assert_eq!(told, journal, "{REPEAT}");
    })
    .await;
}
