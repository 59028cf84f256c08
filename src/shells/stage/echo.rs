//! What was staged, in words: everything that a planner needs to see a mistake before Friday.
//!
//! Must never: be wider than 80 columns for names of a usual length, or leave out whose clock an instant is on.

use chrono_tz::Tz;

use super::timetable::Timetable;
use crate::law::lead::tight::{ceil, floor};
use crate::law::plan::{Mechanisms, Plan, RemedyPolicy};
use crate::words::calendar::{describe, duration_words, short};
use crate::words::clock::Timestamp;
use crate::words::id::RunId;
use crate::words::wrap::wrap_words;

/// The lines that tell what `run` intends. The first is the instant; `warnings` come last.
#[must_use]
pub fn echo(run: &RunId, plan: &Plan, timetable: &Timetable, warnings: &[String], now: Timestamp) -> Vec<String> {
    let mut lines = vec![describe(plan.publish_at, zone(plan), now), String::new(), line("run", run.as_str())];
    lines.extend(intent(plan, timetable, warnings));
    lines
}

/// The same without a run.
#[must_use]
pub fn echo_weighed(plan: &Plan, timetable: &Timetable, warnings: &[String], now: Timestamp) -> Vec<String> {
    let mut lines = vec![describe(plan.publish_at, zone(plan), now), String::new()];
    lines.extend(intent(plan, timetable, warnings));
    lines
}

fn zone(plan: &Plan) -> Tz {
    plan.zone.parse().unwrap_or(Tz::UTC)
}

fn line(name: &str, words: &str) -> String {
    format!("  {name:<14} {words}")
}

fn intent(plan: &Plan, timetable: &Timetable, warnings: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut row = |name: &str, words: String| lines.push(line(name, &words));
    row("business unit", plan.business_unit.name.clone());
    row("week", format!("of {}", plan.week));
    row("schedule", format!("{}, version {}", quoted(&plan.schedule.description), plan.schedule.version));
    row("agents", agents(plan));
    for (name, words) in phases(plan, timetable, zone(plan)) {
        row(name, words);
    }
    let lead = &timetable.lead;
    row("calls", format!("{} for one look at everyone, which takes {}", lead.sweep_calls, ceil(lead.sweep_ms)));
    let (published, reported) = mechanisms(&plan.mechanisms, &plan.remedies);
    for (name, used) in [("mechanisms", published), ("reported", reported)] {
        for (i, words) in wrapped(&used).into_iter().enumerate() {
            row(if i == 0 { name } else { "" }, words);
        }
    }
    for warning in warnings {
        lines.push(String::new());
        lines.extend(wrap_words(&format!("note: {warning}"), 78).into_iter().map(|l| format!("  {l}")));
    }
    lines
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "(no description)".to_owned() } else { format!("\"{text}\"") }
}

fn agents(plan: &Plan) -> String {
    let count = plan.roster.len();
    let enrolled = plan.roster.iter().filter(|m| m.enrolled).count();
    let shifts = plan.roster.iter().filter(|m| m.shift_start.is_some()).count();
    let shifts = if shifts == count { String::new() } else { format!(", {} without a known shift", count - shifts) };
    format!("{count}, {enrolled} of them enrolled for token refresh{shifts}")
}

fn phases(plan: &Plan, timetable: &Timetable, zone: Tz) -> Vec<(&'static str, String)> {
    let mut phases = Vec::new();
    let refresh = match timetable.lead.grounds.work.refreshes {
        0 => "no token to refresh".to_owned(),
        n => {
            format!("{n} tokens in {}, {} to spare", ceil(timetable.lead.refresh_ms), floor(timetable.lead.spare_ms()))
        }
    };
    phases.push(("refresh", format!("from {}: {refresh}", short(plan.refresh_at(), zone))));
    phases.push(("prepare", format!("from {}: last look, pre-publish hooks, upload", short(plan.prepare_at(), zone))));
    let late = duration_words(plan.timing.late_by_max_ms);
    phases.push(("publish", format!("at {}, never more than {late} late", short(plan.publish_at, zone))));
    let delay = duration_words(plan.timing.check_delay_ms);
    phases.push(("check", format!("{delay} after it is seen complete; stragglers are helped at once")));
    phases.push(("settle", format!("by {}", short(plan.settle_at(), zone))));
    phases
}

/// What is used: what the vendor publishes, and what only users report.
fn mechanisms(m: &Mechanisms, remedies: &RemedyPolicy) -> (Vec<&'static str>, Vec<&'static str>) {
    let published = [
        (m.oauth_refresh, "OAuth token refresh"),
        (m.reassociate, "associate the station again"),
        (m.reboot_phone, "reboot the phone"),
        (m.revoke_tokens && !remedies.revoke_on_shift, "revoke the user's tokens before the shift"),
        (m.revoke_tokens && remedies.revoke_on_shift, "revoke the user's tokens, on shift as well"),
        (m.ask, "ask a person (straggler hook)"),
        (m.notifications, "pushed notifications"),
    ];
    let reported = [
        (m.authentication_refresh, "authentication refresh"),
        (m.media_probe, "media-token probe"),
        (m.purge_cache, "purgeCache on the publish"),
        (m.session_reset, "bulk session reset"),
    ];
    let used = |list: &[(bool, &'static str)]| list.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
    (used(&published), used(&reported))
}

fn wrapped(items: &[&str]) -> Vec<String> {
    if items.is_empty() { vec!["none".to_owned()] } else { wrap_words(&items.join(", "), 62) }
}
