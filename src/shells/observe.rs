//! Watches a business unit around a publish that is somebody else's: roll calls at a steady pace, and what they say together.
//!
//! Must never: change anything, or need a right to.

use std::future::Future;

use serde::Serialize;

use crate::hands::genesys::Client;
use crate::law::evidence::{Between, Evidence};
use crate::law::plan::Limits;
use crate::shells::rollcall::{Called, Unit, call};
use crate::words::clock::Timestamp;

/// What is watched, and how closely.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Watch {
    /// When the publish is expected.
    pub publish_at: Timestamp,
    /// Watched from so long before it, in ms.
    pub before_ms: i64,
    /// And until so long after it, in ms.
    pub after_ms: i64,
    /// Losses count as after the publish for so long, in ms.
    pub within_ms: i64,
    /// From one roll call to the next, in ms.
    pub every_ms: i64,
}

/// What was seen.
#[derive(Debug, Clone, Serialize)]
pub struct Observed {
    /// The business unit's name.
    pub business_unit: String,
    /// What was watched.
    pub watch: Watch,
    /// Each pair of looks.
    pub looks: Vec<Between>,
    /// Roll calls that could not be read whole.
    pub torn: usize,
    /// Requests for signals.
    pub reads: usize,
    /// Losses before and after.
    pub evidence: Evidence,
    /// Whether somebody ended it before its time was over: what was seen counts all the same.
    pub interrupted: bool,
}

/// Watches until the time is over or `stop` completes; `tell` hears every roll call.
pub async fn observe(
    client: &Client,
    unit: &Unit,
    limits: &Limits,
    watch: Watch,
    mut tell: impl FnMut(&Called),
    stop: impl Future<Output = ()>,
) -> Observed {
    let clock = client.clock();
    let mut observed = Observed {
        business_unit: unit.name.clone(),
        watch,
        looks: Vec::new(),
        torn: 0,
        reads: 0,
        evidence: Evidence::default(),
        interrupted: false,
    };
    let mut last: Option<Called> = None;
    let mut next_at = (watch.publish_at - watch.before_ms).max(clock.now());
    let mut stop = std::pin::pin!(stop);
    while next_at <= watch.publish_at + watch.after_ms {
        let look = async {
            clock.sleep_until(next_at).await;
            call(client, unit, limits, None).await
        };
        let called = tokio::select! {
            called = look => called,
            () = &mut stop => {
                observed.interrupted = true;
                break;
            }
        };
        tell(&called);
        observed.take_in(last.as_ref(), &called);
        // A look that took longer than the pace is followed at once, and none is made up for.
        next_at = (next_at + watch.every_ms).max(clock.now());
        last = Some(called);
    }
    observed.evidence = Evidence::of(&observed.looks, watch.publish_at, watch.within_ms);
    observed
}

impl Observed {
    fn take_in(&mut self, last: Option<&Called>, called: &Called) {
        self.reads += called.reads;
        self.torn += usize::from(!called.gaps.is_empty());
        if let Some(last) = last {
            let (ready, lost) = called.roll.lost_since(&last.roll);
            self.looks.push(Between { from: last.span.from, to: called.span.from, ready, lost });
        }
    }
}
