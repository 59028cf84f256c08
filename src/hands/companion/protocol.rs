//! The companion's protocol, version 1: JSON text frames, one object each. Read leniently, written strictly.
//!
//! Unknown types and unknown fields are ignored on both sides, so that either may be newer than the other.
//!
//! Must never: keep more of a page's words than a log can bear, or show a token.

use serde_json::{Value, json};

use crate::hands::companion::seen::{PageSeen, Signalling};
use crate::words::clock::Timestamp;
use crate::words::secret::Secret;

/// The subprotocol that both sides name in the handshake.
pub const SUBPROTOCOL: &str = "softlanding.companion.v1";
/// The longest frame that a page may send, in bytes.
pub const FRAME_BYTES_MAX: usize = 16 * 1024;
/// A page that is refused is told so, and closed with this code.
pub const REFUSED_CODE: u16 = 4401;

/// The longest page id and the longest command id, in characters.
const ID_CHARS_MAX: usize = 64;
/// The longest words of a page that are kept, in characters.
const WORDS_CHARS_MAX: usize = 200;
/// The longest version of an SDK, in characters.
const VERSION_CHARS_MAX: usize = 32;
/// The longest credential that a page may show, in bytes; the vault's own bound for tokens.
const CREDENTIAL_BYTES_MAX: usize = 15_000;
/// The longest words that a page shows to the agent, in characters.
pub const NOTICE_CHARS_MAX: usize = 500;

/// What a page shows to prove whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A page key that this server made.
    Key(Secret),
    /// The agent's access token.
    Token(Secret),
}

/// The first frame of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The random id of this load of the page.
    pub page: String,
    /// Whose it is.
    pub credential: Credential,
    /// The version of the vendor's SDK.
    pub sdk: Option<String>,
}

/// How a command ended on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It is done.
    Done,
    /// It is done after the call that is up.
    Deferred,
    /// It is not, for the page's reason.
    Failed(String),
}

/// A frame from a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromPage {
    /// Who it is.
    Hello(Hello),
    /// How its softphone is.
    Report(Box<PageSeen>),
    /// What came of a command.
    Done {
        /// The command.
        id: String,
        /// What came of it.
        ended: Ended,
    },
    /// Something that is not known here, or says too little; it changes nothing.
    Other,
}

/// Reads a frame that came at `now`.
#[must_use]
pub fn read(text: &str, now: Timestamp) -> FromPage {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return FromPage::Other };
    match value.get("type").and_then(Value::as_str) {
        Some("hello") => hello(&value).map_or(FromPage::Other, FromPage::Hello),
        Some("report") => FromPage::Report(Box::new(report(&value, now))),
        Some("done") => done(&value).unwrap_or(FromPage::Other),
        Some(_) | None => FromPage::Other,
    }
}

fn hello(value: &Value) -> Option<Hello> {
    let credential = |name: &str| {
        let text = value.get(name)?.as_str()?;
        let fine = (1..=CREDENTIAL_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fine.then(|| Secret::new(text.to_owned()))
    };
    let credential = credential("key").map(Credential::Key).or_else(|| credential("token").map(Credential::Token))?;
    Some(Hello { page: id(value, "page")?, credential, sdk: version(value) })
}

fn report(value: &Value, now: Timestamp) -> PageSeen {
    let flag = |name: &str| value.get(name).and_then(Value::as_bool);
    let status = value.get("http").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    PageSeen {
        connected: flag("connected").unwrap_or(false),
        station: flag("station"),
        ice: flag("ice"),
        microphone: flag("microphone"),
        http: status.filter(|status| (100..=599).contains(status)),
        call: flag("call").unwrap_or(true),
        state: value.get("state").and_then(Value::as_str).map_or(Signalling::Unknown, Signalling::of),
        ready: flag("ready").unwrap_or(false),
        deferred: false,
        at: now,
        sdk: version(value),
    }
    .sober()
}

fn done(value: &Value) -> Option<FromPage> {
    let why = || clean(value.get("why").and_then(Value::as_str).unwrap_or("the page does not say why"));
    let ended = match value.get("result").and_then(Value::as_str)? {
        "done" => Ended::Done,
        "deferred" => Ended::Deferred,
        "failed" => Ended::Failed(why()),
        _ => return None,
    };
    Some(FromPage::Done { id: id(value, "id")?, ended })
}

fn id(value: &Value, name: &str) -> Option<String> {
    let text = value.get(name)?.as_str()?;
    let fine = (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fine.then(|| text.to_owned())
}

fn version(value: &Value) -> Option<String> {
    let text = value.get("sdk")?.as_str()?;
    let short: String = text.chars().filter(|c| c.is_ascii_graphic()).take(VERSION_CHARS_MAX).collect();
    (!short.is_empty()).then_some(short)
}

/// A page's words, fit for a log.
#[must_use]
pub fn clean(words: &str) -> String {
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_CHARS_MAX).collect()
}

/// What a page is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Take this token over.
    Token(Secret),
    /// Open a new channel while the client is healthy and idle, with this token if there is one.
    Renew(Option<Secret>),
    /// Initialise a client that has given up, with this token if there is one.
    Revive(Option<Secret>),
    /// Show these words and a button to the agent.
    Notify(String),
    /// Say again how the softphone is.
    Report,
}

impl Errand {
    /// The protocol's word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Errand::Token(_) => "token",
            Errand::Renew(_) => "renew",
            Errand::Revive(_) => "revive",
            Errand::Notify(_) => "notify",
            Errand::Report => "report",
        }
    }
    /// The token that goes with it.
    #[must_use]
    pub fn token(&self) -> Option<&Secret> {
        match self {
            Errand::Token(token) => Some(token),
            Errand::Renew(token) | Errand::Revive(token) => token.as_ref(),
            Errand::Notify(_) | Errand::Report => None,
        }
    }
}

/// The frame of a command. It may hold a token.
#[must_use]
pub fn command(id: &str, errand: &Errand) -> Secret {
    let mut frame = json!({ "type": "command", "id": id, "do": errand.word() });
    if let Some(token) = errand.token() {
        frame["token"] = Value::from(token.expose());
    }
    if let Errand::Notify(words) = errand {
        let words: String = words.chars().take(NOTICE_CHARS_MAX).collect();
        frame["words"] = Value::from(words);
    }
    Secret::new(frame.to_string())
}

/// The answer to a hello that was accepted; `enrol` is where an agent who is not enrolled should sign in.
#[must_use]
pub fn welcome(agent: &str, key: &Secret, heartbeat_ms: i64, enrol: Option<&str>) -> Secret {
    let mut frame = json!({ "type": "welcome", "agent": agent, "key": key.expose(), "heartbeat_ms": heartbeat_ms });
    if let Some(enrol) = enrol {
        frame["enrol"] = Value::from(enrol);
    }
    Secret::new(frame.to_string())
}

/// The answer to a hello that was not; `enrol` is where the agent can sign in.
#[must_use]
pub fn refused(why: &str, enrol: Option<&str>) -> String {
    json!({ "type": "refused", "why": why, "enrol": enrol }).to_string()
}

/// Says that the server is there.
#[must_use]
pub fn beat() -> String {
    json!({ "type": "beat" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(5);

    #[test]
    fn frames_are_read_leniently() {
        let hello = read(r#"{"type":"hello","page":"p1","key":"k","sdk":"9.2.4","new":[1]}"#, NOW);
        let credential = Credential::Key(Secret::new("k".to_owned()));
        assert_eq!(hello, FromPage::Hello(Hello { page: "p1".to_owned(), credential, sdk: Some("9.2.4".to_owned()) }));
        let FromPage::Report(bare) = read(r#"{"type":"report"}"#, NOW) else { panic!("a report") };
        // What is missing is never good: not ready, and on a call.
        assert!(!bare.ready && bare.call && bare.station.is_none() && bare.state == Signalling::Unknown);
        let FromPage::Report(full) = read(
            r#"{"type":"report","connected":true,"station":true,"ice":null,"microphone":true,"http":401,"call":false,
               "state":"up","ready":true}"#,
            NOW,
        ) else {
            panic!("a report")
        };
        assert!(full.connected && full.http == Some(401) && !full.call && !full.ready && full.at == NOW);
        let failed = read(r#"{"type":"done","id":"c1","result":"failed","why":"a\nb"}"#, NOW);
        assert_eq!(failed, FromPage::Done { id: "c1".to_owned(), ended: Ended::Failed("a b".to_owned()) });
    }

    #[test]
    fn what_says_too_little_or_something_else_changes_nothing() {
        for odd in [
            "",
            "{}",
            "[]",
            "null",
            "{\"type\":5}",
            r#"{"type":"dance"}"#,
            r#"{"type":"hello","page":"p"}"#,
            r#"{"type":"hello","page":"","token":"t"}"#,
            r#"{"type":"hello","page":"p","token":"t t"}"#,
            r#"{"type":"done","id":"c","result":"perhaps"}"#,
            r#"{"type":"done","result":"done"}"#,
        ] {
            assert_eq!(read(odd, NOW), FromPage::Other, "{odd}");
        }
        let long = format!(r#"{{"type":"done","id":"{}","result":"done"}}"#, "x".repeat(65));
        assert_eq!(read(&long, NOW), FromPage::Other);
    }

    #[test]
    fn a_command_holds_what_its_errand_needs_and_no_more() {
        let token = || Secret::new("t\"1".to_owned());
        let frame = |errand: &Errand| -> Value { serde_json::from_str(command("c1", errand).expose()).unwrap() };
        let with = |word: &str| json!({ "type": "command", "id": "c1", "do": word, "token": "t\"1" });
        assert_eq!(frame(&Errand::Token(token())), with("token"));
        assert_eq!(frame(&Errand::Revive(Some(token()))), with("revive"));
        assert_eq!(frame(&Errand::Renew(None)), json!({ "type": "command", "id": "c1", "do": "renew" }));
        let long = frame(&Errand::Notify("é".repeat(2_000)));
        assert_eq!(long["words"].as_str().unwrap().chars().count(), NOTICE_CHARS_MAX);
        assert!(!format!("{:?}", Errand::Token(token())).contains("t\"1"));
    }
}
