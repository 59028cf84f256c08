//! `softlanding calendar`: the next publishes of each entry, with the instant of every phase.
//!
//! Must never: show an instant without saying whose clock it is on, or leave out what does not happen without a word.

use chrono::{Days, NaiveDateTime, Timelike};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::door::cli::args::CalendarArgs;
use crate::door::cli::intent::entry;
use crate::door::cli::{open, out};
use crate::door::config::{Config, PublishSettings};
use crate::door::error::{ExitCode, Failure};
use crate::hands::journal::Journal;
use crate::law::event::{Event, Phase};
use crate::law::lead::RefreshLead;
use crate::law::run::Run;
use crate::shells::stage::WeekChoice;
use crate::words::calendar::recur::{Fate, FireNote, Occasion, Which};
use crate::words::calendar::{describe, offset, stamp, tzdata};
use crate::words::clock::Timestamp;
use crate::words::id::RunId;
use crate::words::wrap::wrap_words;

/// What is shown of an entry at most, with all that does not happen in between.
const OCCASIONS_MAX: usize = 2_000;
const WIDTH: usize = 80;

pub(super) async fn calendar(args: &CalendarArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let entries = chosen(&config, args.publish.as_deref())?;
    let now = open::clock(&config).await?.now();
    let count = usize::try_from(args.count).unwrap_or(1);
    let staged = Staged::read(&config).await;
    if args.json {
        let publishes: Vec<Value> =
            entries.iter().map(|entry| entry_json(&config, &staged, entry, now, count)).collect();
        let document = json!({ "now": now.rfc3339(), "zone_data": tzdata::compiled(), "publishes": publishes });
        out::document("softlanding.calendar.v1", document);
        return Ok(ExitCode::Done);
    }
    if entries.is_empty() {
        let none = format!("There is no [[publish]] in {}, so nothing is published by itself.", config.file.display());
        out::say(wrap_words(&none, WIDTH));
    }
    for (at, entry) in entries.iter().enumerate() {
        if at > 0 {
            out::say([""]);
        }
        out::say(entry_lines(&config, &staged, entry, now, count));
    }
    Ok(ExitCode::Done)
}

/// The entries that were asked for: all of them, or the one of that name.
fn chosen<'c>(config: &'c Config, name: Option<&str>) -> Result<Vec<&'c PublishSettings>, Failure> {
    match name {
        Some(name) => Ok(vec![entry(config, name)?]),
        None => Ok(config.publishes.iter().collect()),
    }
}

/// Runs read at most, the newest first.
const RUNS_MAX: usize = 30;

/// What is staged already, the newest first.
#[derive(Default)]
struct Staged(Vec<(RunId, Run)>);

impl Staged {
    /// What the journal holds. A calendar is shown without it as well: what cannot be read is left out.
    async fn read(config: &Config) -> Staged {
        let Ok(Some(journal)) = open::journal_if_any(config).await else { return Staged::default() };
        let mut summaries = journal.runs().await.unwrap_or_default();
        summaries.sort_by_key(|summary| std::cmp::Reverse(summary.created));
        let mut staged = Vec::new();
        for summary in summaries.into_iter().take(RUNS_MAX) {
            let records = journal.load::<Event>(&summary.run).await.unwrap_or_default();
            staged.extend(Run::replay(&records).ok().map(|run| (summary.run, run)));
        }
        Staged(staged)
    }
    fn of(&self, entry: &PublishSettings) -> impl Iterator<Item = &(RunId, Run)> {
        self.0.iter().filter(|(_, run)| run.plan.policy.entry.as_deref() == Some(entry.name.as_str()))
    }
    fn at(&self, entry: &PublishSettings, publish_at: Timestamp) -> Option<&(RunId, Run)> {
        self.of(entry).find(|(_, run)| run.plan.publish_at == publish_at)
    }
    /// How long before T the refresh begins: as it was staged, as the entry's last run had it, or as it is configured.
    fn refresh_lead_ms(&self, config: &Config, entry: &PublishSettings, publish_at: Timestamp) -> i64 {
        let known = self.at(entry, publish_at).or_else(|| self.of(entry).next().filter(|_| is_computed(config)));
        let timing = known.map_or(&config.timing, |(_, run)| &run.plan.timing);
        timing.refresh_lead_ms.max(timing.prepare_lead_ms)
    }
}

fn is_computed(config: &Config) -> bool {
    config.lead.refresh_lead == RefreshLead::Auto
}

/// How a staged run stands, in a few words.
fn standing((id, run): &(RunId, Run)) -> String {
    let waits = run.waits_for().map(|wait| format!("; {}", wait.words())).unwrap_or_default();
    let waits = if run.phase < Phase::Publishing { waits } else { String::new() };
    format!("staged as {id}: {}{waits}", run.phase.words())
}

/// What the entry asks for, up to `count` publishes, with what does not happen before and between them.
fn occasions(entry: &PublishSettings, now: Timestamp, count: usize) -> Vec<Occasion> {
    let mut fires = 0;
    let mut shown = Vec::new();
    for occasion in entry.recurrence.occasions_after(now).take(OCCASIONS_MAX) {
        fires += usize::from(occasion.fate == Fate::Fires);
        shown.push(occasion);
        if fires == count {
            break;
        }
    }
    shown
}

/// The instants of a publish, phase by phase, in their order.
fn phases(
    config: &Config,
    staged: &Staged,
    entry: &PublishSettings,
    publish_at: Timestamp,
) -> [(&'static str, Timestamp); 5] {
    let timing = &config.timing;
    [
        ("stage", publish_at - entry.stage_before_ms),
        ("refresh", publish_at - staged.refresh_lead_ms(config, entry, publish_at)),
        ("prepare", publish_at - timing.prepare_lead_ms),
        ("publish", publish_at),
        ("settle by", publish_at + timing.settle_after_ms),
    ]
}

fn entry_lines(config: &Config, staged: &Staged, entry: &PublishSettings, now: Timestamp, count: usize) -> Vec<String> {
    let schedule = entry.schedule.as_ref().map_or("the week's only draft".to_owned(), |text| format!("\"{text}\""));
    let week = match entry.week {
        WeekChoice::Next => "next week".to_owned(),
        WeekChoice::Of(day) => format!("week of {day}"),
    };
    let mut lines = hanging(&format!("{}: {}, {week}, {schedule}", entry.name, entry.business_unit), 0);
    let shown = occasions(entry, now, count);
    for occasion in &shown {
        lines.push(String::new());
        lines.extend(hanging(&head(occasion, entry, now), 2));
        if occasion.fate == Fate::Fires {
            let run = staged.at(entry, occasion.fire.at);
            lines.extend(run.map(|run| format!("    {}", standing(run))));
            lines.extend(phases(config, staged, entry, occasion.fire.at).map(|(name, at)| row(name, at, entry.zone)));
        }
        lines.extend(notes(occasion, staged, entry, now).iter().flat_map(|note| note_lines(note)));
    }
    if shown.iter().filter(|occasion| occasion.fate == Fate::Fires).count() < count {
        lines.extend([String::new(), "  There is no instant left after that.".to_owned()]);
    }
    let unknown = |occasion: &Occasion| occasion.fate == Fate::Fires && staged.at(entry, occasion.fire.at).is_none();
    if is_computed(config) && shown.iter().any(unknown) {
        lines.push(String::new());
        lines.extend(note_lines(
            "when the refresh begins is computed at staging; until then it is shown as the last run had it, or as usual",
        ));
    }
    if is_risky(&shown, entry.zone, now) {
        lines.push(String::new());
        lines.extend(note_lines(
            "between 01:00 and 03:00 the clocks of this zone change twice a year; another time of day is never skipped \
             and never comes twice",
        ));
    }
    lines
}

/// "Friday 27 Nov 2026 16:00 CST, America/Chicago, UTC-6; in 4 d 23 h".
fn head(occasion: &Occasion, entry: &PublishSettings, now: Timestamp) -> String {
    match occasion.fate {
        Fate::Fires => describe(occasion.fire.at, entry.zone, now),
        Fate::OnSkippedDate(_) | Fate::InGap => {
            let asked = asked(occasion).format("%A %-d %b %Y %H:%M");
            format!("{asked}, {}: no publish", entry.zone.name())
        }
    }
}

/// The wall clock time that the expression asks for.
fn asked(occasion: &Occasion) -> NaiveDateTime {
    match occasion.fire.note {
        FireNote::Gap { asked } => asked,
        FireNote::Plain | FireNote::Fold(_) => occasion.fire.wall,
    }
}

fn row(name: &str, at: Timestamp, zone: Tz) -> String {
    format!("    {name:<10} {:<38} {}", stamp(at, zone), at.utc().format("%FT%TZ"))
}

/// What is to be said about one occasion.
fn notes(occasion: &Occasion, staged: &Staged, entry: &PublishSettings, now: Timestamp) -> Vec<String> {
    let clock = |wall: NaiveDateTime| wall.format("%H:%M").to_string();
    let mut notes = Vec::new();
    match (occasion.fate, occasion.fire.note) {
        (Fate::OnSkippedDate(date), _) => notes.push(format!("{date} is a date in skip")),
        (Fate::InGap, _) => {
            notes.push(format!("the clocks skip {} that day, and dst_gap is \"skip\"", clock(asked(occasion))));
        }
        (Fate::Fires, FireNote::Plain) => {}
        (Fate::Fires, FireNote::Gap { asked }) => notes.push(format!(
            "the clocks skip {} that day, so it is published at the first instant afterwards (dst_gap is \"next\")",
            clock(asked)
        )),
        (Fate::Fires, FireNote::Fold(which)) => {
            let which = match which {
                Which::First => "first",
                Which::Second => "second",
            };
            let wall = clock(occasion.fire.wall);
            notes.push(format!("the clocks show {wall} twice that day, and this is the {which} time (see dst_fold)"));
        }
    }
    let is_staged = staged.at(entry, occasion.fire.at).is_some();
    if occasion.fate == Fate::Fires && !is_staged && occasion.fire.at - entry.stage_before_ms < now {
        notes.push("its instant for staging has gone by: `softlanding serve` stages it at once".to_owned());
    }
    notes
}

/// A text from column `indent` on, and what does not fit two columns farther in.
fn hanging(text: &str, indent: usize) -> Vec<String> {
    let folded = wrap_words(text, WIDTH - indent - 2);
    let margin = |n: usize| " ".repeat(if n == 0 { indent } else { indent + 2 });
    folded.iter().enumerate().map(|(n, line)| format!("{}{line}", margin(n))).collect()
}

fn note_lines(note: &str) -> Vec<String> {
    wrap_words(&format!("note: {note}"), WIDTH - 4).into_iter().map(|line| format!("    {line}")).collect()
}

/// Whether something lies in the hours in which clocks are usually changed, in a zone that changes them.
fn is_risky(occasions: &[Occasion], zone: Tz, now: Timestamp) -> bool {
    let early = |occasion: &Occasion| (1..3).contains(&asked(occasion).hour());
    let changes = || {
        let days = (0..366).filter_map(|n| now.utc().checked_add_days(Days::new(n)));
        let mut offsets = days.map(|day| offset(Timestamp(day.timestamp_millis()), zone));
        let first = offsets.next();
        offsets.any(|other| Some(other) != first)
    };
    occasions.iter().any(early) && changes()
}

fn entry_json(config: &Config, staged: &Staged, entry: &PublishSettings, now: Timestamp, count: usize) -> Value {
    let occasions: Vec<Value> = occasions(entry, now, count)
        .iter()
        .map(|occasion| occasion_json(config, staged, entry, occasion, now))
        .collect();
    json!({
        "name": entry.name,
        "business_unit": entry.business_unit,
        "schedule": entry.schedule,
        "zone": entry.zone.name(),
        "occasions": occasions,
    })
}

fn occasion_json(
    config: &Config,
    staged: &Staged,
    entry: &PublishSettings,
    occasion: &Occasion,
    now: Timestamp,
) -> Value {
    let instant = |at: Timestamp| {
        let wall = at.utc().with_timezone(&entry.zone).to_rfc3339_opts(chrono::SecondsFormat::Secs, false);
        json!({ "utc": at.rfc3339(), "local": wall })
    };
    let fires = occasion.fate == Fate::Fires;
    let phases: serde_json::Map<String, Value> = phases(config, staged, entry, occasion.fire.at)
        .into_iter()
        .filter(|_| fires)
        .map(|(name, at)| (name.replace(' ', "_"), instant(at)))
        .collect();
    let fate = match occasion.fate {
        Fate::Fires => "fires",
        Fate::OnSkippedDate(_) => "skipped_date",
        Fate::InGap => "in_gap",
    };
    json!({
        "asked": asked(occasion).format("%FT%T").to_string(),
        "fate": fate,
        "publish_at": fires.then(|| occasion.fire.at.rfc3339()),
        "words": head(occasion, entry, now),
        "phases": phases,
        "run": staged.at(entry, occasion.fire.at).map(|(id, _)| id),
        "notes": notes(occasion, staged, entry, now),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(entry: &str) -> Config {
        let org = "[org]\nregion = 'us_west_2'\nclient_id = 'x'\nclient_secret = { env = 'S' }\n[[publish]]\n\
            name = 'customer-care'\nbusiness_unit = 'Customer Care'\n";
        Config::parse(&format!("{org}{entry}"), Path::new("/etc/s.toml")).unwrap_or_else(|e| panic!("{e:#?}"))
    }

    fn lines(entry: &str, now: &str, count: usize) -> Vec<String> {
        let config = config(entry);
        let lines = entry_lines(
            &config,
            &Staged::default(),
            &config.publishes[0],
            Timestamp::parse_rfc3339(now).unwrap(),
            count,
        );
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
        lines
    }

    #[test]
    fn each_phase_has_its_instant_on_both_clocks() {
        // The clocks go back on Sunday 1 November, between staging and publish.
        let got = lines("cron = '0 0 16 * * Mon'\nschedule = 'Approved*'", "2026-10-29T00:00:00Z", 1);
        let expected = [
            "customer-care: Customer Care, next week, \"Approved*\"",
            "",
            "  Monday 2 Nov 2026 16:00 CST, America/Chicago, UTC-6; in 4 d 22 h",
            "    stage      Fri 30 Oct 2026 17:00:00 CDT UTC-5     2026-10-30T22:00:00Z",
            "    refresh    Mon  2 Nov 2026 15:40:00 CST UTC-6     2026-11-02T21:40:00Z",
            "    prepare    Mon  2 Nov 2026 15:59:00 CST UTC-6     2026-11-02T21:59:00Z",
            "    publish    Mon  2 Nov 2026 16:00:00 CST UTC-6     2026-11-02T22:00:00Z",
            "    settle by  Mon  2 Nov 2026 16:45:00 CST UTC-6     2026-11-02T22:45:00Z",
            "",
            "    note: when the refresh begins is computed at staging; until then it is shown",
            "    as the last run had it, or as usual",
        ];
        assert_eq!(got, expected, "{got:#?}");
    }

    #[test]
    fn a_skipped_date_is_shown_and_does_not_count() {
        let got = lines("cron = '0 16 * * Fri'\nskip = ['2026-12-25']", "2026-12-20T00:00:00Z", 1);
        assert_eq!(got[0], "customer-care: Customer Care, next week, the week's only draft");
        assert_eq!(got[2], "  Friday 25 Dec 2026 16:00, America/Chicago: no publish");
        assert_eq!(got[3], "    note: 2026-12-25 is a date in skip");
        assert!(got[5].starts_with("  Friday 1 Jan 2027 16:00 CST"), "{got:#?}");
    }

    #[test]
    fn a_change_of_the_clocks_is_told() {
        let of = |entry: &str, now: &str| lines(entry, now, 2).join("\n");
        let gap = of("cron = '30 2 * * Sun'", "2026-03-05T00:00:00Z");
        assert!(gap.contains("  Sunday 8 Mar 2026 03:00 CDT"), "{gap}");
        assert!(gap.contains("note: the clocks skip 02:30 that day, so it is published at the first"), "{gap}");
        assert!(gap.contains("note: between 01:00 and 03:00 the clocks of this zone change"), "{gap}");
        let left_out = of("cron = '30 2 * * Sun'\ndst_gap = 'skip'", "2026-03-05T00:00:00Z");
        assert!(left_out.contains("  Sunday 8 Mar 2026 02:30, America/Chicago: no publish\n    note: the clocks skip"));
        let fold = of("cron = '30 1 * * Sun'\ndst_fold = 'both'", "2026-10-30T00:00:00Z");
        assert!(
            fold.contains("twice that day, and this is the first time") && fold.contains("the second time"),
            "{fold}"
        );
        // A zone that leaves its clocks alone has no such hours.
        let calm = of("cron = '30 2 * * Sun'\nzone = 'America/Phoenix'", "2026-03-05T00:00:00Z");
        assert!(!calm.contains("between 01:00 and 03:00"), "{calm}");
    }

    #[test]
    fn what_is_over_or_overdue_is_told() {
        let over = lines("cron = '0 0 16 * * Fri 2025'", "2026-03-05T00:00:00Z", 3);
        assert_eq!(over[1..], ["", "  There is no instant left after that."]);
        let overdue = lines("cron = '0 16 * * Fri'", "2026-11-27T00:00:00Z", 1).join("\n");
        assert!(overdue.contains("note: its instant for staging has gone by"), "{overdue}");
    }

    #[test]
    fn the_document_holds_the_same() {
        let config = config("cron = '0 16 * * Fri'\nskip = ['2026-12-25']");
        let now = Timestamp::parse_rfc3339("2026-12-20T00:00:00Z").unwrap();
        let document = entry_json(&config, &Staged::default(), &config.publishes[0], now, 1);
        assert_eq!(document["zone"], "America/Chicago");
        assert_eq!(document["occasions"][0]["fate"], "skipped_date");
        assert_eq!(document["occasions"][0]["publish_at"], Value::Null);
        assert_eq!(document["occasions"][1]["publish_at"], "2027-01-01T22:00:00.000Z");
        assert_eq!(document["occasions"][1]["phases"]["settle_by"]["local"], "2027-01-01T16:45:00-06:00");
    }

    #[test]
    fn an_unknown_entry_is_refused_with_the_known_ones() {
        let config = config("cron = '0 16 * * Fri'");
        assert_eq!(chosen(&config, None).unwrap().len(), 1);
        assert_eq!(chosen(&config, Some("customer-care")).unwrap().len(), 1);
        let hint = |name: &str| chosen(&config, Some(name)).unwrap_err().hint.unwrap();
        assert_eq!(hint("custmer-care"), "did you mean customer-care?");
        assert_eq!(hint("night"), "the configuration has: customer-care");
    }
}
