//! A run as it happens: frames, taking a stream up where it broke off, and its end.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::client::{REPEAT, Served, answer};
use crate::support::process::patiently;
use crate::support::site::{RUN, Site, calm};

/// One who listens.
pub struct Listener {
    response: Response,
    unread: String,
}

impl Listener {
    pub async fn open(served: &Served, run: &str, query: &str, last: Option<u64>) -> Listener {
        let path = format!("/api/v1/runs/{run}/events{query}");
        let mut request = served.request(Method::GET, &path).bearer_auth(&served.viewer);
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200, "{path}; {REPEAT}");
        assert_eq!(response.headers()["content-type"], "text/event-stream", "{REPEAT}");
        Listener { response, unread: String::new() }
    }
    /// The next event: its id, its name, its data; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<(u64, String, Value)> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let event = event.to_owned();
                self.unread = rest.to_owned();
                let field = |name: &str| {
                    let lines = event.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    lines.map(str::to_owned).reduce(|all, line| format!("{all}\n{line}"))
                };
                let Some(name) = field("event") else { continue };
                let data = serde_json::from_str(&field("data").expect("data")).expect("JSON");
                return Some((field("id").map_or(0, |id| id.parse().expect("a number")), name, data));
            }
            let chunk = tokio::time::timeout(Duration::from_secs(100), self.response.chunk()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("nothing comes; {REPEAT}")).expect("bytes")?;
            self.unread.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }
}

/// What a page would show of everybody.
fn take_in(rows: &mut BTreeMap<u64, Value>, changed: &Value) {
    for row in changed.as_array().expect("rows") {
        rows.insert(row["seat"].as_u64().expect("a seat"), row.clone());
    }
}

/// The rows without what goes with time: it is no change.
fn timeless(rows: &BTreeMap<u64, Value>) -> Vec<Value> {
    let mut rows: Vec<Value> = rows.values().cloned().collect();
    for row in &mut rows {
        row["next_at"] = Value::Null;
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_off_is_taken_up_where_it_was_and_shows_what_a_whole_look_shows() {
    patiently(async {
        let site = Site::open("api-follow", calm(&["Approved"]), -9, 60.0, "").await;
        let mut served = Served::open(site, "").await;
        served.daemon.event("calendar.staged").await;
        let whole = served.get(&served.viewer, &format!("/api/v1/runs/{RUN}/agents")).await.well(200);
        assert_eq!(whole["agents"].as_array().expect("agents").len(), 12, "{whole}; {REPEAT}");
        let mut rows = BTreeMap::new();
        take_in(&mut rows, &whole["agents"]);
        let mut last = whole["last_seq"].as_u64().expect("a number");
        let mut listener = Listener::open(&served, RUN, &format!("?after={last}"), None).await;
        let (mut events, mut words, mut broken) = (0, Vec::new(), 0);
        let card = loop {
            let Some((id, event, data)) = listener.next().await else {
                panic!("the stream ended before its run; {REPEAT}");
            };
            if event == "over" {
                break served.get(&served.viewer, &format!("/api/v1/runs/{RUN}")).await.well(200);
            }
            assert_eq!((event.as_str(), &data["seq"]), ("record", &json!(id)), "{data}; {REPEAT}");
            assert!(id > last || events == 0 || broken > 0 && id >= last, "{id} after {last}; {REPEAT}");
            assert_eq!(data["card"]["last_seq"], json!(id), "{data}; {REPEAT}");
            take_in(&mut rows, &data["changed"]);
            words.extend(data["words"].as_array().expect("words").iter().map(ToString::to_string));
            (last, events) = (id, events + 1);
            // Every third time the connection is lost.
            if events % 3 == 0 {
                listener = Listener::open(&served, RUN, "", Some(last)).await;
                broken += 1;
            }
        };
        assert!(events > 6 && broken > 1, "{events} frames, {broken} times broken off; {REPEAT}");
        assert_eq!((&card["over"], &card["ending"]), (&json!(true), &json!("settled")), "{card}; {REPEAT}");
        assert_eq!(card["tally"]["ready"], 12, "{card}; {REPEAT}");
        let whole = served.get(&served.viewer, &format!("/api/v1/runs/{RUN}/agents")).await.well(200);
        let mut now = BTreeMap::new();
        take_in(&mut now, &whole["agents"]);
        assert_eq!(timeless(&rows), timeless(&now), "{REPEAT}");
        // Nothing was told twice, and what matters was told.
        let told = words.join("\n");
        for once in ["publish: sending it", "settled: "] {
            assert_eq!(told.matches(once).count(), 1, "{once}: {told}; {REPEAT}");
        }
        // A listener that comes late hears everything at once, also from a process that was not there.
        let served = served.restart().await;
        let mut late = Listener::open(&served, RUN, "", Some(1)).await;
        let (id, _, data) = late.next().await.expect("a frame");
        assert_eq!((id, data["changed"].as_array().expect("rows").len()), (last, 12), "{data}; {REPEAT}");
        assert!(data["words"].to_string().contains("publish: sending it"), "{data}; {REPEAT}");
        assert_eq!(late.next().await.expect("an end").1, "over", "{REPEAT}");
        assert_eq!(late.next().await, None, "{REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_followed_is_a_problem() {
    patiently(async {
        let site = Site::open("api-unfollowed", calm(&["Approved"]), -60, 1.0, "").await;
        let served = Served::open(site, "").await;
        let path = "/api/v1/runs/20261127-1600-nobody/events";
        served.get(&served.viewer, path).await.problem(404);
        served.get(&served.viewer, "/api/v1/runs/a%20b/events").await.problem(404);
        served.get(&served.viewer, "/api/v1/runs/%ff/events").await.problem(400);
        served.get(&served.viewer, &format!("{path}?after=x")).await.problem(400);
        served.get(&served.viewer, &format!("{path}?since=1")).await.problem(400);
        let bad = served.request(Method::GET, path).bearer_auth(&served.viewer).header("last-event-id", "x");
        answer(bad).await.problem(400);
    })
    .await;
}
