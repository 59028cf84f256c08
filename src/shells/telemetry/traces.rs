//! Runs as traces: the run is the root, its phases are below it, and what was done in them below those. A fold of the records, so
//! that neither the law nor the hands know of it, and the times are the journal's.
//!
//! The ids are made from the run's name and the records' numbers, not drawn: whoever takes a run up goes on with the same trace, and
//! a span that two processes tell is one.
//! Must never: hold a run up, keep more spans than its bound, or name an agent.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::figures::Figures;
use crate::hands::otlp::Otlp;
use crate::law::command::Failure;
use crate::law::event::{Event, Phase, Record};
use crate::law::verdict::Rung;
use crate::shells::daemon::news::{News, Teller};
use crate::words::clock::Timestamp;
use crate::words::id::{RunId, Seat};

/// Spans that wait for the collector; what comes while there are so many is dropped and counted.
const WAITING_MAX: usize = 8_192;
/// Spans of one batch.
const BATCH_MAX: usize = 512;
/// How often batches are sent, in real time.
const EVERY: Duration = Duration::from_secs(2);

/// The spans of all runs that this process leads. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Traces(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    open: BTreeMap<RunId, Open>,
    waiting: Vec<Span>,
    dropped: u64,
}

/// What is under way in a run.
#[derive(Debug, Default)]
struct Open {
    refreshes: HashMap<Seat, Begun>,
    remedies: HashMap<(Rung, Seat), Begun>,
    publish: Option<Begun>,
}

/// The record with which something began.
#[derive(Debug, Clone, Copy)]
struct Begun {
    seq: u64,
    at: Timestamp,
}

/// Something that began and ended.
#[derive(Debug, Clone)]
struct Span {
    run: RunId,
    id: String,
    parent: Option<String>,
    name: String,
    begun_at: Timestamp,
    ended_at: Timestamp,
    attributes: Vec<(&'static str, Value)>,
    /// Why it did not end well, if it did not.
    error: Option<String>,
}

impl Traces {
    /// Takes in a record of a run: `figures` are those after it, `before` its phase before it and since when.
    pub(super) fn hear(&self, run: &RunId, figures: &Figures, record: &Record, before: (Phase, Timestamp)) {
        // What comes after the end (its hooks, orders that are too late) belongs to no span.
        if matches!(before.0, Phase::Settled | Phase::Stopped) {
            return;
        }
        let mut kept = self.kept();
        let kept = &mut *kept;
        let phase = phase_id(run, before.0);
        let open = kept.open.entry(run.clone()).or_default();
        if let Some(done) = open.hear(run, &phase, record) {
            keep(&mut kept.waiting, &mut kept.dropped, done);
        }
        if figures.phase() == before.0 {
            return;
        }
        let entry = ("softlanding.entry", json!({ "stringValue": figures.entry() }));
        let of_phase = Span {
            run: run.clone(),
            id: phase,
            parent: Some(run_id(run)),
            name: before.0.words().to_owned(),
            begun_at: before.1,
            ended_at: record.at,
            attributes: vec![entry.clone()],
            error: None,
        };
        keep(&mut kept.waiting, &mut kept.dropped, of_phase);
        let error = match figures.phase() {
            Phase::Settled => None,
            Phase::Stopped | Phase::InDoubt => Some(figures.phase().words().to_owned()),
            Phase::Waiting
            | Phase::Refreshing
            | Phase::Preparing
            | Phase::Publishing
            | Phase::Checking
            | Phase::Settling => return,
        };
        kept.open.remove(run);
        let whole = Span {
            run: run.clone(),
            id: run_id(run),
            parent: None,
            name: "run".to_owned(),
            begun_at: figures.begun_at(),
            ended_at: record.at,
            attributes: vec![entry, ("softlanding.run", json!({ "stringValue": run }))],
            error,
        };
        keep(&mut kept.waiting, &mut kept.dropped, whole);
    }

    fn take(&self) -> Vec<Span> {
        let mut kept = self.kept();
        let count = kept.waiting.len().min(BATCH_MAX);
        kept.waiting.drain(..count).collect()
    }
    fn put_back(&self, mut batch: Vec<Span>) {
        let mut kept = self.kept();
        batch.append(&mut kept.waiting);
        let beyond = batch.len().saturating_sub(WAITING_MAX);
        batch.truncate(WAITING_MAX);
        kept.dropped += beyond as u64;
        kept.waiting = batch;
    }
    fn dropped(&self) -> u64 {
        std::mem::take(&mut self.kept().dropped)
    }
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Spans are values: after a panic elsewhere one may be missing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(waiting: &mut Vec<Span>, dropped: &mut u64, span: Span) {
    if waiting.len() < WAITING_MAX { waiting.push(span) } else { *dropped += 1 }
}

impl Open {
    /// Takes in a record; what has come to its end with it.
    fn hear(&mut self, run: &RunId, phase: &str, record: &Record) -> Option<Span> {
        let begun = Begun { seq: record.seq, at: record.at };
        let (name, begun, count, error) = match &record.event {
            Event::RefreshStarted { seat, .. } => {
                self.refreshes.insert(*seat, begun);
                return None;
            }
            Event::TokenRefreshed { seat, .. } => ("refresh token", self.refreshes.remove(seat)?, None, None),
            Event::RefreshFailed { seat, failure, .. } | Event::TokenDead { seat, failure } => {
                ("refresh token", self.refreshes.remove(seat)?, None, Some(kind(failure)))
            }
            Event::PublishClaimed { .. } => {
                self.publish = Some(begun);
                return None;
            }
            Event::PublishConfirmed { .. } => ("publish", self.publish.take()?, None, None),
            Event::PublishNotDone { failure, .. } => ("publish", self.publish.take()?, None, Some(kind(failure))),
            Event::PublishUnconfirmed { .. } => ("publish", self.publish.take()?, None, Some("in doubt".to_owned())),
            Event::RemedyStarted { rung, seats } => {
                self.remedies.extend(seats.iter().map(|seat| ((*rung, *seat), begun)));
                return None;
            }
            Event::RemedyAccepted { rung, seats } => {
                (rung.words(), self.remedy(*rung, seats)?, Some(seats.len()), None)
            }
            Event::RemedyFailed { rung, seats, failure, .. } => {
                (rung.words(), self.remedy(*rung, seats)?, Some(seats.len()), Some(kind(failure)))
            }
            Event::Staged { .. }
            | Event::TakenUp
            | Event::TokenLeft { .. }
            | Event::PhaseEntered { .. }
            | Event::HooksRan { .. }
            | Event::RungUnavailable { .. }
            | Event::ProbeUnavailable { .. }
            | Event::ScheduleSeen { .. }
            | Event::Ordered { .. }
            | Event::OrderRefused { .. }
            | Event::OrderUnread { .. }
            | Event::Drifted { .. }
            | Event::PublishWaits { .. }
            | Event::PublishedElsewhere { .. }
            | Event::PublishLate { .. }
            | Event::PublishSent { .. }
            | Event::PublishAccepted { .. }
            | Event::PublishDoubted { .. }
            | Event::UsersSeen { .. }
            | Event::PhonesSeen { .. }
            | Event::PhonesAbsent { .. }
            | Event::Probed { .. }
            | Event::PagesSeen { .. }
            | Event::PageTold { .. }
            | Event::Watched { .. }
            | Event::Pushed { .. }
            | Event::Preflighted { .. }
            | Event::ReadFailed { .. }
            | Event::Judged { .. }
            | Event::BrakeApplied { .. }
            | Event::Spent { .. }
            | Event::Settled { .. }
            | Event::Stopped { .. } => return None,
        };
        let agents = count.map(|count| ("softlanding.agents", json!({ "intValue": count.to_string() })));
        Some(Span {
            run: run.clone(),
            id: hex(&[run.as_str(), name, &begun.seq.to_string(), &record.seq.to_string()], 8),
            parent: Some(phase.to_owned()),
            name: name.to_owned(),
            begun_at: begun.at,
            ended_at: record.at,
            attributes: agents.into_iter().collect(),
            error,
        })
    }
    /// When a remedy for these agents began: with the first of them.
    fn remedy(&mut self, rung: Rung, seats: &[Seat]) -> Option<Begun> {
        let begun = seats.iter().filter_map(|seat| self.remedies.remove(&(rung, *seat)));
        begun.min_by_key(|begun| begun.seq)
    }
}

/// The kind of a failure; its message may name people.
fn kind(failure: &Failure) -> String {
    let kind = serde_json::to_value(failure.kind).unwrap_or_default();
    kind.as_str().unwrap_or("failed").to_owned()
}

fn run_id(run: &RunId) -> String {
    hex(&[run.as_str()], 8)
}
fn phase_id(run: &RunId, phase: Phase) -> String {
    hex(&[run.as_str(), phase.words()], 8)
}
/// An id of so many bytes, the same for the same parts.
fn hex(parts: &[&str], bytes: usize) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

/// Sends what is kept, again and again, until `stopping` says true, and then what is left. What does not arrive is sent again.
pub async fn export(traces: Traces, otlp: Otlp, replica: String, tell: Teller, mut stopping: watch::Receiver<bool>) {
    let mut said: Option<String> = None;
    loop {
        let stops = tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => true,
            () = tokio::time::sleep(EVERY) => false,
        };
        let sent = send(&traces, &otlp, &replica).await;
        let dropped = traces.dropped();
        let why = match sent {
            Err(why) => Some(why),
            Ok(()) if dropped > 0 => Some(format!("{dropped} spans were dropped, as too many waited")),
            Ok(()) => None,
        };
        if let Some(why) = why.as_ref().filter(|why| said.as_ref() != Some(why)) {
            let what = "traces do not reach the collector".to_owned();
            tell(News::Trouble { run: None, what, why: why.clone() });
        }
        said = why;
        if stops {
            return;
        }
    }
}

async fn send(traces: &Traces, otlp: &Otlp, replica: &str) -> Result<(), String> {
    loop {
        let batch = traces.take();
        if batch.is_empty() {
            return Ok(());
        }
        if let Err(e) = otlp.send(&document(&batch, replica)).await {
            traces.put_back(batch);
            return Err(e.to_string());
        }
    }
}

/// The batch as OTLP has it: numbers of 64 bits are strings, ids hexadecimal.
fn document(batch: &[Span], replica: &str) -> Value {
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let nanos = |at: Timestamp| (i128::from(at.0) * 1_000_000).to_string();
    let spans: Vec<Value> = batch
        .iter()
        .map(|span| {
            let attributes: Vec<Value> =
                span.attributes.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
            let status = match &span.error {
                Some(why) => json!({ "code": 2, "message": why }),
                None => json!({ "code": 1 }),
            };
            let mut document = json!({
                "traceId": hex(&["run", span.run.as_str()], 16),
                "spanId": span.id,
                "name": span.name,
                "kind": 1,
                "startTimeUnixNano": nanos(span.begun_at),
                "endTimeUnixNano": nanos(span.ended_at.max(span.begun_at)),
                "attributes": attributes,
                "status": status,
            });
            if let Some(parent) = &span.parent {
                document["parentSpanId"] = json!(parent);
            }
            document
        })
        .collect();
    let resource = [
        text("service.name", "softlanding"),
        text("service.version", env!("CARGO_PKG_VERSION")),
        text("service.instance.id", replica),
    ];
    json!({
        "resourceSpans": [{
            "resource": { "attributes": resource },
            "scopeSpans": [{ "scope": { "name": "softlanding" }, "spans": spans }],
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shells::report::sample;

    /// The spans of a run whose first `from` records another process has heard.
    fn spans(records: &[Record], from: usize) -> (Traces, Vec<Span>) {
        let (run, traces) = (RunId::new("20261127-1600-care").unwrap(), Traces::default());
        let mut figures = Figures::of(&records[..from]);
        for record in &records[from..] {
            let before = (figures.phase(), figures.phase_at());
            figures.apply(record.at, &record.event);
            traces.hear(&run, &figures, record, before);
        }
        let spans = std::mem::take(&mut traces.kept().waiting);
        (traces, spans)
    }

    #[test]
    fn a_friday_is_one_trace_of_phases_with_what_was_done_in_them() {
        let records = sample::friday(1, 60);
        let (traces, spans) = spans(&records, 1);
        let root = spans.iter().find(|span| span.parent.is_none()).unwrap();
        assert_eq!((root.name.as_str(), &root.error), ("run", &None));
        let phases: Vec<&Span> = spans.iter().filter(|span| span.parent.as_ref() == Some(&root.id)).collect();
        let names: Vec<&str> = phases.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["waiting", "refresh", "prepare", "publish", "check and re-provision", "settle"]);
        // One follows upon the other, and together they are the whole.
        assert_eq!(phases[0].begun_at, root.begun_at);
        assert!(phases.windows(2).all(|pair| pair[0].ended_at == pair[1].begun_at));
        assert_eq!(phases.last().unwrap().ended_at, root.ended_at);
        let refreshed = records.iter().filter(|r| matches!(r.event, Event::TokenRefreshed { .. })).count();
        let told = spans.iter().filter(|span| span.name == "refresh token" && span.error.is_none()).count();
        assert!(refreshed > 0 && told == refreshed, "{told} of {refreshed}");
        assert_eq!(
            spans.iter().filter(|span| span.name == "publish" && span.parent.as_ref() != Some(&root.id)).count(),
            1
        );
        for span in &spans {
            assert!(span.begun_at <= span.ended_at, "{span:?}");
            let parent = span.parent.as_ref().map(|parent| spans.iter().find(|span| span.id == *parent));
            let parent = parent.map(|found| found.unwrap_or_else(|| panic!("{span:?} hangs in the air")));
            assert!(parent.is_none_or(|parent| parent.begun_at <= span.begun_at), "{span:?}");
        }
        let ids: std::collections::BTreeSet<&String> = spans.iter().map(|span| &span.id).collect();
        assert_eq!(ids.len(), spans.len());
        assert!(traces.kept().open.is_empty());
    }

    #[test]
    fn who_takes_a_run_up_goes_on_with_the_same_trace() {
        let records = sample::friday(1, 60);
        let half = records.len() / 2;
        let (whole, rest) = (spans(&records, 1).1, spans(&records, half).1);
        let last = rest.iter().find(|span| span.parent.is_none()).unwrap();
        let first = whole.iter().find(|span| span.parent.is_none()).unwrap();
        assert_eq!((&last.id, last.begun_at), (&first.id, first.begun_at));
        for span in rest.iter().filter(|span| span.parent.as_ref() == Some(&last.id)) {
            let twin = whole.iter().find(|other| other.id == span.id).unwrap();
            assert_eq!((span.begun_at, span.ended_at), (twin.begun_at, twin.ended_at));
        }
    }

    #[test]
    fn a_doubt_is_an_error_and_more_than_the_bound_is_dropped_and_counted() {
        let (_, doubt) = spans(&sample::in_doubt(), 1);
        let root = doubt.iter().find(|span| span.parent.is_none()).unwrap();
        assert_eq!(root.error.as_deref(), Some("in doubt"));
        let traces = Traces::default();
        traces.put_back(vec![root.clone(); WAITING_MAX + 3]);
        assert_eq!((traces.dropped(), traces.dropped()), (3, 0));
        assert_eq!(traces.take().len(), BATCH_MAX);
        let document = document(std::slice::from_ref(root), "me");
        let span = &document["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(span["traceId"].as_str().map(str::len), Some(32));
        assert_eq!((span["spanId"].as_str().map(str::len), &span["status"]["code"]), (Some(16), &json!(2)));
    }
}
