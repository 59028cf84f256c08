//! `softlanding watch`: a run is followed from elsewhere, and nothing but the watching ends with it.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::promtool::REPEAT;
use crate::support::process::{Talking, patiently, softlanding, softlanding_ends, texts};
use crate::support::site::{RUN, Site, calm};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_watched_from_elsewhere_to_its_end_and_no_watcher_disturbs_it() {
    patiently(async {
        let site = Site::open("ops-watch", calm(&["Approved"]), -4, 30.0, "").await;
        let nobody = softlanding_ends(&site.folder, &["watch", RUN]).await;
        assert_ne!(nobody.status.code(), Some(0), "a run that is not there was watched; {REPEAT}");
        site.edit(|config| format!("{config}\n[web]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:1\"\n"));
        let key = site.says(&["keys", "add", "--name", "prometheus", "--role", "viewer"]).await;
        let mut daemon = site.serve();
        let room = daemon.event("listening").await["at_address"].as_str().expect("an address").to_owned();
        daemon.event("calendar.staged").await;
        daemon.event("leading").await;
        may_be_asked(&room, key.trim()).await;
        // One to the end, as records; one in plain lines; one that is interrupted.
        let whole = Talking::start(softlanding(&site.folder, &["watch", RUN, "--json"]));
        let mut plain = softlanding(&site.folder, &["watch", RUN]);
        let plain = plain.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut leaves = Talking::start(softlanding(&site.folder, &["watch", RUN, "--json"]));
        leaves.until("phase_entered").await;
        let pid = leaves.child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it runs");
        kill_process(pid, Signal::INT).expect("a signal");
        let (code, complaint, _) = leaves.rest().await;
        assert_eq!(code, 130, "{complaint}; {REPEAT}");
        assert!(complaint.contains("the run goes on"), "{complaint}; {REPEAT}");

        let (code, complaint, heard) = whole.rest().await;
        assert_eq!(code, 0, "{complaint}; {REPEAT}");
        let output = plain.wait_with_output().await.expect("it ends");
        let (said, complaint) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{said}{complaint}; {REPEAT}");
        for part in ["Published once at", "settled:", "12 softphones checked"] {
            assert!(said.contains(part), "{part:?} is missing in\n{said}; {REPEAT}");
        }
        assert!(!said.contains('\u{1b}') && !said.contains('\r'), "no terminal, and yet:\n{said}; {REPEAT}");
        daemon.stop().await;
        assert_eq!(site.published(), (1, 1), "{REPEAT}");
        let journal = site.records(RUN).await;
        let journal: Vec<Value> = journal.iter().map(|r| serde_json::to_value(r).expect("JSON")).collect();
        assert_eq!(heard, journal, "{REPEAT}");
        // What is over is shown as a whole, and ends at once with the same code.
        let again = softlanding_ends(&site.folder, &["watch", RUN, "--json"]).await;
        assert_eq!((again.status.code(), texts(&again).0.lines().count()), (Some(0), journal.len()), "{REPEAT}");
    })
    .await;
}

/// The web room tells anybody whether it is ready, and figures to whoever has a key.
async fn may_be_asked(room: &str, key: &str) {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let ask = async |path: &str, key: Option<&str>| {
        let mut request = http.get(format!("http://{room}{path}"));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    };
    let (status, said) = ask("/readyz", None).await;
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((status, &said["ready"]), (200, &Value::Bool(true)), "{said}; {REPEAT}");
    assert_eq!(ask("/metrics", None).await.0, 401, "{REPEAT}");
    assert_eq!(ask("/metrics", Some("slk_nobody")).await.0, 401, "{REPEAT}");
    let (status, said) = ask("/metrics", Some(key)).await;
    assert_eq!(status, 200, "{said}; {REPEAT}");
    assert!(said.contains("softlanding_runs{phase=\"waiting\"}"), "{said}; {REPEAT}");
}
