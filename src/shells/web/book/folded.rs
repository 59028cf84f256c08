//! One run, folded: how it stands, what is told of it, and which agents have changed since which record.
//!
//! Must never: count an agent as changed of whom the same is said as before.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::Kept;
use super::card::{self, RunCard};
use super::row::{AgentRow, row};
use crate::law::event::{Event, Record};
use crate::law::plan::Plan;
use crate::law::punctuality::Publish;
use crate::law::run::{BadJournal, Brake, Run};
use crate::law::verdict::{CallState, Verdict};
use crate::shells::deliver::names::name_of;
use crate::shells::report::Story;
use crate::shells::report::facts::Ending;
use crate::shells::report::notices::notices;
use crate::words::clock::Timestamp;
use crate::words::id::{RunId, Seat};

/// Changes that are remembered one by one; whoever asks for older ones is told of everybody who has changed since.
const CHANGES_MAX: usize = 65_536;
/// Lines that are remembered.
const LINES_MAX: usize = 512;
/// Lines of one frame, the newest.
const FRAME_LINES_MAX: usize = 100;

/// One run.
pub(in crate::shells::web) struct Folded {
    pub(in crate::shells::web) id: RunId,
    pub(in crate::shells::web) run: Run,
    pub(in crate::shells::web) story: Story,
    pub(in crate::shells::web) publish: Publish,
    /// Every seat in order of shift start; those without a known one last.
    pub(in crate::shells::web) by_shift: Arc<Vec<Seat>>,
    /// The instant and the name of the newest record.
    last: (Timestamp, &'static str),
    said: Vec<Said>,
    changes: VecDeque<(u64, Seat)>,
    /// Changes up to this record are not among `changes` any more.
    forgotten: u64,
    lines: VecDeque<(u64, Timestamp, String)>,
    mood: Mood,
}

/// What a row rests on, and since which record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Said {
    verdict: Option<Verdict>,
    call: CallState,
    since: u64,
}

/// What comes next for agents who are not ready depends on this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Mood {
    is_over: bool,
    brake: Brake,
}

/// What has happened since an earlier record.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::shells::web) struct Frame {
    /// The record after which it begins.
    #[serde(skip)]
    #[schema(ignore)]
    pub(super) after: u64,
    /// The number of the newest record: what `Last-Event-ID` goes on from.
    pub(in crate::shells::web) seq: u64,
    /// When it was recorded.
    #[schema(format = "date-time")]
    at: String,
    /// What it is.
    event: &'static str,
    /// What is worth a line of all that happened.
    pub(super) words: Vec<String>,
    /// When each of these was recorded.
    words_at: Vec<String>,
    /// The run as it is now.
    pub(in crate::shells::web) card: RunCard,
    /// The agents of whom something else is said now.
    pub(in crate::shells::web) changed: Vec<AgentRow>,
}

impl Folded {
    pub(super) fn of(id: &RunId, records: &[Record]) -> Result<Folded, BadJournal> {
        let (first, rest) = records.split_at_checked(1).unwrap_or_default();
        let run = Run::replay(first)?;
        let mut by_shift: Vec<Seat> = run.all_seats().collect();
        let start =
            |seat: &Seat| run.plan.member(*seat).and_then(|member| member.shift_start).map_or(i64::MAX, |at| at.0);
        by_shift.sort_by_cached_key(|seat| (start(seat), seat.0));
        let said = vec![Said::default(); run.agents.len()];
        let mut folded = Folded {
            id: id.clone(),
            run,
            story: Story::of(first),
            publish: Publish::of(first.iter().map(|record| &record.event)),
            by_shift: Arc::new(by_shift),
            last: first.first().map(|record| (record.at, name_of(&record.event))).unwrap_or_default(),
            said,
            changes: VecDeque::new(),
            forgotten: 0,
            lines: VecDeque::new(),
            mood: Mood::default(),
        };
        folded.tell(first);
        folded.take_in(rest)?;
        Ok(folded)
    }

    /// Takes in the next records.
    pub(super) fn take_in(&mut self, records: &[Record]) -> Result<(), BadJournal> {
        for record in records {
            let expected = self.run.seq + 1;
            // Somebody else may have taken it in meanwhile.
            if record.seq < expected {
                continue;
            }
            if record.seq > expected {
                return Err(BadJournal::Gap { expected, found: record.seq });
            }
            if matches!(record.event, Event::Staged { .. }) {
                return Err(BadJournal::StagedTwice(record.seq));
            }
            self.run.apply(record.at, &record.event);
            self.story.hear(record);
            self.publish.apply(&record.event);
            self.tell(std::slice::from_ref(record));
            for seat in concerned(&self.run, &record.event) {
                self.note(seat);
            }
        }
        if let Some(last) = records.last().filter(|last| last.seq == self.run.seq) {
            self.last = (last.at, name_of(&last.event));
        }
        self.note_mood();
        Ok(())
    }

    fn tell(&mut self, records: &[Record]) {
        for record in records {
            for line in notices(record, &self.story) {
                if self.lines.len() == LINES_MAX {
                    self.lines.pop_front();
                }
                self.lines.push_back((record.seq, record.at, line));
            }
        }
    }

    /// Notes that something else is said of an agent, if it is.
    fn note(&mut self, seat: Seat) {
        let Some(agent) = self.run.agent(seat) else { return };
        let (verdict, call) = (agent.verdict, agent.signals.on_call());
        let Some(said) = self.said.get_mut(seat.index()) else { return };
        if (said.verdict, said.call) == (verdict, call) {
            return;
        }
        *said = Said { verdict, call, since: self.run.seq };
        self.log(seat);
    }

    fn log(&mut self, seat: Seat) {
        if self.changes.len() == CHANGES_MAX
            && let Some((seq, _)) = self.changes.pop_front()
        {
            self.forgotten = seq;
        }
        self.changes.push_back((self.run.seq, seat));
    }

    /// When remedies stop, go on, or the run ends, something else comes next for all who are not ready: rare, so that a walk is
    /// fine.
    fn note_mood(&mut self) {
        let is_over = !matches!(self.story.ending(), Ending::Open(_));
        let mood = Mood { is_over, brake: self.story.remedies() };
        if std::mem::replace(&mut self.mood, mood) == mood {
            return;
        }
        let seq = self.run.seq;
        let waits = |said: &&mut Said| !matches!(said.verdict, Some(Verdict::Ready | Verdict::Recovered { .. }));
        self.said.iter_mut().filter(waits).for_each(|said| said.since = seq);
        // They are found by the walk over everybody.
        self.changes.clear();
        self.forgotten = seq;
    }

    /// The run in a few fields.
    pub(in crate::shells::web) fn card(&self) -> RunCard {
        card::card(&self.id, &self.run, &self.story, &self.publish)
    }

    /// An agent in a few fields.
    pub(in crate::shells::web) fn row(&self, seat: Seat) -> Option<AgentRow> {
        row(&self.story, self.run.agent(seat)?, seat)
    }

    /// What has happened since record `seq`; of a number that lies ahead, everything.
    pub(in crate::shells::web) fn since(&self, seq: u64) -> Frame {
        let seq = if seq > self.run.seq { 0 } else { seq };
        let (at, event) = self.last;
        let newest = self.lines.iter().rev().take_while(|(told, ..)| *told > seq).take(FRAME_LINES_MAX);
        let mut lines: Vec<_> = newest.map(|(_, at, line)| (line.clone(), at.rfc3339())).collect();
        lines.reverse();
        let (words, words_at) = lines.into_iter().unzip();
        let changed = self.changed_since(seq).into_iter().filter_map(|seat| self.row(seat)).collect();
        Frame { after: seq, seq: self.run.seq, at: at.rfc3339(), event, words, words_at, card: self.card(), changed }
    }

    fn changed_since(&self, seq: u64) -> BTreeSet<Seat> {
        if seq >= self.forgotten {
            return self.changes.iter().rev().take_while(|(at, _)| *at > seq).map(|(_, seat)| *seat).collect();
        }
        (0..).map(Seat).zip(&self.said).filter(|(_, said)| said.since > seq).map(|(seat, _)| seat).collect()
    }

    /// What is kept of it when it is not open, beside its plan.
    pub(super) fn kept(&self) -> (Arc<Plan>, Kept) {
        let kept = Kept {
            card: self.card(),
            evidence: self.story.losses.evidence(),
            watched_agents: self.story.losses.agents(),
        };
        (Arc::clone(&self.run.plan), kept)
    }
}

/// The agents of whom an event may have something else said.
fn concerned(run: &Run, event: &Event) -> Vec<Seat> {
    match event {
        Event::UsersSeen { seen } => seen.iter().map(|user| user.seat).collect(),
        Event::PhonesSeen { seen } => seen.iter().filter_map(|phone| run.seat_of(&phone.agent)).collect(),
        Event::PagesSeen { seen } => seen.iter().map(|page| page.seat).collect(),
        Event::Judged { verdicts } => verdicts.iter().map(|(seat, _)| *seat).collect(),
        Event::PhonesAbsent { .. }
        | Event::Staged { .. }
        | Event::TakenUp
        | Event::PhaseEntered { .. }
        | Event::HooksRan { .. }
        | Event::RefreshStarted { .. }
        | Event::TokenRefreshed { .. }
        | Event::RefreshFailed { .. }
        | Event::TokenLeft { .. }
        | Event::TokenDead { .. }
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
        | Event::PublishClaimed { .. }
        | Event::PublishAccepted { .. }
        | Event::PublishNotDone { .. }
        | Event::PublishDoubted { .. }
        | Event::PublishConfirmed { .. }
        | Event::PublishUnconfirmed { .. }
        | Event::Probed { .. }
        | Event::PageTold { .. }
        | Event::ReadFailed { .. }
        | Event::Watched { .. }
        | Event::Pushed { .. }
        | Event::Preflighted { .. }
        | Event::RemedyStarted { .. }
        | Event::RemedyAccepted { .. }
        | Event::RemedyFailed { .. }
        | Event::BrakeApplied { .. }
        | Event::Spent { .. }
        | Event::Settled { .. }
        | Event::Stopped { .. } => Vec::new(),
    }
}
