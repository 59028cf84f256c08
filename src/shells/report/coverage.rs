//! Whom the preparations have reached: who is enrolled, into whose page the new token came before the publish, who depends on
//! remedies, whom the platform tells; and what pages said of their softphones.
//!
//! Must never: count a token as handed over that no page took, or an agent of whom nothing was heard as well.

use serde::Serialize;

use crate::law::event::Phase;
use crate::law::page::PageState;
use crate::law::plan::TOLD_MAX;
use crate::shells::report::agent::TokenStory;
use crate::shells::report::control::Side;
use crate::shells::report::story::{HandOver, Story};
use crate::shells::report::words::{count, percent};

/// Whom the preparations have reached; agents, each counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Coverage {
    /// All agents of the roster.
    pub agents: u32,
    /// Agents whose token can be refreshed.
    pub enrolled: u32,
    /// Agents who had a new token before the publish.
    pub renewed: u32,
    /// Agents whose token and session were young enough, so that they were left as they were.
    pub left: u32,
    /// Of those who had a new token: the page was connected and took it, or takes it after its call.
    pub handed_over: u32,
    /// Of those: no page was connected.
    pub no_page: u32,
    /// Of those: a page was connected, and did not take it or did not answer.
    pub not_taken: u32,
    /// Of those: nobody has said what became of it when the publish was claimed.
    pub not_in_time: u32,
    /// Agents whose page was given a new token only after the publish.
    pub handed_over_later: u32,
    /// Agents without a new token in their page at the publish: only a remedy helps if it costs them their softphone. Without
    /// companions, those without a new token: nobody knows whether the others' tokens have reached a page.
    pub depend_on_remedies: u32,
    /// Agents whom the platform can be expected to have told of the publish ([`TOLD_MAX`]); `None` while it is not seen made.
    pub told_by_the_platform: Option<u32>,
}

/// One line of a table.
#[derive(Debug, Clone, Serialize)]
pub struct CoverageRow {
    /// How many agents.
    pub agents: String,
    /// Their share of the roster.
    pub share: String,
    /// Who they are.
    pub who: &'static str,
    /// What has to be said beside; often empty.
    pub note: String,
    /// 1 where they are part of those in the lines before, 0 elsewhere.
    pub depth: u8,
}

/// How many pages said the same.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Said {
    /// What.
    pub state: PageState,
    /// At the first look after the publish.
    pub first: u32,
    /// At the last.
    pub last: u32,
}

/// The same, to be shown.
#[derive(Debug, Clone, Serialize)]
pub struct SaidRow {
    /// What.
    pub what: &'static str,
    /// At the first look after the publish.
    pub first: String,
    /// At the last.
    pub last: String,
}

const STATES: [PageState; 6] = [
    PageState::Ready,
    PageState::Down,
    PageState::Refused,
    PageState::NoStation,
    PageState::NoMicrophone,
    PageState::Unknown,
];

/// Whom the preparations have reached.
#[must_use]
pub fn coverage(story: &Story) -> Coverage {
    let Some(plan) = &story.plan else { return Coverage::default() };
    let mut told =
        Coverage { agents: plan.roster.len() as u32, enrolled: story.refresh.enrolled, ..Coverage::default() };
    told.told_by_the_platform = story.publish.confirmed.map(|_| told.agents.min(TOLD_MAX as u32));
    let mut left_in_page = 0;
    for (_, _, agent) in story.everyone() {
        told.renewed += u32::from(agent.at_publish.token == TokenStory::Fresh);
        if agent.at_publish.token == TokenStory::Left {
            told.left += 1;
            left_in_page += u32::from(agent.at_publish.hand_over == HandOver::Made);
            continue;
        }
        match agent.at_publish.hand_over {
            HandOver::Made => told.handed_over += 1,
            HandOver::NoPage => told.no_page += 1,
            HandOver::Missed => told.not_taken += 1,
            HandOver::None => {}
        }
        let is_late = agent.at_publish.hand_over != HandOver::Made && agent.hand_over == HandOver::Made;
        told.handed_over_later += u32::from(is_late);
    }
    told.not_in_time = told.renewed.saturating_sub(told.handed_over + told.no_page + told.not_taken);
    let reached = if plan.mechanisms.companion { told.handed_over + left_in_page } else { told.renewed + told.left };
    told.depend_on_remedies = told.agents.saturating_sub(reached);
    told
}

/// The lines of the table; empty for a run that neither refreshed nor checked anything.
#[must_use]
pub fn rows(story: &Story) -> Vec<CoverageRow> {
    let Some(plan) = &story.plan else { return Vec::new() };
    let has_refreshed = story.began(Phase::Refreshing).is_some();
    if !has_refreshed && story.counts.judged() == 0 {
        return Vec::new();
    }
    let told = coverage(story);
    let row = |n: u32, depth: u8, who: &'static str, note: String| CoverageRow {
        agents: count(u64::from(n)),
        share: percent(u64::from(n), u64::from(told.agents)),
        who,
        note,
        depth,
    };
    let plain = |n: u32, depth: u8, who: &'static str| row(n, depth, who, String::new());
    let mut rows = vec![row(told.enrolled, 0, "enrolled for token refresh", refresh_words(story))];
    if has_refreshed {
        rows.push(plain(told.renewed, 0, "had a new token before the publish"));
    }
    if told.left > 0 {
        rows.push(plain(told.left, 0, "had a token and a session young enough, left as they were"));
    }
    if has_refreshed && plan.mechanisms.companion {
        rows.push(plain(told.handed_over, 1, "of them: handed to the agent's page"));
        rows.push(plain(told.no_page, 1, "of them: no page connected"));
        rows.push(plain(told.not_taken, 1, "of them: not taken by the page"));
        if told.not_in_time > 0 {
            rows.push(plain(told.not_in_time, 1, "of them: not handed over in time"));
        }
        if told.handed_over_later > 0 {
            rows.push(plain(told.handed_over_later, 0, "had it handed to their page after the publish"));
        }
    }
    if story.side() == Side::AfterTheClaim {
        rows.push(if plan.mechanisms.companion {
            plain(told.depend_on_remedies, 0, "had no new token in their page: depend on remedies")
        } else {
            let note = "whether the others' tokens reached a page is not known: no companions in this run".to_owned();
            row(told.depend_on_remedies, 0, "had no new token: depend on remedies", note)
        });
    }
    // Of a publish that nobody has seen made, nobody can have been told.
    if let Some(by_the_platform) = told.told_by_the_platform {
        let note = format!(
            "users report that it tells {} at most; which of them is uncertain, taken here in the order of the roster",
            count(TOLD_MAX as u64)
        );
        rows.push(row(by_the_platform, 0, "told of the publish by the platform", note));
    }
    rows
}

/// What became of the enrolled agents' tokens during the run: `420 refreshed, 10 dead`; empty where nothing did.
fn refresh_words(story: &Story) -> String {
    let counts = story.refresh;
    if counts.ended() + counts.under_way == 0 {
        return String::new();
    }
    let parts = [
        (counts.done, "refreshed"),
        (counts.left, "left as they were"),
        (counts.failed, "given up"),
        (counts.dead, "dead"),
        (counts.under_way, "started and unanswered"),
        (counts.untouched(), "not needed or not reached"),
    ];
    let told = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(u64::from(n))));
    told.collect::<Vec<_>>().join(", ")
}

/// What pages said at the first look after the publish and at the last; empty where no page was ever heard after it.
#[must_use]
pub fn said(story: &Story) -> Vec<Said> {
    if !story.agents.iter().any(|agent| agent.page_first.is_some()) {
        return Vec::new();
    }
    let of = |state: PageState, which: fn(&crate::shells::report::agent::AgentStory) -> PageState| {
        story.agents.iter().filter(|agent| which(agent) == state).count() as u32
    };
    STATES
        .into_iter()
        .map(|state| Said {
            state,
            first: of(state, |agent| agent.page_first.unwrap_or_default()),
            last: of(state, |agent| agent.seen.page),
        })
        .collect()
}

/// The same in words, without what no page said.
#[must_use]
pub fn said_rows(story: &Story) -> Vec<SaidRow> {
    let told = said(story).into_iter().filter(|said| said.first + said.last > 0);
    told.map(|said| SaidRow {
        what: match said.state {
            PageState::Unknown => "nothing clear, or no page connected",
            PageState::Ready
            | PageState::Down
            | PageState::Refused
            | PageState::NoStation
            | PageState::NoMicrophone => said.state.words(),
        },
        first: count(u64::from(said.first)),
        last: count(u64::from(said.last)),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::command::TokenVia;
    use crate::law::event::Event;
    use crate::law::page::{Errand, PageAnswer, PageSeen};
    use crate::law::plan::Plan;
    use crate::law::verdict::CallState;
    use crate::shells::report::sample::{self, Scribe, T};
    use crate::words::id::Seat;

    /// Five agents: one is told, one has no page, one's page does not take it, one's is on a call, one is not enrolled.
    fn five() -> Plan {
        let mut plan = sample::plan(1, 5);
        plan.mechanisms.companion = true;
        for (at, member) in plan.roster.iter_mut().enumerate() {
            member.enrolled = at < 4;
        }
        plan
    }
    fn answers() -> [PageAnswer; 4] {
        [PageAnswer::Done, PageAnswer::NoPage, PageAnswer::Failed { why: "no".to_owned() }, PageAnswer::Deferred]
    }
    fn refreshed(plan: Plan) -> Scribe {
        let mut scribe = Scribe::staged(plan);
        scribe.say(T - 900_000, Event::PhaseEntered { phase: Phase::Refreshing });
        for (at, answer) in answers().into_iter().enumerate() {
            let seat = Seat(at as u32);
            scribe.say(T - 800_000, Event::RefreshStarted { seat, via: TokenVia::Grant });
            scribe.say(T - 700_000, Event::TokenRefreshed { seat, expires_at: T + 9 });
            scribe.say(T - 600_000, Event::PageTold { seat, errand: Errand::Token, answer });
        }
        scribe
    }
    fn claimed(scribe: &mut Scribe) {
        scribe.say(T, Event::PublishClaimed { attempt: 1, late_ms: 0 });
        scribe.say(T, Event::PhaseEntered { phase: Phase::Checking });
    }
    fn page(scribe: &mut Scribe, at: i64, seat: u32, state: PageState) {
        let seen = PageSeen { seat: Seat(seat), state, call: CallState::Free, at: T + at };
        scribe.say(T + at, Event::PagesSeen { seen: vec![seen] });
    }

    #[test]
    fn a_refresh_that_nobody_answered_is_counted_apart() {
        let mut scribe = Scribe::staged(five());
        scribe.say(T - 900_000, Event::PhaseEntered { phase: Phase::Refreshing });
        for seat in [Seat(0), Seat(1)] {
            scribe.say(T - 800_000, Event::RefreshStarted { seat, via: TokenVia::Grant });
        }
        let note = |scribe: &Scribe| rows(&Story::of(&scribe.records))[0].note.clone();
        assert_eq!(note(&scribe), "2 started and unanswered, 2 not needed or not reached");
        scribe.say(T - 700_000, Event::TokenRefreshed { seat: Seat(0), expires_at: T + 9 });
        assert_eq!(note(&scribe), "1 refreshed, 1 started and unanswered, 2 not needed or not reached");
    }

    #[test]
    fn every_new_token_is_counted_once_and_as_it_stood_at_the_publish() {
        let mut scribe = refreshed(five());
        claimed(&mut scribe);
        // What comes too late covers nobody.
        let late = Event::PageTold { seat: Seat(1), errand: Errand::Token, answer: PageAnswer::Done };
        scribe.say(T + 60_000, late);
        let told = coverage(&Story::of(&scribe.records));
        let expected = Coverage {
            agents: 5,
            enrolled: 4,
            renewed: 4,
            left: 0,
            handed_over: 2,
            no_page: 1,
            not_taken: 1,
            not_in_time: 0,
            handed_over_later: 1,
            depend_on_remedies: 3,
            told_by_the_platform: None,
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn who_was_left_as_it_was_is_told_apart_and_does_not_depend_on_remedies() {
        let mut scribe = Scribe::staged(five());
        scribe.say(T - 900_000, Event::PhaseEntered { phase: Phase::Refreshing });
        for seat in [0, 1] {
            scribe.say(T - 800_000, Event::RefreshStarted { seat: Seat(seat), via: TokenVia::Grant });
            let left = Event::TokenLeft { seat: Seat(seat), made_at: T - 999_000, expires_at: T + 9_000_000 };
            scribe.say(T - 800_000, left);
        }
        scribe.say(T - 700_000, Event::PageTold { seat: Seat(0), errand: Errand::Token, answer: PageAnswer::Done });
        claimed(&mut scribe);
        let story = Story::of(&scribe.records);
        let told = coverage(&story);
        assert_eq!((told.left, told.renewed, told.handed_over, told.not_in_time), (2, 0, 0, 0));
        assert_eq!(told.depend_on_remedies, 4, "one of the two has it in the page");
        let said: Vec<String> = rows(&story).into_iter().map(|row| format!("{} {}", row.agents, row.who)).collect();
        assert!(said.iter().any(|line| line.starts_with("2 had a token and a session young enough")), "{said:?}");
    }

    #[test]
    fn without_companions_nothing_is_said_about_pages() {
        let mut plan = five();
        plan.mechanisms.companion = false;
        let mut scribe = Scribe::staged(plan);
        scribe.say(T - 900_000, Event::PhaseEntered { phase: Phase::Refreshing });
        scribe.say(T - 800_000, Event::RefreshStarted { seat: Seat(0), via: TokenVia::Grant });
        scribe.say(T - 700_000, Event::TokenRefreshed { seat: Seat(0), expires_at: T + 9 });
        claimed(&mut scribe);
        let story = Story::of(&scribe.records);
        let rows = rows(&story);
        assert!(rows.iter().all(|row| !row.who.contains("page")), "{rows:?}");
        assert!(rows.iter().any(|row| row.who.contains("depend on remedies") && row.agents == "4"), "{rows:?}");
        assert!(said_rows(&story).is_empty());
    }

    #[test]
    fn before_the_publish_nobody_depends_on_remedies() {
        let rows = rows(&Story::of(&refreshed(five()).records));
        assert!(rows.iter().any(|row| row.who.contains("handed to the agent's page") && row.agents == "2"), "{rows:?}");
        assert!(rows.iter().all(|row| !row.who.contains("remedies")), "{rows:?}");
    }

    #[test]
    fn the_platform_is_never_said_to_tell_more_than_it_does() {
        for seen in [Event::PublishConfirmed { version: 8 }, Event::PublishedElsewhere { version: 8 }] {
            let mut scribe = Scribe::staged(sample::plan(1, TOLD_MAX + 7));
            claimed(&mut scribe);
            scribe.say(T + 20_000, seen);
            let told = coverage(&Story::of(&scribe.records));
            assert_eq!((told.agents, told.told_by_the_platform), (TOLD_MAX as u32 + 7, Some(TOLD_MAX as u32)));
        }
    }

    #[test]
    fn of_a_publish_that_was_not_seen_made_the_platform_has_told_nobody() {
        use crate::law::event::StopKind;
        let mut claimed_only = refreshed(five());
        claimed(&mut claimed_only);
        for records in [refreshed(five()).records, sample::stopped(StopKind::Vetoed, "no"), claimed_only.records] {
            let story = Story::of(&records);
            let rows = rows(&story);
            assert!(!rows.is_empty() && rows.iter().all(|row| !row.who.contains("by the platform")), "{rows:?}");
            let document = serde_json::to_value(crate::shells::report::document::document(&story)).unwrap();
            assert!(document["coverage"]["told_by_the_platform"].is_null());
            assert!(document["agents"][0]["told_by_the_platform"].is_null());
        }
    }

    #[test]
    fn what_pages_said_adds_up_to_the_roster_at_both_looks() {
        let mut scribe = refreshed(five());
        page(&mut scribe, -60_000, 0, PageState::Ready);
        claimed(&mut scribe);
        page(&mut scribe, 30_000, 0, PageState::Refused);
        page(&mut scribe, 30_000, 1, PageState::Down);
        page(&mut scribe, 90_000, 0, PageState::Ready);
        let story = Story::of(&scribe.records);
        let told = said(&story);
        let of = |state: PageState| told.iter().find(|said| said.state == state).map(|said| (said.first, said.last));
        assert_eq!(of(PageState::Ready), Some((0, 1)));
        assert_eq!(of(PageState::Refused), Some((1, 0)));
        assert_eq!(of(PageState::Down), Some((1, 1)));
        assert_eq!(of(PageState::Unknown), Some((3, 3)));
        let (first, last) = told.iter().fold((0, 0), |sum, said| (sum.0 + said.first, sum.1 + said.last));
        assert_eq!((first, last), (5, 5));
        assert_eq!(said_rows(&story).len(), 4, "what no page said has no line");
    }
}
