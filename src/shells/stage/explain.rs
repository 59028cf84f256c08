//! The arithmetic of the lead times as a table and a timeline, for whoever wants to check it by hand.
//!
//! Must never: be wider than 80 columns, or show a number that is not in the timetable.

use chrono_tz::Tz;

use super::timetable::{LimitFrom, Timetable};
use crate::law::lead::tight::{ceil, floor};
use crate::law::lead::{Budget, Known, Lead, RefreshLead};
use crate::words::clock::Timestamp;
use crate::words::wrap::wrap_words;

/// One line of the table: what, how much, and why so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What is counted or measured.
    pub what: &'static str,
    /// How much it is.
    pub value: String,
    /// Where that comes from.
    pub because: String,
}

/// The table, then the timeline; instants on the wall clock of `zone`.
#[must_use]
pub fn explain(timetable: &Timetable, zone: Tz) -> Vec<String> {
    let mut lines = Vec::new();
    for (title, rows) in tables(timetable) {
        lines.push(title.to_owned());
        lines.extend(rows.iter().flat_map(table_lines));
        lines.push(String::new());
    }
    lines.push(format!("Timeline, {}", zone.name()));
    lines.extend(timeline(&timetable.lead, zone));
    lines.push(String::new());
    lines.extend(picture(&timetable.lead));
    lines
}

/// The rows by subject.
#[must_use]
pub fn tables(timetable: &Timetable) -> [(&'static str, Vec<Row>); 3] {
    [
        ("Refresh before the publish", refresh_rows(timetable)),
        ("Check after the publish", check_rows(timetable)),
        ("Life of a refreshed token", token_rows(&timetable.lead)),
    ]
}

fn row(what: &'static str, value: impl Into<String>, because: impl Into<String>) -> Row {
    Row { what, value: value.into(), because: because.into() }
}

fn refresh_rows(timetable: &Timetable) -> Vec<Row> {
    let lead = &timetable.lead;
    let (grounds, work) = (&lead.grounds, &lead.grounds.work);
    let calls = format!("one for each enrolled agent, of {} agents", work.agents);
    let mut rows = vec![row("calls", work.refreshes.to_string(), calls)];
    rows.extend(budget_rows(&grounds.refresh_budget, timetable.refresh_limit, "the app's token"));
    rows.push(row("they take", ceil(lead.refresh_ms), "from the first call to the last answer"));
    rows.push(row("margin", ceil(grounds.settings.margin_ms), "timing.lead_margin, for what goes wrong"));
    rows.push(row("last look", ceil(grounds.timing.prepare_lead_ms), "timing.prepare_lead"));
    let (sum, why) = match grounds.settings.refresh_lead {
        RefreshLead::Auto if lead.refresh_lead_ms() == lead.wanted_lead_ms() => ("lead", "the sum of the three"),
        RefreshLead::Auto => ("lead", "less than the sum of the three: tokens must live long enough"),
        RefreshLead::Given => ("lead", "timing.refresh_lead"),
    };
    rows.push(row(sum, floor(lead.refresh_lead_ms()), why));
    let spare = match lead.spare_ms() {
        ms @ 0.. => row("to spare", floor(ms), "between the last answer and the last look"),
        ms => row("missing", ceil(-ms), "between the last answer and the last look"),
    };
    rows.extend((work.refreshes > 0).then_some(spare));
    rows
}

fn check_rows(timetable: &Timetable) -> Vec<Row> {
    let lead = &timetable.lead;
    let (grounds, work) = (&lead.grounds, &lead.grounds.work);
    let calls = format!("{} for users in bulk, {} for pages of phones", work.user_calls, work.phone_calls);
    let mut rows = vec![row("calls of a sweep", lead.sweep_calls.to_string(), calls)];
    rows.extend(budget_rows(&grounds.check_budget, timetable.check_limit, "the publisher's token"));
    rows.push(row("a sweep takes", ceil(lead.sweep_ms), "one look at everyone"));
    let there_ms = lead.settle_at.since_ms(lead.check_at);
    rows.push(row("there is", floor(there_ms), "timing.settle_after less timing.check_delay"));
    let helped = |agents: u32| row("helped a minute", agents.to_string(), "stragglers, at three calls each");
    rows.extend(lead.helped_a_minute.map(helped));
    rows
}

fn budget_rows(budget: &Budget, limit: LimitFrom, token: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    if let (Some(allowed), Some(room)) = (budget.calls_per_minute, budget.calls_in_a_window()) {
        let source = match limit {
            LimitFrom::Org => "as the org tells",
            LimitFrom::Usual => "the usual limit; the org tells no lower one",
            LimitFrom::Cap => "limits.calls_per_minute_max",
            LimitFrom::Nobody => "told by nobody",
        };
        rows.push(row("allowed", format!("{allowed} a minute"), format!("{token}, {source}")));
        let share = match budget.share {
            ..=1 => "some are kept back for the publish".to_owned(),
            runs => format!("some are kept back, the rest is shared by {runs} runs"),
        };
        rows.push(row("used", format!("{room} a minute"), share));
    } else {
        rows.push(row("allowed", "no limit", "each agent's own token is used"));
    }
    let at_once = format!("limits.in_flight_max; one takes {} at most", ceil(budget.call_ms));
    rows.push(row("at once", format!("{} calls", budget.in_flight_max), at_once));
    rows
}

fn token_rows(lead: &Lead) -> Vec<Row> {
    let grounds = &lead.grounds;
    let outlives_ms = lead.token_outlives_ms();
    let why = if outlives_ms == grounds.timing.token_outlives_ms {
        "after the publish: timing.token_outlives"
    } else {
        "after the publish: publish, wait, one sweep and the margin"
    };
    vec![
        row(
            "publish takes",
            ceil(grounds.publish_expected.ms),
            known(grounds.publish_expected, "timing.publish_expected", "the longest of the last"),
        ),
        row("first check", ceil(grounds.timing.check_delay_ms), "later: timing.check_delay"),
        row("must last", ceil(outlives_ms), why),
        row(
            "so must live",
            ceil(lead.token_must_outlive.since_ms(lead.refresh_starts)),
            "if it is refreshed when the refresh begins",
        ),
        row(
            "lives",
            floor(grounds.token_life.ms),
            known(grounds.token_life, "timing.token_life", "the shortest seen in the last"),
        ),
    ]
}

fn known(number: Known, setting: &str, learnt: &str) -> String {
    match number.from_runs {
        0 => setting.to_owned(),
        1 => format!("{learnt} run"),
        runs => format!("{learnt} {runs} runs"),
    }
}

/// Widths of the first two columns; the third has what is left of 80.
const WHAT: usize = 18;
const VALUE: usize = 16;

fn table_lines(row: &Row) -> Vec<String> {
    let because = wrap_words(&row.because, 80 - 2 - WHAT - VALUE);
    let heads = std::iter::once((row.what, row.value.as_str())).chain(std::iter::repeat(("", "")));
    heads.zip(because).map(|((what, value), why)| format!("  {what:<WHAT$}{value:<VALUE$}{why}")).collect()
}

/// Every instant with its distance from T.
fn timeline(lead: &Lead, zone: Tz) -> Vec<String> {
    let t = lead.grounds.publish_at;
    let mut instants = vec![
        (lead.prepare_at, "├ last look, pre-publish hooks, upload"),
        (t, "● publish"),
        (lead.complete_by, "├ publish complete, as expected"),
        (lead.check_at, "├ the first check begins"),
        (lead.seen_by, "├ everyone has been seen once"),
        (lead.settle_at, "├ the run settles at the latest"),
    ];
    if lead.grounds.work.refreshes > 0 {
        instants.extend([
            (lead.refresh_starts, "├ the refresh begins"),
            (lead.refresh_ends_by, "├ the last token is there"),
            (lead.token_must_outlive, "├ no refreshed token ends before"),
            (lead.first_token_ends(), "├ the first refreshed token ends"),
        ]);
    }
    if lead.grounds.now > lead.refresh_from {
        instants.push((lead.grounds.now, "├ now"));
    }
    instants.sort_by_key(|(at, _)| *at);
    instants
        .iter()
        .map(|(at, words)| format!("  {}  {:<17} {words}", wall(*at, zone), distance(at.since_ms(t))))
        .collect()
}

fn wall(at: Timestamp, zone: Tz) -> String {
    at.utc().with_timezone(&zone).format("%a %H:%M:%S").to_string()
}

fn distance(ms: i64) -> String {
    match ms {
        0 => "T".to_owned(),
        1.. => format!("T+{}", ceil(ms)),
        _ => format!("T-{}", floor(ms.saturating_neg())),
    }
}

/// Columns of the picture's bars.
const BAR: i64 = 60;

/// From the refresh to the first sweep, to scale.
fn picture(lead: &Lead) -> Vec<String> {
    let from = lead.refresh_starts.min(lead.prepare_at);
    let to = lead.seen_by.max(lead.refresh_ends_by);
    let column = |at: Timestamp| at.since_ms(from).saturating_mul(BAR).div_euclid(to.since_ms(from).max(1)) as usize;
    let bar = |name: &str, begins: Timestamp, ends: Timestamp| {
        let (left, right) = (column(begins), column(ends).max(column(begins) + 1));
        let line = format!("  {name:<14}  {}{}", " ".repeat(left), "█".repeat(right - left));
        line.chars().take(78).collect::<String>()
    };
    let t = lead.grounds.publish_at;
    let mut lines = vec![
        bar("last look", lead.prepare_at, t),
        bar("publish", t, lead.complete_by),
        bar("wait", lead.complete_by, lead.check_at),
        bar("sweep", lead.check_at, lead.seen_by),
    ];
    if lead.grounds.work.refreshes > 0 {
        lines.insert(0, bar("refresh", lead.refresh_starts, lead.refresh_ends_by));
    }
    lines
}
