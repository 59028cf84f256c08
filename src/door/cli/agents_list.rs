//! `softlanding agents list`: who is enrolled, since when, and who must sign in again.
//!
//! Must never: show a token.

use serde_json::{Value, json};

use crate::door::cli::args::ListArgs;
use crate::door::cli::{open, out};
use crate::door::error::{ExitCode, Failure};
use crate::hands::vault::{Enrolled, GrantState};
use crate::shells::report::words::counted;
use crate::words::calendar::duration_words;
use crate::words::clock::Timestamp;

/// The widest name that has its column to itself, in characters.
const NAME_CHARS_MAX: usize = 30;
/// The widest line, in characters.
const LINE_CHARS_MAX: usize = 80;

pub(super) async fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let clock = open::clock(&config).await?;
    let agents = open::needed_vault(&config, clock).await?.agents().await?;
    if args.json {
        out::document("softlanding.agents.v1", document(&agents));
    } else {
        out::say(table(agents, clock.now()));
    }
    Ok(ExitCode::Done)
}

/// Who must sign in again comes first, then whose refresh was interrupted, then everybody else; each by name.
fn table(mut agents: Vec<Enrolled>, now: Timestamp) -> Vec<String> {
    agents.sort_by_cached_key(|one| (!one.must_sign_in(), one.spent_since.is_none(), one.name.clone()));
    let mut lines = Vec::new();
    if !agents.is_empty() {
        lines.push(row("AGENT", "ENROLLED", "REFRESHED", "TOKEN ENDS"));
    }
    for one in &agents {
        lines.push(row(
            &one.name,
            &ago(one.enrolled_at, now),
            &ago(one.refreshed_at, now),
            &one.access_until.map_or_else(|| "-".to_owned(), |until| ends(until, now)),
        ));
        if let Some(words) = trouble(one) {
            lines.push(cut(&format!("  {}", one.agent), LINE_CHARS_MAX));
            lines.push(cut(&format!("  {words}"), LINE_CHARS_MAX));
        }
    }
    let dead = agents.iter().filter(|one| one.must_sign_in()).count();
    let all = counted(agents.len() as u64, "agent", "agents");
    lines.push(format!("{all} enrolled, {dead} of them must sign in again"));
    lines
}

fn row(name: &str, enrolled: &str, refreshed: &str, ends: &str) -> String {
    let name = cut(name, NAME_CHARS_MAX);
    format!("{name:<NAME_CHARS_MAX$}  {enrolled:<14}  {refreshed:<14}  {ends}").trim_end().to_owned()
}

fn trouble(one: &Enrolled) -> Option<String> {
    match (&one.state, one.spent_since) {
        (GrantState::Dead { why }, _) => Some(format!("must sign in again: {why}")),
        (GrantState::Alive, _) if one.under_way => Some("is being refreshed".to_owned()),
        (GrantState::Alive, Some(_)) => Some("a refresh was interrupted; it is tried once more".to_owned()),
        (GrantState::Alive, None) => None,
    }
}

fn ago(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(|| "-".to_owned(), |at| format!("{} ago", whole(now.since_ms(at))))
}

fn ends(until: Timestamp, now: Timestamp) -> String {
    let left_ms = until.since_ms(now);
    if left_ms > 0 { format!("in {}", whole(left_ms)) } else { format!("{} ago", whole(left_ms)) }
}

/// Below a second there is nothing to tell.
fn whole(ms: i64) -> String {
    duration_words(ms.abs() / 1_000 * 1_000)
}

fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    text.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect()
}

fn document(agents: &[Enrolled]) -> Value {
    let instant = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
    let one = |one: &Enrolled| {
        let (state, why) = match (&one.state, one.spent_since) {
            (GrantState::Dead { why }, _) => ("must_sign_in", Some(why)),
            (GrantState::Alive, _) if one.under_way => ("refreshing", None),
            (GrantState::Alive, Some(_)) => ("interrupted", None),
            (GrantState::Alive, None) => ("enrolled", None),
        };
        json!({
            "agent": one.agent,
            "name": one.name,
            "state": state,
            "why": why,
            "enrolled_at": instant(one.enrolled_at),
            "refreshed_at": instant(one.refreshed_at),
            "token_ends_at": instant(one.access_until),
            "used_at": instant(one.used_at),
            "dead_at": instant(one.dead_at),
            "interrupted_at": instant(one.spent_since),
        })
    };
    let dead = agents.iter().filter(|one| one.must_sign_in()).count();
    json!({ "agents": agents.iter().map(one).collect::<Vec<_>>(), "enrolled": agents.len(), "must_sign_in": dead })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::id::AgentId;

    const NOW: Timestamp = Timestamp(1_795_816_800_000);

    fn enrolled(name: &str, state: GrantState) -> Enrolled {
        Enrolled {
            agent: AgentId::new(&format!("0b0d1c5a-77aa-4a7e-9d3c-1d0f8a9b{:04}", name.len())).unwrap(),
            name: name.to_owned(),
            state,
            enrolled_at: Some(NOW - 30 * 86_400_000),
            refreshed_at: Some(NOW - 3 * 3_600_000 - 720_123),
            access_until: Some(NOW + 75_600_000),
            used_at: None,
            dead_at: None,
            spent_since: None,
            under_way: false,
        }
    }

    #[test]
    fn who_must_sign_in_again_comes_first_and_everything_fits() {
        let why =
            "a refresh was interrupted (2026-11-27 21:50 UTC); the refresh token is not valid (HTTP 400 invalid_grant)";
        let long = "An unusually long name that somebody has given to an agent";
        let spent = Enrolled { spent_since: Some(NOW), ..enrolled("Bo", GrantState::Alive) };
        let dead = enrolled("Cy", GrantState::Dead { why: why.to_owned() });
        let lines = table(vec![enrolled("Al", GrantState::Alive), enrolled(long, GrantState::Alive), spent, dead], NOW);
        assert!(lines.iter().all(|line| line.chars().count() <= LINE_CHARS_MAX), "{lines:#?}");
        let first_words: Vec<&str> = lines.iter().filter_map(|line| line.split_whitespace().next()).collect();
        let id = "0b0d1c5a-77aa-4a7e-9d3c-1d0f8a9b0002";
        assert_eq!(first_words, ["AGENT", "Cy", id, "must", "Bo", id, "a", "Al", "An", "4"], "{lines:#?}");
        assert_eq!(lines[1], "Cy                              30 d ago        3 h 12 min ago  in 21 h");
        assert_eq!(lines.last().unwrap(), "4 agents enrolled, 1 of them must sign in again");
    }

    #[test]
    fn the_document_says_what_is_known_and_what_is_not() {
        let dead = Enrolled { refreshed_at: None, ..enrolled("Cy", GrantState::Dead { why: "gone".to_owned() }) };
        let told = document(&[enrolled("Al", GrantState::Alive), dead]);
        assert_eq!((&told["enrolled"], &told["must_sign_in"]), (&json!(2), &json!(1)));
        assert_eq!((&told["agents"][1]["state"], &told["agents"][1]["why"]), (&json!("must_sign_in"), &json!("gone")));
        assert!(told["agents"][1]["refreshed_at"].is_null());
        assert_eq!(
            told["agents"][0]["token_ends_at"],
            NOW.utc()
                .checked_add_signed(chrono::Duration::hours(21))
                .map(|at| Timestamp(at.timestamp_millis()).rfc3339())
                .unwrap()
        );
    }
}
