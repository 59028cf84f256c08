//! One entry of the calendar: staged in time, caught up with, or missed; each is noted in the entry's own stream.
//!
//! The stream is led like a run, so that of several replicas one keeps an entry at a time.
//! Must never: let an instant pass without a word, or stage one twice.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch::Receiver;

use super::counters::Counters;
use super::news::{News, Teller, chain};
use super::site::{Entry as Kept, Site};
use super::stopped;
use crate::hands::hook::envelope;
use crate::hands::journal::{AnyJournal, Holder, Journal, JournalError, Record};
use crate::law::lead::Past;
use crate::law::occurrence::{Due, Entry, Note};
use crate::shells::leader::Leader;
use crate::shells::stage::name::entry_run_id;
use crate::shells::stage::{History, Refusal, StageRequest, Tools, WhenPast, stage};
use crate::words::calendar::Appointment;
use crate::words::clock::Timestamp;
use crate::words::hook::HookPoint;
use crate::words::id::RunId;

/// An entry is looked at this often, in real time, whatever it says itself: clocks are corrected, and replicas come and go.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Keeps one entry.
pub struct Keeper {
    /// The store.
    pub journal: Arc<AnyJournal>,
    /// The organisation.
    pub site: Arc<Site>,
    /// Which of its entries.
    pub at: usize,
    /// This process.
    pub holder: Holder,
    /// Counts what was missed.
    pub counters: Counters,
    /// How long the lease of the entry's stream lasts, in ms.
    pub lease_ms: i64,
    /// Hears what there is to tell.
    pub tell: Teller,
}

/// What kept an entry from being looked at.
#[derive(Debug, thiserror::Error)]
enum Hindrance {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("its name cannot name a stream: {0}")]
    Name(#[from] crate::words::id::BadId),
}

impl Keeper {
    /// Keeps the entry until the daemon stops; a look that has begun is brought to its end, hooks and all.
    pub async fn keep(&self, stopping: Receiver<bool>) {
        let Some(entry) = self.site.entries.get(self.at) else { return };
        let stop = stopped(stopping);
        tokio::pin!(stop);
        let mut quiet_until = None;
        let mut is_kept = false;
        loop {
            let now = self.site.clock.now();
            if quiet_until.is_none_or(|until| now >= until) {
                quiet_until = match self.look(entry, now).await {
                    Ok(until) => {
                        is_kept = true;
                        until
                    }
                    Err(e) => {
                        is_kept = false;
                        (self.tell)(News::NotKept { entry: entry.name.clone(), why: chain(&e) });
                        None
                    }
                };
            }
            if is_kept {
                let next = entry.recurrence.after(self.site.clock.now()).next().map(|fire| fire.at);
                (self.tell)(News::Kept { entry: entry.name.clone(), next });
            }
            let pause =
                quiet_until.map_or(LOOK_EVERY, |until| self.site.clock.real(until.since_ms(now)).min(LOOK_EVERY));
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One look: does what is due, and says until when nothing is. `None` looks again soon.
    async fn look(&self, entry: &Kept, now: Timestamp) -> Result<Option<Timestamp>, Hindrance> {
        let stream = RunId::calendar(&entry.name)?;
        match self.journal.begin(&stream, now, &[Note::Begun]).await {
            Ok(_) => self.told(entry, &Note::Begun),
            Err(JournalError::Exists { .. }) => {}
            Err(e) => return Err(e.into()),
        }
        let Some(leader) = Leader::take(&self.journal, &stream, &self.holder, self.lease_ms).await? else {
            return Ok(None);
        };
        let looked = tokio::select! {
            looked = self.work(entry, &stream, &leader) => looked,
            lost = leader.keep() => Err(lost.into()),
        };
        leader.release().await;
        looked
    }

    async fn work(
        &self,
        kept: &Kept,
        stream: &RunId,
        leader: &Leader<AnyJournal>,
    ) -> Result<Option<Timestamp>, Hindrance> {
        let notes = self.journal.load::<Note>(stream).await?;
        let mut last_seq = notes.len() as u64;
        let mut entry = Entry::of(notes.iter().map(|record| (record.at, &record.event)));
        self.recall(kept, &notes, &entry);
        loop {
            let now = self.site.clock.now();
            if let Some(note) = entry.untold.clone() {
                self.hook(kept, stream, &note, now, last_seq).await;
                self.journal.append(leader.lease(), last_seq, now, &[Note::Told], None).await?;
                last_seq += 1;
                entry.apply(now, &Note::Told);
                continue;
            }
            let next_after = |at| kept.recurrence.after(at).next().map(|fire| fire.at);
            let note = match entry.next(kept.habits, now, next_after) {
                Due::Nothing(until) => return Ok(until.or(Some(now + 60_000))),
                Due::Begin => Note::Begun,
                Due::CatchUp(publish_at, late_ms) => Note::CatchingUp { publish_at, late_ms },
                Due::Miss(publish_at, late_ms) => {
                    Note::Missed { publish_at, late_ms, why: entry.why_missed(publish_at) }
                }
                Due::Stage(publish_at) => self.stage(kept, publish_at, leader).await?,
            };
            let repeats = matches!(&note, Note::NotStaged { publish_at, why } if entry.has_said(*publish_at, why));
            self.journal.append(leader.lease(), last_seq, now, std::slice::from_ref(&note), None).await?;
            last_seq += 1;
            entry.apply(now, &note);
            if !repeats {
                self.told(kept, &note);
            }
        }
    }

    /// What the notes say, told to those who count: another process may have written them.
    fn recall(&self, kept: &Kept, notes: &[Record<Note>], entry: &Entry) {
        let missed = notes.iter().rev().find_map(|record| match &record.event {
            Note::Missed { publish_at, .. } => Some(*publish_at),
            Note::Begun | Note::Staged { .. } | Note::NotStaged { .. } | Note::CatchingUp { .. } | Note::Told => None,
        });
        let is_open = |(of, _, _): &(Timestamp, Timestamp, String)| entry.done_until.is_none_or(|until| *of > until);
        let refused = entry.trouble.as_ref().is_some_and(is_open);
        (self.tell)(News::Recalled { entry: kept.name.clone(), missed, refused });
    }

    /// Stages an occurrence. What refuses is a note, not an end: it is tried again until the instant is past.
    async fn stage(&self, kept: &Kept, publish_at: Timestamp, leader: &Leader<AnyJournal>) -> Result<Note, Hindrance> {
        let run = entry_run_id(publish_at, kept.zone, &kept.name)?;
        if self.journal.runs().await?.iter().any(|summary| summary.run == run) {
            return Ok(Note::Staged { publish_at, run });
        }
        let history = History::read(self.journal.as_ref()).await?;
        if let Some(run) = history.find_open(|past| self.is_for(kept, publish_at, past)) {
            return Ok(Note::Staged { publish_at, run: run.clone() });
        }
        let request = StageRequest {
            publish_at: Appointment { at: publish_at, zone: kept.zone },
            run: Some(run.clone()),
            when_past: WhenPast::CatchUp,
            ..kept.request.clone()
        };
        let site = &self.site;
        // Whoever was paused for longer than the lease asks nothing more on its strength.
        let client = site.client.permitted_by(leader.permit());
        let tools = Tools { client: &client, vault: site.vault.as_deref(), hooks: &site.hooks, history: &history };
        let staged = match stage(&request, &tools, site.clock.now()).await {
            Ok(ready) => ready.record(self.journal.as_ref()).await,
            Err(refusal) => Err(refusal),
        };
        Ok(match staged {
            Ok(_) | Err(Refusal::Journal(JournalError::Exists { .. })) => Note::Staged { publish_at, run },
            Err(refusal) => {
                let hint = refusal.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
                Note::NotStaged { publish_at, why: format!("{}{hint}", chain(&refusal)) }
            }
        })
    }

    /// Whether somebody has staged this publish already: for this entry, or outright for its business unit at that instant. It
    /// is the same publish, and a second run would make it twice.
    fn is_for(&self, kept: &Kept, publish_at: Timestamp, past: &Past) -> bool {
        let unit = &kept.request.business_unit;
        let same = match &past.entry {
            Some(entry) => *entry == kept.name,
            None => past.unit.as_str() == unit || past.unit_name.eq_ignore_ascii_case(unit),
        };
        same && past.publish_at == publish_at && self.site.is_of(past.api.as_deref(), past.client.as_deref())
    }

    fn told(&self, entry: &Kept, note: &Note) {
        (self.tell)(News::Calendar { entry: entry.name.clone(), note: note.clone() });
        self.counters.note(note);
    }

    /// Silence never reads as success: what could not be staged or was missed is told to the organisation's hooks.
    async fn hook(&self, kept: &Kept, stream: &RunId, note: &Note, now: Timestamp, seq: u64) {
        let (point, publish_at, why) = match note {
            Note::Missed { publish_at, why, .. } => (HookPoint::Missed, publish_at, why),
            Note::NotStaged { publish_at, why } => (HookPoint::Failed, publish_at, why),
            Note::Begun | Note::Staged { .. } | Note::CatchingUp { .. } | Note::Told => return,
        };
        let data = json!({
            "entry": kept.name,
            "business_unit": kept.request.business_unit,
            "publish_at": publish_at.rfc3339(),
            "zone": kept.zone.name(),
            "why": why,
        });
        let report = self.site.hooks.run(point, &envelope(point, stream, &kept.name, now, seq, data)).await;
        for hook in report.hooks.iter().filter(|hook| hook.problem().is_some()) {
            let problem = hook.problem().unwrap_or_default();
            let what = format!("the {point} hook {}", hook.name);
            (self.tell)(News::Trouble { run: None, what, why: problem });
        }
    }
}
