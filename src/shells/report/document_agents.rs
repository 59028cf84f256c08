//! The agents of `report.json`, written one by one.
//!
//! Must never: hold them all at once; 100,000 agents need not stand in memory twice.

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::law::page::PageState;
use crate::law::plan::Member;
use crate::law::verdict::{Deferral, Missing, Reason, Rung, Verdict};
use crate::shells::report::agent::{AgentStory, AtPublish, TokenStory};
use crate::shells::report::next::next_words;
use crate::shells::report::story::{HandOver, Story};
use crate::shells::report::words::clean;
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

/// Every agent of the story.
pub(super) struct Agents<'a>(pub &'a Story);

#[derive(Serialize)]
struct AgentDoc<'a> {
    id: &'a str,
    name: &'a str,
    management_unit: &'a str,
    shift_start: Option<String>,
    enrolled: bool,
    /// Whether the platform can be expected to have told the agent of the publish.
    told_by_the_platform: Option<bool>,
    verdict: &'static str,
    recovered_by: Option<Rung>,
    deferred_because: Option<Deferral>,
    straggler_reason: Option<Reason>,
    missing: Option<Missing>,
    judged_at: Option<String>,
    first_not_ready_at: Option<String>,
    ready_at: Option<String>,
    ready_after_publish_ms: Option<i64>,
    token: &'static str,
    /// Where the new token was when the publish was claimed.
    new_token_at_publish: &'static str,
    /// What the page said at the first look after the publish; none where it was not heard after it.
    page_said_first: Option<PageState>,
    /// What the page said last.
    page_said_last: PageState,
    /// The newest answer by which the platform refused something for this agent.
    refused: Option<RefusedDoc<'a>>,
    /// What comes next and when, in words; empty for one who is ready.
    next: String,
    tried: Vec<TriedDoc>,
    moments: Vec<MomentDoc>,
    moments_left_out: u32,
}

#[derive(Serialize)]
struct RefusedDoc<'a> {
    at: String,
    status: Option<u16>,
    correlation: Option<&'a str>,
    words: &'a str,
}

#[derive(Serialize)]
struct TriedDoc {
    rung: Rung,
    times: u8,
}

#[derive(Serialize)]
struct MomentDoc {
    at: String,
    what: String,
}

/// One agent of the story, as in the report.
#[must_use]
pub fn agent_document(story: &Story, seat: Seat) -> Option<impl Serialize> {
    let (member, agent) = story.agent(seat)?;
    Some(agent_doc(story, seat, member, agent))
}

impl Serialize for Agents<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut agents = serializer.serialize_seq(Some(self.0.agents.len()))?;
        for (seat, member, agent) in self.0.everyone() {
            agents.serialize_element(&agent_doc(self.0, seat, member, agent))?;
        }
        agents.end()
    }
}

fn agent_doc<'a>(story: &Story, seat: Seat, member: &'a Member, agent: &'a AgentStory) -> AgentDoc<'a> {
    let (mut by, mut because, mut reason, mut missing) = (None, None, None, None);
    let verdict = match agent.verdict {
        None => "not_checked",
        Some(Verdict::Ready) => "ready",
        Some(Verdict::Recovered { by: rung }) => {
            by = Some(rung);
            "recovered"
        }
        Some(Verdict::Deferred { because: why }) => {
            because = Some(why);
            "deferred"
        }
        Some(Verdict::Straggler { reason: why }) => {
            reason = Some(why);
            "straggler"
        }
        Some(Verdict::Unknown { missing: what }) => {
            missing = Some(what);
            "unknown"
        }
    };
    let moments = agent.moments().map(|moment| MomentDoc {
        at: moment.at.rfc3339(),
        what: clean(&moment.what.words(story.zone, story.publish_at())),
    });
    AgentDoc {
        id: member.agent.as_str(),
        name: &member.name,
        management_unit: member.management_unit.as_str(),
        shift_start: member.shift_start.map(Timestamp::rfc3339),
        enrolled: member.enrolled,
        told_by_the_platform: story.publish.confirmed.and(story.plan.as_ref()).map(|plan| plan.is_told(seat)),
        verdict,
        recovered_by: by,
        deferred_because: because,
        straggler_reason: reason,
        missing,
        judged_at: agent.judged_at.map(Timestamp::rfc3339),
        first_not_ready_at: agent.first_not_ready.map(|(at, _)| at.rfc3339()),
        ready_at: agent.ready_at.map(Timestamp::rfc3339),
        ready_after_publish_ms: story.ready_after_ms(agent),
        token: token_name(agent.token),
        new_token_at_publish: hand_over_name(agent.at_publish),
        page_said_first: agent.page_first,
        page_said_last: agent.seen.page,
        refused: agent.refused.as_ref().map(|refused| RefusedDoc {
            at: refused.at.rfc3339(),
            status: refused.status,
            correlation: refused.correlation.as_deref(),
            words: &refused.words,
        }),
        next: next_words(story, seat, agent),
        tried: agent.rungs_tried().map(|(rung, times)| TriedDoc { rung, times }).collect(),
        moments: moments.collect(),
        moments_left_out: agent.left_out(),
    }
}

fn hand_over_name(at_publish: AtPublish) -> &'static str {
    match (at_publish.token, at_publish.hand_over) {
        (_, HandOver::Made) => "in_the_page",
        (_, HandOver::NoPage) => "no_page",
        (_, HandOver::Missed) => "not_taken",
        (TokenStory::Fresh, HandOver::None) => "not_handed_over",
        (TokenStory::Left, HandOver::None) => "left",
        (TokenStory::Untouched | TokenStory::UnderWay | TokenStory::Failed | TokenStory::Dead, HandOver::None) => {
            "none"
        }
    }
}

fn token_name(token: TokenStory) -> &'static str {
    match token {
        TokenStory::Untouched => "untouched",
        TokenStory::UnderWay => "under_way",
        TokenStory::Fresh => "refreshed",
        TokenStory::Left => "left",
        TokenStory::Failed => "given_up",
        TokenStory::Dead => "dead",
    }
}
