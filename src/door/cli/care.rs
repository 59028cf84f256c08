//! `softlanding audit`, `export`, `import`, `prune`: looking after the journal.
//!
//! Must never: change a run; one is taken in or deleted as a whole, and deleted only when it has ended.

use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::door::cli::args::{AuditArgs, ExportArgs, ImportRunArgs, PruneArgs};
use crate::door::cli::{open, out};
use crate::door::error::{ExitCode, Failure};
use crate::hands::journal::{Journal, RECORD_FORMAT};
use crate::hands::outbox::Outbox;
use crate::law::audit::Auditor;
use crate::law::event::Record;
use crate::law::run::Run;
use crate::shells::driver::claim_in;
use crate::shells::report::history::history;
use crate::shells::report::words::counted;
use crate::words::calendar::duration_words;
use crate::words::clock::Clock;
use crate::words::id::RunId;

/// The largest export that is taken in, in bytes.
const EXPORT_BYTES_MAX: u64 = 2 << 30;

/// The first line of an export.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    softlanding_export: u32,
    format: u32,
    run: RunId,
    /// How many lines follow: a file that was cut off between two lines would otherwise pass for a run that still goes on.
    events: usize,
    claims: Vec<u32>,
}

/// The events begin here.
const FIRST_EVENT_LINE: usize = 2;

/// The version of the export's own layout.
const EXPORT: u32 = 1;

pub(super) async fn audit(args: &AuditArgs) -> Result<ExitCode, Failure> {
    let id = open::run_id(&args.run)?;
    let config = open::config(&args.config.config)?;
    let journal = open::journal(&config).await?;
    journal.verify().await?;
    let records = open::records(&journal, &id).await?;
    let follows = Run::replay(&records).map_err(|e| e.to_string());
    let kept = follows.map(|_| ()).and(Auditor::check(&records).map_err(|e| e.to_string()));
    if args.json {
        let document = json!({
            "run": id,
            "events": records.len(),
            "rules_kept": kept.is_ok(),
            "broken": kept.as_ref().err(),
            "history": history(&records),
        });
        out::document("softlanding.audit.v1", document);
    } else {
        out::say(history(&records));
    }
    match kept {
        Ok(()) if args.json => Ok(ExitCode::Done),
        Ok(()) => {
            out::say([String::new(), format!("{} events, and every rule is kept.", records.len())]);
            Ok(ExitCode::Done)
        }
        Err(broken) => Err(Failure::new(ExitCode::Bug, format!("the journal of run {id} breaks a rule: {broken}"))
            .hint("keep a copy of the journal and report it; nothing has been changed")),
    }
}

pub(super) async fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let id = open::run_id(&args.run)?;
    let config = open::config(&args.config.config)?;
    let journal = open::journal(&config).await?;
    let records: Vec<Record<Value>> = journal.load(&id).await?;
    let claims = journal.claims(&id).await?;
    let events = records.len();
    let head = Head { softlanding_export: EXPORT, format: RECORD_FORMAT, run: id, events, claims };
    let lines = std::iter::once(serde_json::to_string(&head)).chain(records.iter().map(serde_json::to_string));
    let lines: Vec<String> = lines.collect::<Result<_, _>>().map_err(anyhow::Error::from)?;
    match &args.out {
        None => out::say(&lines),
        Some(file) => write(file, &lines)?,
    }
    Ok(ExitCode::Done)
}

fn write(file: &Path, lines: &[String]) -> Result<(), Failure> {
    let unwritable =
        |e: std::io::Error| Failure::new(ExitCode::Access, format!("{} cannot be written", file.display())).because(e);
    let mut out = std::io::BufWriter::new(std::fs::File::create_new(file).map_err(unwritable)?);
    for line in lines {
        writeln!(out, "{line}").map_err(unwritable)?;
    }
    out.into_inner().map_err(|e| unwritable(e.into_error()))?.sync_all().map_err(unwritable)
}

pub(super) async fn import(args: &ImportRunArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let (head, records) = parse(&read(&args.file)?, &args.file)?;
    follow(&head, &records, &args.file)?;
    let journal = std::sync::Arc::new(open::new_journal(&config).await?);
    // What happened long ago or elsewhere is no news to anybody. Before the run is there, so that nobody is faster.
    Outbox::of(std::sync::Arc::clone(&journal)).pass_over(&head.run, records.len() as u64).await?;
    journal.restore(&head.run, &records, &head.claims).await?;
    out::say([format!("Run {} is in the journal, {} events.", head.run, records.len())]);
    Ok(ExitCode::Done)
}

/// What does not keep the rules is no journal of ours, however well it reads.
fn follow(head: &Head, records: &[Record<Value>], file: &Path) -> Result<(), Failure> {
    let typed = events(records, file)?;
    if typed.len() != head.events {
        let why = format!("it holds {} of the {} events of its run", typed.len(), head.events);
        return Err(spoilt(file, typed.len() + 1, &why));
    }
    let numbered = (1..).zip(&typed).find(|(due, record)| record.seq != *due);
    if let Some((due, record)) = numbered {
        return Err(spoilt(file, line_of(due), &format!("event {} stands where event {due} is due", record.seq)));
    }
    Auditor::check(&typed).map_err(|e| spoilt(file, line_of(e.seq), &e.to_string()))?;
    Run::replay(&typed).map_err(|e| spoilt(file, FIRST_EVENT_LINE, &e.to_string()))?;
    let claimed: Vec<u32> = typed.iter().filter_map(|r| claim_in(std::slice::from_ref(&r.event))).collect();
    if claimed != head.claims {
        let why = format!("it names the claims {:?}, and its events make the claims {claimed:?}", head.claims);
        return Err(spoilt(file, 1, &why));
    }
    Ok(())
}

/// The records of a run that was exported, or of lines that `--json` printed, to be looked at only.
pub(super) fn exported(file: &Path) -> Result<Vec<Record>, Failure> {
    let text = read(file)?;
    if text.lines().next().is_some_and(|first| first.contains("\"softlanding_export\"")) {
        let (head, records) = parse(&text, file)?;
        let typed = events(&records, file)?;
        return if typed.len() == head.events {
            Ok(typed)
        } else {
            let why = format!("it holds {} of the {} events of its run", typed.len(), head.events);
            Err(spoilt(file, typed.len() + 1, &why))
        };
    }
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let records: Vec<Record> = lines
        .map(|(n, line)| serde_json::from_str(line).map_err(|e| spoilt(file, n, &in_a_line(&e))))
        .collect::<Result<_, _>>()?;
    if records.is_empty() { Err(spoilt(file, 1, "it is empty")) } else { Ok(records) }
}

fn events(records: &[Record<Value>], file: &Path) -> Result<Vec<Record>, Failure> {
    let event = |(line, r): (usize, &Record<Value>)| match serde_json::from_value(r.event.clone()) {
        Ok(event) => Ok(Record { seq: r.seq, at: r.at, event }),
        Err(e) => Err(spoilt(file, line, &in_a_line(&e))),
    };
    (FIRST_EVENT_LINE..).zip(records).map(event).collect()
}

/// The line of an event; the first line is the head's.
fn line_of(seq: u64) -> usize {
    usize::try_from(seq).unwrap_or(usize::MAX - 1) + 1
}

fn read(file: &Path) -> Result<String, Failure> {
    let unreadable =
        |e: std::io::Error| Failure::new(ExitCode::Access, format!("{} cannot be read", file.display())).because(e);
    let from: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(unreadable)?)
    };
    let mut text = String::new();
    from.take(EXPORT_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

fn parse(text: &str, file: &Path) -> Result<(Head, Vec<Record<Value>>), Failure> {
    let mut lines = (1..).zip(text.lines());
    let (_, first) = lines.next().ok_or_else(|| spoilt(file, 1, "it is empty"))?;
    let head: Head = serde_json::from_str(first).map_err(|e| spoilt(file, 1, &in_a_line(&e)))?;
    if head.softlanding_export > EXPORT || head.format > RECORD_FORMAT {
        return Err(spoilt(file, 1, "a newer softlanding has written it"));
    }
    let records = lines.map(|(n, line)| serde_json::from_str(line).map_err(|e| spoilt(file, n, &in_a_line(&e))));
    Ok((head, records.collect::<Result<_, _>>()?))
}

/// Each line is a document of its own; which line of that document is no news.
fn in_a_line(e: &serde_json::Error) -> String {
    e.to_string().replace(" at line 1 column ", " at column ")
}

fn spoilt(file: &Path, line: usize, why: &str) -> Failure {
    Failure::new(ExitCode::Usage, format!("{}, line {line}, cannot be taken in: {why}", file.display()))
        .hint("accepted is what `softlanding export` wrote, whole; nothing has been taken in")
}

pub(super) async fn prune(args: &PruneArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let Some(keep_ms) = args.older_than.or(config.store.keep_ms) else {
        return Err(Failure::new(ExitCode::Usage, "nothing says how long runs are kept")
            .hint("name it with --older-than 400d, or as keep in the section [store]"));
    };
    let journal = open::journal(&config).await?;
    if args.yes {
        journal.verify().await?;
    }
    let now = open::clock(&config).await.unwrap_or(Clock::System).now();
    let old = crate::shells::retention::ended_before(&journal, now - keep_ms).await?;
    for run in &old {
        if args.yes {
            journal.forget(run).await?;
        }
        out::say([run.to_string()]);
    }
    let (count, age) = (old.len(), duration_words(keep_ms));
    let what = if args.yes { "deleted" } else { "would be deleted; --yes does it" };
    out::say([format!("{} that ended more than {age} ago: {what}", counted(count as u64, "run", "runs"))]);
    Ok(ExitCode::Done)
}
