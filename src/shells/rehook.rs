//! The documents that the hooks of a past run had, made again from its journal.
//!
//! Must never: write to the journal, or know whether anything is run with them.

use std::sync::Arc;

use serde_json::Value;

use crate::hands::hook::envelope;
use crate::law::event::{Event, Record};
use crate::law::run::{BadJournal, Run};
use crate::law::verdict::Verdict;
use crate::shells::notice;
use crate::words::clock::Timestamp;
use crate::words::hook::HookPoint;
use crate::words::id::{RunId, Seat};

/// The documents of `point`, in the order in which the hooks had them, each as the run stood then. Where no hooks ran at the
/// point, what they would have had as the run stands now: at `straggler` one for each agent who is one, otherwise one.
///
/// # Errors
/// [`BadJournal`] when the records do not follow from each other.
pub fn documents(id: &RunId, records: &[Record], point: HookPoint) -> Result<Vec<Value>, BadJournal> {
    let now = Run::replay(records)?;
    // That replay has looked at the order of the records; this one stops at each moment in between.
    let mut then = Run::staged(Arc::clone(&now.plan));
    let mut found = Vec::new();
    for record in records.iter().skip(1) {
        if let Event::HooksRan { point: ran, seat, .. } = &record.event
            && *ran == point
        {
            found.push(document(id, &then, point, *seat, record.at));
        }
        then.apply(record.at, &record.event);
    }
    if found.is_empty() {
        let at = records.last().map_or_else(Timestamp::default, |record| record.at);
        found = seats(&now, point).into_iter().map(|seat| document(id, &now, point, seat, at)).collect();
    }
    Ok(found)
}

fn document(id: &RunId, run: &Run, point: HookPoint, seat: Option<Seat>, at: Timestamp) -> Value {
    let subject = seat.and_then(|seat| run.plan.member(seat)).map_or(id.as_str(), |member| member.agent.as_str());
    envelope(point, id, subject, at, run.seq, notice::data(id, run, point, seat))
}

/// Whom a document is about, as the run stands.
fn seats(run: &Run, point: HookPoint) -> Vec<Option<Seat>> {
    match point {
        HookPoint::Straggler => {
            let is_one = |seat: &Seat| {
                matches!(run.agent(*seat).and_then(|agent| agent.verdict), Some(Verdict::Straggler { .. }))
            };
            run.all_seats().filter(is_one).map(Some).collect()
        }
        HookPoint::PreStage
        | HookPoint::PreRefresh
        | HookPoint::PrePublish
        | HookPoint::Late
        | HookPoint::Missed
        | HookPoint::PostPublish
        | HookPoint::PostCheck
        | HookPoint::Settled
        | HookPoint::Failed => vec![None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shells::report::recorded;

    #[test]
    fn each_point_of_a_recorded_friday_has_its_document() {
        let (id, records) = (RunId::new("friday").unwrap(), recorded::friday().unwrap());
        for point in HookPoint::ALL {
            let documents = documents(&id, &records, point).unwrap();
            assert!(!documents.is_empty(), "{point}");
            for document in &documents {
                assert_eq!(document["type"], format!("softlanding.{point}.v1"));
                assert_eq!(document["data"]["run"], "friday");
            }
            let about_an_agent = documents.iter().all(|document| document["data"]["agent"]["id"].is_string());
            assert_eq!(about_an_agent, point == HookPoint::Straggler, "{point}");
        }
        let settled = documents(&id, &records, HookPoint::Settled).unwrap().remove(0);
        assert!(settled["data"]["tally"]["ready"].as_u64().is_some_and(|n| n > 0), "{settled}");
    }

    #[test]
    fn a_document_tells_how_the_run_stood_then() {
        let (id, records) = (RunId::new("friday").unwrap(), recorded::friday().unwrap());
        let before = documents(&id, &records, HookPoint::PrePublish).unwrap().remove(0);
        let ran = records.iter().find(|r| matches!(&r.event, Event::HooksRan { point: HookPoint::PrePublish, .. }));
        if let Some(ran) = ran {
            assert_eq!(before["time"], ran.at.rfc3339());
            assert_eq!(before["data"]["phase"], "preparing");
        }
        let after = documents(&id, &records, HookPoint::Settled).unwrap().remove(0);
        assert_ne!(before["data"]["phase"], after["data"]["phase"]);
    }
}
