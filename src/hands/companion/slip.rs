//! What replicas tell each other about their pages: one JSON text each, short enough for a notification of PostgreSQL.
//!
//! Must never: hold a token, or be longer than a notification may be.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::pages::Told;
use super::seen::{PageSeen, Signalling};
use crate::words::clock::Timestamp;
use crate::words::id::AgentId;
use crate::words::secret::Secret;

/// The longest payload, in bytes: PostgreSQL takes fewer than 8,000 (postgresql.org/docs/current/sql-notify.html).
pub(super) const BYTES_MAX: usize = 7_900;
/// Agents in one slip: an entry is at most 64 bytes of id and 70 of digest, with their quotes.
pub(super) const PAGES_MAX: usize = 50;

/// A slip and who wrote it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Signed {
    /// The replica.
    pub(super) from: String,
    /// What it says.
    #[serde(flatten)]
    pub(super) slip: Slip,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "slip", rename_all = "snake_case")]
pub(super) enum Slip {
    /// It is new, or has missed something: everybody gives an account of their pages.
    Hello,
    /// It lives.
    Alive,
    /// It ends.
    Bye,
    /// Pages that have changed, or a part of an account: the digest, empty for a page without a report; nothing for a
    /// page that is gone.
    Pages { account: u64, pages: Vec<(AgentId, Option<String>)> },
    /// The account with this number is complete.
    Accounted { account: u64 },
    /// A command for an agent's pages at the replica `to`, with the mark of the token that it is to take from the vault.
    Command { to: String, id: String, agent: AgentId, errand: String, token: Option<String>, words: Option<String> },
    /// What came of it.
    Answer { to: String, id: String, told: String, why: Option<String> },
}

/// What tells a token from another without giving it away: the first 16 bytes of its SHA-256. Tokens are long and drawn by
/// the platform, so nobody finds one by trying.
pub(super) fn mark(token: &Secret) -> String {
    Sha256::digest(token.expose()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The payload; `None` when it would be too long.
pub(super) fn write(from: &str, slip: Slip) -> Option<String> {
    let text = serde_json::to_string(&Signed { from: from.to_owned(), slip }).ok()?;
    (text.len() <= BYTES_MAX).then_some(text)
}

/// Reads a payload; `None` for what is no slip, or one of a newer softlanding.
pub(super) fn read(text: &str) -> Option<Signed> {
    serde_json::from_str(text).ok()
}

/// What a page reports, in a few characters: six flags (1, 0, or ? for unknown), the state's first letter, status, instant
/// and version.
pub(super) fn digest(seen: &PageSeen) -> String {
    let flag = |known: Option<bool>| known.map_or('?', |on| if on { '1' } else { '0' });
    let flags: String = [
        Some(seen.connected),
        seen.station,
        seen.ice,
        seen.microphone,
        Some(seen.call),
        Some(seen.ready),
        Some(seen.deferred),
    ]
    .map(flag)
    .into_iter()
    .collect();
    let version = seen.sdk.as_deref().unwrap_or_default();
    format!("{flags} {} {} {} {version}", seen.state.word(), seen.http.unwrap_or(0), seen.at.0)
}

/// Reads a digest.
pub(super) fn undigest(text: &str) -> Option<PageSeen> {
    let mut words = text.splitn(5, ' ');
    let flags: Vec<Option<bool>> = words
        .next()?
        .chars()
        .map(|c| match c {
            '1' => Some(true),
            '0' => Some(false),
            _ => None,
        })
        .collect();
    let [connected, station, ice, microphone, call, ready, deferred] = flags.try_into().ok()?;
    let state = Signalling::of(words.next()?);
    let http = words.next()?.parse::<u16>().ok().filter(|status| *status != 0);
    let at = Timestamp(words.next()?.parse().ok()?);
    let sdk = words.next().filter(|version| !version.is_empty()).map(str::to_owned);
    // A missing word is never a good one.
    let (connected, call) = (connected.unwrap_or(false), call.unwrap_or(true));
    let (ready, deferred) = (ready.unwrap_or(false), deferred.unwrap_or(false));
    Some(PageSeen { connected, station, ice, microphone, http, call, state, ready, deferred, at, sdk })
}

/// An outcome in a word and its reason.
pub(super) fn told_words(told: Told) -> (String, Option<String>) {
    let (word, why) = match told {
        Told::NoPage => ("no_page", None),
        Told::Done => ("done", None),
        Told::Deferred => ("deferred", None),
        Told::Failed(why) => ("failed", Some(why)),
        Told::NoAnswer => ("no_answer", None),
    };
    (word.to_owned(), why)
}

/// Reads an outcome; one that is not known is no answer.
pub(super) fn told_of(word: &str, why: Option<String>) -> Told {
    match word {
        "no_page" => Told::NoPage,
        "done" => Told::Done,
        "deferred" => Told::Deferred,
        "failed" => Told::Failed(why.unwrap_or_default()),
        _ => Told::NoAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> PageSeen {
        PageSeen {
            connected: true,
            station: Some(true),
            ice: None,
            microphone: Some(false),
            http: Some(401),
            call: true,
            state: Signalling::GivenUp,
            ready: false,
            deferred: true,
            at: Timestamp(1_795_816_800_000),
            sdk: Some("9.2.4".to_owned()),
        }
    }

    #[test]
    fn a_digest_says_all_that_a_report_does() {
        let bare = PageSeen { http: None, sdk: None, state: Signalling::Unknown, ..seen() };
        for seen in [seen(), bare] {
            assert_eq!(undigest(&digest(&seen)), Some(seen));
        }
        for odd in ["", "111", "1111111", "1111111 up", "1111111 up x", "1111111 up 200 x", "11111111 up 200 5 "] {
            assert_eq!(undigest(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_longest_slip_fits_into_a_notification() {
        let long = PageSeen { sdk: Some("9".repeat(32)), state: Signalling::Retrying, ..seen() };
        let page = |_| (AgentId::new(&"a".repeat(64)).unwrap(), Some(digest(&long)));
        let slip = Slip::Pages { account: u64::MAX, pages: (0..PAGES_MAX).map(page).collect() };
        let text = write(&"f".repeat(64), slip.clone()).expect("it fits");
        assert_eq!(read(&text).unwrap().slip, slip);
        let words = Some("\u{1f512}".repeat(super::super::protocol::NOTICE_CHARS_MAX));
        let agent = AgentId::new(&"a".repeat(64)).unwrap();
        let (to, id, errand) = ("t".repeat(64), "i".repeat(64), "notify".to_owned());
        assert!(write("f", Slip::Command { to, id, agent, errand, token: Some("m".repeat(32)), words }).is_some());
        assert_eq!(read(r#"{"from":"x","slip":"song"}"#), None);
    }

    #[test]
    fn outcomes_come_back_as_they_went() {
        for told in [Told::NoPage, Told::Done, Told::Deferred, Told::Failed("why".to_owned()), Told::NoAnswer] {
            let (word, why) = told_words(told.clone());
            assert_eq!(told_of(&word, why), told);
        }
        assert_eq!(told_of("sung", None), Told::NoAnswer);
    }
}
