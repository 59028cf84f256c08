//! One run, or one entry of the calendar, for one target: what the journal holds after the cursor, message by message.
//!
//! Must never: move on before a message was taken or given up.

use super::attempt::{Attempts, Ended};
use super::message::{self, Message};
use crate::hands::journal::{AnyJournal, Journal, JournalError};
use crate::hands::outbox::{Behind, Failing};
use crate::law::event::{Event, Phase, Record};
use crate::law::occurrence::{Note, Reminder};
use crate::shells::daemon::news::{Delivery, News, Teller};
use crate::shells::report::Story;
use crate::words::clock::{Clock, Moment};
use crate::words::id::RunId;

/// A cursor that lags behind records which nobody wants to hear of costs a second look at them after a restart, and every write
/// costs the journal a turn; so it catches up this often, in ms, and when the run is over.
const CATCH_UP_MS: i64 = 30_000;

/// How far a run was heard in this process.
pub(super) struct Following {
    story: Box<Story>,
    /// What of an entry's refusals was told.
    reminder: Reminder,
    /// Records that were heard.
    pub(super) heard: u64,
    /// Where the cursor stands in the store.
    pub(super) stored: u64,
    caught_up: Moment,
}

/// Why following ended.
pub(super) enum Halt {
    /// Everything was heard, for now.
    Heard(Following),
    /// The target wants nothing more, and that is noted.
    Gone,
    /// This process tells the target no more.
    Over,
}

impl Following {
    pub(super) fn from(stored: u64) -> Following {
        Following { story: Box::default(), reminder: Reminder::default(), heard: 0, stored, caught_up: Moment::now() }
    }

    /// Whether all up to a record was heard, and that need not be noted in the store yet.
    pub(super) fn rests_at(&self, last_seq: u64) -> bool {
        self.heard >= last_seq && !self.is_due()
    }

    fn is_due(&self) -> bool {
        self.is_over() || self.caught_up.is_past(CATCH_UP_MS, Moment::now())
    }

    /// Whether nothing more is expected of the run.
    pub(super) fn is_over(&self) -> bool {
        match self.story.phase() {
            Phase::Settled | Phase::Stopped => true,
            // Somebody may look again.
            Phase::InDoubt
            | Phase::Waiting
            | Phase::Refreshing
            | Phase::Preparing
            | Phase::Publishing
            | Phase::Checking
            | Phase::Settling => false,
        }
    }
}

/// What a run is followed with.
pub(super) struct Follow<'a> {
    pub(super) journal: &'a AnyJournal,
    pub(super) attempts: Attempts<'a>,
    pub(super) tell: &'a Teller,
}

impl Follow<'_> {
    /// Tells what there is to tell of a run that a target has not heard all of.
    pub(super) async fn all(&self, behind: Behind, following: Following) -> Result<Halt, JournalError> {
        let run = behind.run;
        match run.is_calendar() {
            true => self.entry(&run, following, behind.failing).await,
            false => self.run(&run, following, behind.failing).await,
        }
    }

    async fn run(
        &self,
        run: &RunId,
        mut following: Following,
        mut failing: Option<Failing>,
    ) -> Result<Halt, JournalError> {
        let target = self.attempts.target;
        loop {
            let records = self.journal.load_after::<Event>(run, following.heard).await?;
            let Some(last_seq) = records.last().map(|record| record.seq) else { break };
            for record in records {
                let turns = following.story.hear(&record);
                following.heard = record.seq;
                let Some(plan) = &following.story.plan else { continue };
                let entry = plan.policy.entry.as_deref();
                if !target.site.owns(plan) || !target.wanted.wants_of(entry) {
                    // Whose a run is never changes, so nothing of it needs to be heard.
                    following.heard = last_seq;
                    break;
                }
                if record.seq <= following.stored || !target.wanted.wants(super::names::name_of(&record.event), entry) {
                    continue;
                }
                let message = message::of_record(&target.source, run, &following.story, &record, &turns);
                if let Some(halt) = self.deliver(run, &mut following, &message, failing.take()).await? {
                    return Ok(halt);
                }
            }
        }
        self.catch_up(run, following).await
    }

    async fn entry(
        &self,
        stream: &RunId,
        mut following: Following,
        mut failing: Option<Failing>,
    ) -> Result<Halt, JournalError> {
        let target = self.attempts.target;
        let kept = target.site.entries.iter().map(|entry| &entry.name);
        let name = kept.into_iter().find(|name| RunId::calendar(name).is_ok_and(|ours| ours == *stream)).cloned();
        let records: Vec<Record<Note>> = self.journal.load_after(stream, following.heard).await?;
        for record in records {
            following.heard = record.seq;
            let Some(name) = name.as_deref() else { continue };
            let is_news = following.reminder.hear(record.at, &record.event);
            if !is_news || record.seq <= following.stored {
                continue;
            }
            let Some(message) = message::of_note(&target.source, stream, name, &record) else { continue };
            if target.wanted.wants(message.event, Some(name))
                && let Some(halt) = self.deliver(stream, &mut following, &message, failing.take()).await?
            {
                return Ok(halt);
            }
        }
        self.catch_up(stream, following).await
    }

    /// `None` to go on with the next message.
    async fn deliver(
        &self,
        run: &RunId,
        following: &mut Following,
        message: &Message,
        failing: Option<Failing>,
    ) -> Result<Option<Halt>, JournalError> {
        let Attempts { outbox, lease, target, mood, .. } = &self.attempts;
        let delivered = match self.attempts.deliver(run, following.stored, message, failing).await? {
            Ended::Taken => {
                mood.taken(outbox, lease, run).await?;
                Some(Clock::System.now())
            }
            Ended::GivenUp(letter) => {
                outbox.bury(lease, &letter).await?;
                mood.given_up(run);
                let word = Delivery::GivenUp { run: run.clone(), seq: letter.seq, why: letter.why };
                (self.tell)(News::Webhook { target: target.name.clone(), word });
                None
            }
            Ended::Gone => {
                let why = "its receiver answered 410: it wants no more messages".to_owned();
                outbox.disable(&target.name, &why, Clock::System.now()).await?;
                (self.tell)(News::Webhook { target: target.name.clone(), word: Delivery::Disabled { why } });
                return Ok(Some(Halt::Gone));
            }
            Ended::Stopping | Ended::LeaseLost => return Ok(Some(Halt::Over)),
        };
        if !outbox.move_to(lease, run, message.seq, delivered).await? {
            return Ok(Some(Halt::Over));
        }
        following.stored = message.seq;
        following.caught_up = Moment::now();
        Ok(None)
    }

    /// Notes in the store how far was heard, if that is worth a write.
    async fn catch_up(&self, run: &RunId, mut following: Following) -> Result<Halt, JournalError> {
        if following.heard > following.stored && following.is_due() {
            if !self.attempts.outbox.move_to(self.attempts.lease, run, following.heard, None).await? {
                return Ok(Halt::Over);
            }
            following.stored = following.heard;
            following.caught_up = Moment::now();
        }
        Ok(Halt::Heard(following))
    }
}
