//! What the daemon has to tell, as values: the door makes lines of them, a dashboard may make pictures.
//!
//! Must never: carry a secret, or more than a reader of a log needs.

mod words;

use std::sync::Arc;

use serde_json::Value;

use crate::law::event::{Event, Phase, Record, Tally};
use crate::law::occurrence::Note;
use crate::law::punctuality::Punctuality;
use crate::shells::deliver::names::name_of;
use crate::shells::telemetry::figures::Figures;
use crate::words::clock::Timestamp;
use crate::words::id::{AgentId, RunId};

pub use words::note_words;

/// Hears the news.
pub type Teller = Arc<dyn Fn(News) + Send + Sync>;

/// Something worth a line.
#[derive(Debug, Clone)]
pub enum News {
    /// It serves from now on.
    Serving {
        /// The names of the calendar's entries.
        entries: Vec<String>,
    },
    /// The web room listens.
    Listening {
        /// The address.
        at: String,
        /// The URL that browsers reach it by.
        url: String,
    },
    /// Machines may ask how it is.
    Telemetry {
        /// The address.
        at: String,
    },
    /// An agent has signed in, and is enrolled.
    Enrolled {
        /// Who.
        agent: AgentId,
    },
    /// A person has signed in to the dashboard.
    SignedIn {
        /// Who, as journals have it.
        who: String,
        /// The role that the configuration gives.
        role: &'static str,
    },
    /// A person has shown who they are, and no rule lets them in.
    SignInRefused {
        /// Who.
        who: String,
    },
    /// It leads a run from now on.
    Leading {
        /// The run.
        run: RunId,
        /// Where the run is.
        phase: Phase,
        /// What had happened in it before, in figures.
        figures: Box<Figures>,
    },
    /// A run was found that is over.
    Over {
        /// The run.
        run: RunId,
        /// What happened in it, in figures.
        figures: Box<Figures>,
    },
    /// Something happened in a run that it leads.
    Recorded {
        /// The run.
        run: RunId,
        /// The record.
        record: Record,
        /// In words; empty for what is told by counts only.
        words: Vec<String>,
    },
    /// A run that it led is over.
    Ended {
        /// The run.
        run: RunId,
        /// How.
        phase: Phase,
    },
    /// It does not lead a run any more, and the run is not over.
    LetGo {
        /// The run.
        run: RunId,
        /// Why.
        why: String,
    },
    /// Something happened to an entry of the calendar.
    Calendar {
        /// The entry.
        entry: String,
        /// What.
        note: Note,
    },
    /// An entry of the calendar was looked at, here or on the replica that keeps it.
    Kept {
        /// The entry.
        entry: String,
        /// Its next instant; `None` when it has none left.
        next: Option<Timestamp>,
    },
    /// An entry of the calendar cannot be looked at.
    NotKept {
        /// The entry.
        entry: String,
        /// Why.
        why: String,
    },
    /// What the notes of an entry say, whichever process wrote them.
    Recalled {
        /// The entry.
        entry: String,
        /// The newest instant that was missed.
        missed: Option<Timestamp>,
        /// Whether its next instant could not be staged so far.
        refused: bool,
    },
    /// A count of publishes has changed.
    Counters {
        /// What became of the publishes that this process had in hand, since it started.
        counted: Punctuality,
    },
    /// A run is of an organisation that is not served here.
    NotOurs {
        /// The run.
        run: RunId,
        /// The API host that it was staged at.
        api: String,
    },
    /// A roll call that was asked for from outside is over.
    Checked {
        /// Who asked.
        by: String,
        /// The business unit.
        unit: String,
        /// How many agents have which verdict.
        tally: Tally,
        /// Where the whole document is kept; `None` when it could not be written.
        file: Option<String>,
    },
    /// An old run was deleted.
    Pruned {
        /// The run.
        run: RunId,
    },
    /// Something does not work, and is tried again.
    Trouble {
        /// The run, if it is about one.
        run: Option<RunId>,
        /// What.
        what: String,
        /// Why.
        why: String,
    },
    /// The store was looked at, and answered.
    Looked,
    /// The store cannot be read, or takes nothing that is written.
    StoreAway {
        /// Why.
        why: String,
    },
    /// The store can be used again.
    StoreBack,
    /// Pages on other replicas can be reached again.
    PagesBack,
    /// How it stands with a webhook has changed.
    Webhook {
        /// Whom it tells.
        target: String,
        /// What has changed.
        word: Delivery,
    },
    /// Nobody read the log in time, so that lines of it were dropped.
    LinesDropped {
        /// How many.
        lines: u64,
    },
    /// It was asked to end.
    Stopping {
        /// Runs in hand.
        led: usize,
    },
    /// It has ended.
    Stopped {
        /// Whether everything in hand was brought to its end.
        in_order: bool,
    },
}

/// What there is to tell of a webhook: a change for the worse or the better, never each delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It does not take what it is told; that is tried again.
    Failing {
        /// Why not.
        why: String,
    },
    /// It takes what it is told again.
    Back,
    /// A message was given up and is on the list of dead letters; what comes after it is told.
    GivenUp {
        /// The run that the message tells of.
        run: RunId,
        /// The record that it tells of.
        seq: u64,
        /// Why it was not taken last time.
        why: String,
    },
    /// Nothing is told to it any more, until somebody enables it.
    Disabled {
        /// Why.
        why: String,
    },
}

impl Delivery {
    fn name(&self) -> &'static str {
        match self {
            Delivery::Failing { .. } => "webhook_failing",
            Delivery::Back => "webhook_back",
            Delivery::GivenUp { .. } => "webhook_given_up",
            Delivery::Disabled { .. } => "webhook_disabled",
        }
    }
    fn words(&self, target: &str) -> String {
        match self {
            Delivery::Failing { why } => {
                format!("the webhook {target} does not take what it is told; it is tried again: {why}")
            }
            Delivery::Back => format!("the webhook {target} takes what it is told again"),
            Delivery::GivenUp { seq, why, .. } => {
                format!(
                    "record {seq} could not be told to the webhook {target} and is given up, see `softlanding webhooks dead`: {why}"
                )
            }
            Delivery::Disabled { why } => {
                format!(
                    "the webhook {target} is told nothing more, until `softlanding webhooks enable {target}`: {why}"
                )
            }
        }
    }
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warn,
    /// Somebody must look: a publish was missed, or is in doubt.
    Error,
}

impl Level {
    /// The level as logs write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

impl News {
    /// Trouble with its whole chain of causes.
    #[must_use]
    pub fn trouble(run: Option<RunId>, what: &str, error: &(dyn std::error::Error + 'static)) -> News {
        News::Trouble { run, what: what.to_owned(), why: chain(error) }
    }
    /// How much it matters.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            News::Recorded { record, .. } => level_of(&record.event),
            News::Calendar { note, .. } => match note {
                Note::Missed { .. } => Level::Error,
                Note::NotStaged { .. } | Note::CatchingUp { .. } => Level::Warn,
                Note::Begun | Note::Staged { .. } | Note::Told => Level::Info,
            },
            News::Checked { tally, .. } if tally.stragglers > 0 => Level::Warn,
            News::LetGo { .. }
            | News::NotOurs { .. }
            | News::NotKept { .. }
            | News::Trouble { .. }
            | News::StoreAway { .. }
            | News::SignInRefused { .. }
            | News::LinesDropped { .. }
            | News::Stopped { in_order: false } => Level::Warn,
            News::Webhook { word, .. } => match word {
                Delivery::Failing { .. } | Delivery::GivenUp { .. } | Delivery::Disabled { .. } => Level::Warn,
                Delivery::Back => Level::Info,
            },
            News::Ended { phase: Phase::InDoubt, .. } => Level::Error,
            News::Serving { .. }
            | News::Listening { .. }
            | News::Telemetry { .. }
            | News::Enrolled { .. }
            | News::SignedIn { .. }
            | News::Leading { .. }
            | News::Over { .. }
            | News::Ended { .. }
            | News::Kept { .. }
            | News::Recalled { .. }
            | News::Counters { .. }
            | News::Checked { .. }
            | News::Pruned { .. }
            | News::Looked
            | News::StoreBack
            | News::PagesBack
            | News::Stopping { .. }
            | News::Stopped { in_order: true } => Level::Info,
        }
    }
    /// The run that it is about.
    #[must_use]
    pub fn run(&self) -> Option<&RunId> {
        match self {
            News::Leading { run, .. }
            | News::Recorded { run, .. }
            | News::Over { run, .. }
            | News::Ended { run, .. }
            | News::LetGo { run, .. }
            | News::NotOurs { run, .. }
            | News::Pruned { run } => Some(run),
            News::Trouble { run, .. } => run.as_ref(),
            News::Webhook { word: Delivery::GivenUp { run, .. }, .. } => Some(run),
            News::Calendar { note: Note::Staged { run, .. }, .. } => Some(run),
            News::Calendar { .. }
            | News::Kept { .. }
            | News::NotKept { .. }
            | News::Recalled { .. }
            | News::Counters { .. }
            | News::Checked { .. }
            | News::Serving { .. }
            | News::Listening { .. }
            | News::Telemetry { .. }
            | News::Enrolled { .. }
            | News::Looked
            | News::StoreAway { .. }
            | News::Webhook { .. }
            | News::SignedIn { .. }
            | News::SignInRefused { .. }
            | News::StoreBack
            | News::PagesBack
            | News::LinesDropped { .. }
            | News::Stopping { .. }
            | News::Stopped { .. } => None,
        }
    }
    /// The name of what happened, for programs.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            News::Serving { .. } => "serving".to_owned(),
            News::Listening { .. } => "listening".to_owned(),
            News::Telemetry { .. } => "telemetry".to_owned(),
            News::Enrolled { .. } => "enrolled".to_owned(),
            News::SignedIn { .. } => "signed_in".to_owned(),
            News::SignInRefused { .. } => "sign_in_refused".to_owned(),
            News::Leading { .. } => "leading".to_owned(),
            News::Recorded { record, .. } => name_of(&record.event).to_owned(),
            News::Over { .. } => "over".to_owned(),
            News::Ended { .. } => "ended".to_owned(),
            News::LetGo { .. } => "let_go".to_owned(),
            News::Calendar { note, .. } => format!("calendar.{}", name_in(note)),
            News::Counters { .. } => "counters".to_owned(),
            News::NotOurs { .. } => "not_ours".to_owned(),
            News::Checked { .. } => "checked".to_owned(),
            News::Pruned { .. } => "pruned".to_owned(),
            News::Kept { .. } => "kept".to_owned(),
            News::Recalled { .. } => "recalled".to_owned(),
            News::Looked => "looked".to_owned(),
            News::Trouble { .. } | News::NotKept { .. } | News::StoreAway { .. } => "trouble".to_owned(),
            News::StoreBack => "store_back".to_owned(),
            News::PagesBack => "pages_back".to_owned(),
            News::LinesDropped { .. } => "log_lines_dropped".to_owned(),
            News::Webhook { word, .. } => word.name().to_owned(),
            News::Stopping { .. } => "stopping".to_owned(),
            News::Stopped { .. } => "stopped".to_owned(),
        }
    }
}

fn level_of(event: &Event) -> Level {
    match event {
        Event::Stopped { .. } | Event::PublishUnconfirmed { .. } => Level::Error,
        Event::PublishDoubted { .. }
        | Event::PublishNotDone { .. }
        | Event::PublishWaits { .. }
        | Event::PublishLate { .. }
        | Event::Drifted { .. }
        | Event::BrakeApplied { .. }
        | Event::ReadFailed { .. }
        | Event::OrderRefused { .. }
        | Event::OrderUnread { .. } => Level::Warn,
        Event::Staged { .. }
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
        | Event::PublishedElsewhere { .. }
        | Event::PublishSent { .. }
        | Event::PublishClaimed { .. }
        | Event::PublishAccepted { .. }
        | Event::PublishConfirmed { .. }
        | Event::UsersSeen { .. }
        | Event::PhonesSeen { .. }
        | Event::PhonesAbsent { .. }
        | Event::Probed { .. }
        | Event::PagesSeen { .. }
        | Event::PageTold { .. }
        | Event::Watched { .. }
        | Event::Pushed { .. }
        | Event::Preflighted { .. }
        | Event::Spent { .. }
        | Event::Judged { .. }
        | Event::RemedyStarted { .. }
        | Event::RemedyAccepted { .. }
        | Event::RemedyFailed { .. }
        | Event::Settled { .. } => Level::Info,
    }
}

fn name_in(tagged: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(tagged).unwrap_or_default();
    value.get("event").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// An error with its causes, in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    words
}
