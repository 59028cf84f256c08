//! A Friday under `serve` with a small OpenTelemetry collector, which takes what comes once it is there.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;

use crate::promtool::REPEAT;
use crate::support::process::patiently;
use crate::support::site::{Site, calm};

/// The spans that have arrived. The first batch is refused, as a collector that starts does.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<(u32, Vec<Value>)>>);

impl Collector {
    async fn take(&self, headers: HeaderMap, body: String) -> StatusCode {
        assert_eq!(headers["content-type"], "application/json", "{REPEAT}");
        let mut kept = self.0.lock().expect("a lock");
        kept.0 += 1;
        if kept.0 == 1 {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let batch: Value = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}; {REPEAT}"));
        let resource = &batch["resourceSpans"][0];
        assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "softlanding", "{batch}; {REPEAT}");
        let spans = resource["scopeSpans"][0]["spans"].as_array().expect("spans");
        kept.1.extend(spans.iter().cloned());
        StatusCode::OK
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friday_reaches_the_collector_as_one_trace() {
    patiently(async {
        let collector = Collector::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let taking = collector.clone();
        let app = Router::new()
            .route("/v1/traces", post(move |headers, body| async move { taking.take(headers, body).await }));
        tokio::spawn(async move { axum::serve(listener, app).await });

        let site = Site::open("ops-traces", calm(&["Approved"]), -4, 30.0, "").await;
        site.edit(|config| format!("{config}\n[telemetry]\notlp = \"{url}\"\n"));
        let mut daemon = site.serve();
        daemon.event("ended").await;
        let end = daemon.stop().await;
        let refused = end.about("trouble");
        assert_eq!(refused.len(), 1, "{refused:?}; {REPEAT}");
        assert!(refused[0]["message"].as_str().is_some_and(|text| text.contains("503")), "{refused:?}; {REPEAT}");

        let (batches, spans) = collector.0.lock().expect("a lock").clone();
        assert!(batches > 1, "{REPEAT}");
        let traces: BTreeSet<&str> = spans.iter().filter_map(|span| span["traceId"].as_str()).collect();
        assert_eq!(traces.len(), 1, "{spans:#?}; {REPEAT}");
        let named = |name: &str| spans.iter().filter(|span| span["name"] == name).count();
        assert_eq!(named("refresh token"), 12, "{REPEAT}");
        // The phase, and the request in it.
        assert_eq!(named("publish"), 2, "{REPEAT}");
        for once in ["run", "waiting", "refresh", "prepare", "check and re-provision", "settle"] {
            assert_eq!(named(once), 1, "{once}; {REPEAT}");
        }
        let ids: BTreeSet<&str> = spans.iter().filter_map(|span| span["spanId"].as_str()).collect();
        assert_eq!(ids.len(), spans.len(), "{REPEAT}");
        for span in &spans {
            let parent = span["parentSpanId"].as_str();
            assert!(parent.is_none_or(|parent| ids.contains(parent)), "{span}; {REPEAT}");
        }
        let text = serde_json::to_string(&spans).expect("JSON");
        for agent in site.org.truth().agents {
            assert!(!text.contains(agent.id.as_str()), "an agent is named; {REPEAT}");
        }
    })
    .await;
}
