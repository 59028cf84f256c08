//! Agents' pages in the hands of a run: what the law asks and tells is carried to the hub of the companions, and what the pages
//! do of their own accord comes back as hints.
//!
//! Must never: decide, hand over a token that is not the agent's newest, or take silence for a report.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use crate::hands::companion::{Errand as Sent, PageNews, PageSeen as Reported, Pages, Signalling, Told};
use crate::hands::vault::Vault;
use crate::law::hint::{Hint, Stirred};
use crate::law::page::{Errand, PageAnswer, PageSeen, PageState};
use crate::law::plan::Plan;
use crate::law::verdict::CallState;
use crate::shells::perform::VaultEar;
use crate::words::clock::Timestamp;
use crate::words::id::{AgentId, Seat};
use crate::words::secret::Secret;

/// Pages that are asked at once for a new report.
const ASKED_MAX: usize = 256;

/// What the pages say that have said something since `since`, asked for once more where their last report is older.
pub async fn read(pages: &Pages, agents: Vec<(Seat, AgentId)>, since: Timestamp) -> Vec<PageSeen> {
    let one = |(seat, agent): (Seat, AgentId)| async move {
        let is_new = |seen: &Reported| seen.at >= since;
        let mut seen = pages.seen(&agent).filter(is_new);
        if seen.is_none() && pages.has_page(&agent) {
            pages.command(&agent, Sent::Report).await;
            seen = pages.seen(&agent).filter(is_new);
        }
        seen.map(|seen| heard_of(seat, &seen))
    };
    let seen = futures_util::stream::iter(agents).map(one).buffer_unordered(ASKED_MAX);
    seen.filter_map(std::future::ready).collect().await
}

/// Tells an agent's page something. A token is handed over only where the law says that the vault holds a newer one.
pub async fn tell(
    pages: &Pages,
    vault: Option<(&Vault, &VaultEar)>,
    agent: &AgentId,
    errand: Errand,
    brings: Brings,
) -> PageAnswer {
    if !pages.has_page(agent) {
        return PageAnswer::NoPage;
    }
    let token = match brings {
        Brings::Nothing => None,
        Brings::Token => token_of(vault, agent).await,
    };
    let sent = match (errand, token) {
        (Errand::Token, Some(token)) => Sent::Token(token),
        (Errand::Renew, Some(token)) => Sent::Renew(Some(token)),
        (Errand::Token | Errand::Renew, None) => {
            return PageAnswer::Failed { why: "the vault holds no token of the agent".to_owned() };
        }
        (Errand::Revive, token) => Sent::Revive(token),
        (Errand::AskToReload, _) => Sent::Notify("Your softphone needs a reload.".to_owned()),
        (Errand::AskToSignIn, _) => {
            Sent::Notify("Please reload and sign in again, so that your softphone can be kept ready.".to_owned())
        }
    };
    let told = pages.command(agent, sent).await;
    if let (Told::Done | Told::Deferred, Brings::Token, Some((vault, _))) = (&told, brings, vault) {
        // When a grant was last of use is for people; a run does not wait for it, or end without it.
        let _unknown = vault.used(std::slice::from_ref(agent)).await;
    }
    match told {
        Told::Done => PageAnswer::Done,
        Told::Deferred => PageAnswer::Deferred,
        Told::NoPage => PageAnswer::NoPage,
        Told::Failed(why) => PageAnswer::Failed { why },
        Told::NoAnswer => PageAnswer::NoAnswer,
    }
}

/// Whether an errand brings the agent's newest token along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brings {
    /// It does.
    Token,
    /// It does not: the page has it, or one of its own that may be newer.
    Nothing,
}

async fn token_of(vault: Option<(&Vault, &VaultEar)>, agent: &AgentId) -> Option<Secret> {
    let (vault, ear) = vault?;
    let grant = vault.get(agent).await.inspect_err(|e| ear.hear(e)).ok()??;
    grant.access_token.map(|(token, _)| token)
}

/// What a report means. The order is that of what keeps a call from being taken, the deepest cause first.
#[must_use]
pub fn state(seen: &Reported) -> PageState {
    let down = match seen.state {
        Signalling::Retrying | Signalling::GivenUp => true,
        Signalling::Up | Signalling::Unknown => !seen.connected,
    };
    if seen.http == Some(401) {
        PageState::Refused
    } else if down {
        PageState::Down
    } else if seen.station == Some(false) {
        PageState::NoStation
    } else if seen.microphone == Some(false) {
        PageState::NoMicrophone
    } else if seen.ready {
        PageState::Ready
    } else {
        PageState::Unknown
    }
}

/// A report in the law's words.
#[must_use]
pub fn heard_of(seat: Seat, seen: &Reported) -> PageSeen {
    let call = if seen.call { CallState::OnCall } else { CallState::Free };
    PageSeen { seat, state: state(seen), call, at: seen.at }
}

/// Tells a run what the pages of its agents do of their own accord, as long as it listens: that one has come, and that a softphone
/// is another than before. What was missed is told as a gap.
pub async fn hints(pages: Pages, plan: Arc<Plan>, tell: mpsc::Sender<Hint>) {
    let mut news = pages.news();
    let mut known: HashMap<AgentId, PageState> =
        plan.roster.iter().map(|member| (member.agent.clone(), PageState::Unknown)).collect();
    loop {
        let hint = match news.recv().await {
            Ok(news) => match known.get_mut(news.agent()) {
                Some(before) => heard(&pages, &news, before),
                None => None,
            },
            Err(RecvError::Lagged(_)) => Some(Hint::Gap),
            Err(RecvError::Closed) => return,
        };
        if let Some(hint) = hint
            && tell.send(hint).await.is_err()
        {
            return;
        }
    }
}

/// A report that says what the one before said is no news: most are asked for by the run itself.
fn heard(pages: &Pages, news: &PageNews, before: &mut PageState) -> Option<Hint> {
    let agent = news.agent().clone();
    let now = pages.seen(&agent).map_or(PageState::Unknown, |seen| state(&seen));
    let was = std::mem::replace(before, now);
    let what = match news {
        PageNews::Come(_) => Stirred::PageCame,
        PageNews::Seen(_) | PageNews::Gone(_) | PageNews::Finished { .. } if was == now => return None,
        PageNews::Seen(_) | PageNews::Gone(_) | PageNews::Finished { .. } => match (was, now) {
            (PageState::Ready, _) => Stirred::PageFell,
            (_, _) => Stirred::Other,
        },
    };
    Some(Hint::Agent { agent, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(words: &str) -> Reported {
        let text = format!("{{\"type\":\"report\",{words}}}");
        match crate::hands::companion::protocol::read(&text, Timestamp(5)) {
            crate::hands::companion::protocol::FromPage::Report(seen) => *seen,
            other => panic!("no report: {other:?}"),
        }
    }

    #[test]
    fn a_report_means_what_keeps_a_call_from_being_taken() {
        let good = r#""connected":true,"station":true,"ice":true,"microphone":true,"http":200,"call":false,"state":"up","ready":true"#;
        for (from, to, means) in [
            ("", "", PageState::Ready),
            ("\"http\":200", "\"http\":401", PageState::Refused),
            ("\"connected\":true", "\"connected\":false", PageState::Down),
            ("\"up\"", "\"given_up\"", PageState::Down),
            ("\"up\"", "\"retrying\"", PageState::Down),
            ("\"station\":true", "\"station\":false", PageState::NoStation),
            ("\"microphone\":true", "\"microphone\":false", PageState::NoMicrophone),
            // What the page could not find out is nothing to build on.
            ("\"ready\":true", "\"ready\":false", PageState::Unknown),
            ("\"http\":200", "\"http\":503", PageState::Ready),
        ] {
            assert_eq!(state(&report(&good.replace(from, to))), means, "{from} -> {to}");
        }
        let dead = good.replace("\"http\":200", "\"http\":401").replace("\"up\"", "\"given_up\"");
        assert_eq!(state(&report(&dead)), PageState::Refused, "a new session alone would not help");
    }
}
