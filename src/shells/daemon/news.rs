//! What the daemon has to tell, as values: the door makes lines of them, a dashboard may make pictures.
//!
//! Must never: carry a secret, or more than a reader of a log needs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::supervisor::runs;
use crate::law::event::{Event, Phase, Record};
use crate::law::occurrence::Note;
use crate::law::punctuality::Punctuality;
use crate::shells::report::words::clean;
use crate::words::clock::Timestamp;
use crate::words::id::{AgentId, RunId};

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
    /// The store can be read again.
    StoreBack,
    /// Pages on other replicas can be reached again.
    PagesBack,
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
            News::LetGo { .. }
            | News::NotOurs { .. }
            | News::Trouble { .. }
            | News::SignInRefused { .. }
            | News::Stopped { in_order: false } => Level::Warn,
            News::Ended { phase: Phase::InDoubt, .. } => Level::Error,
            News::Serving { .. }
            | News::Listening { .. }
            | News::Enrolled { .. }
            | News::SignedIn { .. }
            | News::Leading { .. }
            | News::Ended { .. }
            | News::Counters { .. }
            | News::Pruned { .. }
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
            | News::Ended { run, .. }
            | News::LetGo { run, .. }
            | News::NotOurs { run, .. }
            | News::Pruned { run } => Some(run),
            News::Trouble { run, .. } => run.as_ref(),
            News::Calendar { note: Note::Staged { run, .. }, .. } => Some(run),
            News::Calendar { .. }
            | News::Counters { .. }
            | News::Serving { .. }
            | News::Listening { .. }
            | News::Enrolled { .. }
            | News::SignedIn { .. }
            | News::SignInRefused { .. }
            | News::StoreBack
            | News::PagesBack
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
            News::Enrolled { .. } => "enrolled".to_owned(),
            News::SignedIn { .. } => "signed_in".to_owned(),
            News::SignInRefused { .. } => "sign_in_refused".to_owned(),
            News::Leading { .. } => "leading".to_owned(),
            News::Recorded { record, .. } => name_in(&record.event),
            News::Ended { .. } => "ended".to_owned(),
            News::LetGo { .. } => "let_go".to_owned(),
            News::Calendar { note, .. } => format!("calendar.{}", name_in(note)),
            News::Counters { .. } => "counters".to_owned(),
            News::NotOurs { .. } => "not_ours".to_owned(),
            News::Pruned { .. } => "pruned".to_owned(),
            News::Trouble { .. } => "trouble".to_owned(),
            News::StoreBack => "store_back".to_owned(),
            News::PagesBack => "pages_back".to_owned(),
            News::Stopping { .. } => "stopping".to_owned(),
            News::Stopped { .. } => "stopped".to_owned(),
        }
    }
    /// What happened, in words; several lines for a record that deserves them, none for one that does not.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            News::Recorded { words, .. } => words.clone(),
            News::Serving { entries } if entries.is_empty() => vec!["serving; the calendar has no entry".to_owned()],
            News::Serving { entries } => vec![format!("serving {}", entries.join(", "))],
            News::Listening { at, url } => {
                vec![format!("listening at {at} for agents' pages, which reach it by {url}")]
            }
            News::SignedIn { who, role } => vec![format!("{} has signed in as {role}", clean(who))],
            News::SignInRefused { who } => {
                vec![format!("{} may not come in: no rule of [people] fits", clean(who))]
            }
            News::Enrolled { agent } => vec![format!("the agent {agent} has signed in, and is enrolled")],
            News::Leading { phase, .. } => vec![format!("leading this run from here on; it is at {}", phase.words())],
            News::Ended { phase, .. } => vec![format!("over: {}", phase.words())],
            News::LetGo { why, .. } => vec![format!("not leading this run any more: {why}")],
            News::Calendar { entry, note } => vec![format!("{entry}: {}", note_words(note))],
            News::Counters { counted } => vec![counted.words()],
            News::NotOurs { api, .. } => {
                vec![format!(
                    "nobody here carries this run: it was staged at {api}, for an OAuth client that is not served"
                )]
            }
            News::Pruned { .. } => vec!["deleted, as it ended longer ago than runs are kept".to_owned()],
            News::Trouble { what, why, .. } => vec![format!("{what}: {why}")],
            News::PagesBack => vec!["pages on other replicas can be reached again".to_owned()],
            News::StoreBack => vec!["the store can be read again".to_owned()],
            News::Stopping { led } => vec![format!("asked to stop; {} in hand", runs(*led))],
            News::Stopped { in_order: true } => vec!["stopped in order".to_owned()],
            News::Stopped { in_order: false } => vec!["stopped with something in hand; it is resumed".to_owned()],
        }
    }
    /// Fields beside the words, for programs.
    #[must_use]
    pub fn fields(&self) -> Value {
        match self {
            News::Recorded { record, .. } => {
                let mut fields = json!({ "seq": record.seq, "run_time": record.at.rfc3339() });
                if let Event::PhaseEntered { phase } = &record.event {
                    fields["phase"] = json!(phase);
                }
                fields
            }
            News::Calendar { entry, note } => {
                json!({ "entry": entry, "publish_at": publish_at(note).map(Timestamp::rfc3339) })
            }
            News::Counters { counted } => json!({ "counters": counted }),
            News::Listening { at, url } => json!({ "at_address": at, "url": url }),
            News::SignedIn { who, role } => json!({ "who": who, "role": role }),
            News::SignInRefused { who } => json!({ "who": who }),
            News::Enrolled { agent } => json!({ "agent": agent }),
            News::Serving { .. }
            | News::Leading { .. }
            | News::Ended { .. }
            | News::LetGo { .. }
            | News::NotOurs { .. }
            | News::Pruned { .. }
            | News::Trouble { .. }
            | News::StoreBack
            | News::PagesBack
            | News::Stopping { .. }
            | News::Stopped { .. } => json!({}),
        }
    }
}

fn publish_at(note: &Note) -> Option<Timestamp> {
    match note {
        Note::Begun | Note::Told => None,
        Note::Staged { publish_at, .. }
        | Note::NotStaged { publish_at, .. }
        | Note::CatchingUp { publish_at, .. }
        | Note::Missed { publish_at, .. } => Some(*publish_at),
    }
}

fn note_words(note: &Note) -> String {
    let late = |ms: &i64| crate::words::calendar::duration_words(*ms);
    match note {
        Note::Begun => "new in the calendar".to_owned(),
        Note::Told => "the hooks have heard of it".to_owned(),
        Note::Staged { publish_at, run } => format!("the publish at {publish_at} is staged as run {run}"),
        Note::NotStaged { publish_at, why } => {
            format!("the publish at {publish_at} cannot be staged so far, and is tried again: {why}")
        }
        Note::CatchingUp { publish_at, late_ms } => {
            format!("the publish at {publish_at} passed {} ago, and is caught up with", late(late_ms))
        }
        Note::Missed { publish_at, late_ms, why } => {
            format!("MISSED: the publish at {publish_at} passed {} ago: {why}", late(late_ms))
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
        | Event::OrderRefused { .. }
        | Event::OrderUnread { .. } => Level::Warn,
        Event::Staged { .. }
        | Event::TakenUp
        | Event::PhaseEntered { .. }
        | Event::HooksRan { .. }
        | Event::RefreshStarted { .. }
        | Event::TokenRefreshed { .. }
        | Event::RefreshFailed { .. }
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
        | Event::ReadFailed { .. }
        | Event::Watched { .. }
        | Event::Pushed { .. }
        | Event::Preflighted { .. }
        | Event::Judged { .. }
        | Event::RemedyStarted { .. }
        | Event::RemedyAccepted { .. }
        | Event::RemedyFailed { .. }
        | Event::Settled { .. } => Level::Info,
    }
}

/// The name of an event, for programs.
#[must_use]
pub fn name_of(event: &Event) -> String {
    name_in(event)
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
