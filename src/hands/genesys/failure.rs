//! From an answer that is not what was hoped for to a [`Failure`]: what kind it is, what the platform said, when to ask
//! again.
//!
//! Must never: let a secret through, print a control character, or grow with what the platform sends.

use serde_json::Value;

use crate::law::command::{Failure, FailureKind};
use crate::law::pace::RateHeaders;
use crate::words::clock::Timestamp;
use crate::words::http::{Lost, Response};
use crate::words::secret::Secret;

/// The longest message that is kept, in characters.
pub const MESSAGE_CHARS_MAX: usize = 200;

/// The longest code or correlation id that is kept, in characters.
const CODE_CHARS_MAX: usize = 80;

/// A run of letters and digits this long, in characters, is taken for a token. A UUID has 36.
const TOKEN_CHARS_MIN: usize = 40;

/// A failure on this side, without an answer of the platform.
#[must_use]
pub fn local(kind: FailureKind, message: impl Into<String>) -> Failure {
    Failure { kind, status: None, code: None, correlation: None, message: message.into(), again_at: None }
}

/// What a status other than 2xx means (API.md section 3).
#[must_use]
pub fn kind_of(status: u16) -> FailureKind {
    match status {
        401 => FailureKind::Unauthorized,
        403 => FailureKind::Forbidden,
        404 => FailureKind::NotFound,
        // `request.timeout`: the platform gave up on a request that it had begun.
        408 => FailureKind::NoAnswer,
        409 => FailureKind::Conflict,
        429 => FailureKind::Throttled,
        400..=499 => FailureKind::Invalid,
        500..=599 => FailureKind::Server,
        _ => FailureKind::Malformed,
    }
}

/// An answer with a status other than 2xx, as a failure.
#[must_use]
pub fn refused(response: &Response, now: Timestamp) -> Failure {
    let body = response.value();
    let message = said(&body).unwrap_or_else(|| "the platform gave no reason".to_owned());
    Failure {
        kind: kind_of(response.status),
        status: Some(response.status),
        code: code(&body),
        correlation: correlation(response, &body),
        message: with_permission(message, response.status, &body),
        again_at: again_after_s(response).map(|s| now + s * 1_000),
    }
}

/// An answer with a good status whose body is not what the platform's description promises.
#[must_use]
pub fn malformed(response: &Response, what: &str) -> Failure {
    let body = response.value();
    Failure {
        kind: FailureKind::Malformed,
        status: Some(response.status),
        code: None,
        correlation: correlation(response, &body),
        message: what.to_owned(),
        again_at: None,
    }
}

/// A lost answer, as a failure.
#[must_use]
pub fn lost(lost: &Lost) -> Failure {
    match lost {
        Lost::NotSent(_) => local(FailureKind::NotSent, clean(&lost.to_string(), MESSAGE_CHARS_MAX)),
        Lost::NoAnswer(_) => local(FailureKind::NoAnswer, clean(&lost.to_string(), MESSAGE_CHARS_MAX)),
    }
}

/// The answer when its status is 2xx.
///
/// # Errors
/// The failure that any other status means.
pub fn accepted(response: Response, now: Timestamp) -> Result<Response, Failure> {
    if (200..=299).contains(&response.status) { Ok(response) } else { Err(refused(&response, now)) }
}

/// What the answer says about the rate limit (API.md section 3).
#[must_use]
pub fn rate_headers(response: &Response) -> RateHeaders {
    let whole = |name: &str| response.header_value(name).and_then(|text| text.trim().parse::<i64>().ok());
    let calls = |name: &str| whole(name).and_then(|n| u32::try_from(n).ok());
    RateHeaders {
        count: calls("inin-ratelimit-count"),
        allowed: calls("inin-ratelimit-allowed").filter(|allowed| *allowed > 0),
        reset_s: whole("inin-ratelimit-reset"),
        retry_after_s: if response.status == 429 { Some(throttled_for_s(response)) } else { None },
    }
}

/// How long a 429 wants to be left alone, in seconds, 1 to 3,600.
///
/// `Retry-After` first; then the number in the message, then the end of the window. An answer that says nothing is given
/// the whole window, because asking too early costs more than waiting.
#[must_use]
pub fn throttled_for_s(response: &Response) -> i64 {
    let reset = || response.header_value("inin-ratelimit-reset").and_then(|text| text.trim().parse::<i64>().ok());
    again_after_s(response).or_else(reset).unwrap_or(60).clamp(1, 3_600)
}

fn again_after_s(response: &Response) -> Option<i64> {
    let header = response.header_value("retry-after").and_then(|text| text.trim().parse::<i64>().ok());
    let in_message = || {
        let body = response.value();
        let message = body.get("message")?.as_str()?;
        let (_, rest) = message.split_once("in [")?;
        rest.split_once(']')?.0.trim().parse::<i64>().ok()
    };
    let seconds = match response.status {
        429 => header.or_else(in_message),
        _ => header,
    };
    seconds.map(|s| s.clamp(1, 3_600))
}

fn said(body: &Value) -> Option<String> {
    let fields = ["message", "error_description", "description", "error"];
    let texts = fields.iter().filter_map(|field| body.get(field)?.as_str());
    texts.map(|text| clean(text, MESSAGE_CHARS_MAX)).find(|text| !text.is_empty())
}

fn code(body: &Value) -> Option<String> {
    let fields = ["code", "error"];
    let texts = fields.iter().filter_map(|field| body.get(field)?.as_str());
    texts.map(|text| clean(text, CODE_CHARS_MAX)).find(|text| !text.is_empty())
}

fn correlation(response: &Response, body: &Value) -> Option<String> {
    let header = response.header_value("inin-correlation-id");
    let text = header.or_else(|| body.get("contextId").and_then(Value::as_str))?;
    Some(clean(text, CODE_CHARS_MAX)).filter(|text| !text.is_empty())
}

/// A missing permission is named in `messageParams`, not always in the message (API.md section 3).
fn with_permission(message: String, status: u16, body: &Value) -> String {
    let Some(params) = body.get("messageParams").and_then(Value::as_object).filter(|_| status == 403) else {
        return message;
    };
    let named = params.values().filter_map(Value::as_str).find(|text| is_permission(text) && !message.contains(text));
    match named {
        Some(permission) => clean(&format!("{message} [{}]", clean(permission, CODE_CHARS_MAX)), 300),
        None => message,
    }
}

/// Permissions read `domain:entity:action`.
fn is_permission(text: &str) -> bool {
    text.matches(':').count() >= 2
}

/// `text` without control characters and without anything that looks like a token, cut after `chars_max`.
#[must_use]
pub fn clean(text: &str, chars_max: usize) -> String {
    // Far longer texts are cut first, so that a hostile answer costs little.
    without_tokens(&plain(text, chars_max.saturating_mul(8))).chars().take(chars_max).collect()
}

/// `text` without control characters, cut after `chars_max`: what a person may be shown of a name.
#[must_use]
pub fn plain(text: &str, chars_max: usize) -> String {
    let shown: String = text.chars().filter(|c| !hides(*c)).take(chars_max).collect();
    shown.trim().to_owned()
}

/// Control characters, and the marks that change the direction of what a terminal shows.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn without_tokens(text: &str) -> String {
    let of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '=' | '~');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let within = of_token(first);
        let end = rest.find(|c: char| of_token(c) != within).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        out.push_str(if within && run.len() >= TOKEN_CHARS_MIN { "[secret]" } else { run });
        rest = after;
    }
    out
}

/// Takes every given secret out of a failure's words, whatever its length and form.
pub fn scrub<'a>(failure: &mut Failure, secrets: impl Iterator<Item = &'a Secret>) {
    // A shorter text is no secret, and replacing it would tear the words apart.
    for secret in secrets.filter(|secret| secret.expose().len() >= 4) {
        let fields = [Some(&mut failure.message), failure.code.as_mut(), failure.correlation.as_mut()];
        for text in fields.into_iter().flatten().filter(|text| text.contains(secret.expose())) {
            *text = text.replace(secret.expose(), "[secret]");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::law::command::Effect;

    #[test]
    fn every_status_has_its_kind() {
        let table = [
            (301, FailureKind::Malformed),
            (400, FailureKind::Invalid),
            (401, FailureKind::Unauthorized),
            (403, FailureKind::Forbidden),
            (404, FailureKind::NotFound),
            (408, FailureKind::NoAnswer),
            (409, FailureKind::Conflict),
            (413, FailureKind::Invalid),
            (415, FailureKind::Invalid),
            (429, FailureKind::Throttled),
            (500, FailureKind::Server),
            (503, FailureKind::Server),
            (504, FailureKind::Server),
            (700, FailureKind::Malformed),
        ];
        for (status, kind) in table {
            assert_eq!(kind_of(status), kind, "{status}");
        }
        assert_eq!(kind_of(408).effect(), Effect::Possible);
        assert_eq!(kind_of(413).effect(), Effect::None);
    }

    #[test]
    fn an_error_body_is_read() {
        let body = json!({"message": "No permission\u{7}", "code": "missing.permissions", "status": 403,
            "contextId": "from-body", "messageParams": {"permission": "wfm:schedule:edit"}});
        let failure = refused(&Response::new(403).header("inin-correlation-id", "c-1").json(&body), Timestamp(0));
        assert_eq!(failure.kind, FailureKind::Forbidden);
        assert_eq!(failure.code.as_deref(), Some("missing.permissions"));
        assert_eq!(failure.correlation.as_deref(), Some("c-1"));
        assert_eq!(failure.message, "No permission [wfm:schedule:edit]");
        let failure = refused(&Response::new(500).json(&json!({"contextId": "from-body"})), Timestamp(0));
        assert_eq!(failure.correlation.as_deref(), Some("from-body"));
        assert_eq!(failure.message, "the platform gave no reason");
        assert_eq!(refused(&Response::new(502), Timestamp(0)).kind, FailureKind::Server);
    }

    #[test]
    fn the_time_to_ask_again_is_kept() {
        let told = Response::new(429).header("retry-after", "42");
        assert_eq!(refused(&told, Timestamp(1_000)).again_at, Some(Timestamp(43_000)));
        assert_eq!(rate_headers(&told).retry_after_s, Some(42));
        let worded = Response::new(429).json(&json!({"message":
            "Rate limit exceeded the maximum. Retry the request in [17] seconds"}));
        assert_eq!(rate_headers(&worded).retry_after_s, Some(17));
        let reset = Response::new(429).header("inin-ratelimit-reset", "9");
        assert_eq!(rate_headers(&reset).retry_after_s, Some(9));
        assert_eq!(rate_headers(&Response::new(429)).retry_after_s, Some(60));
        assert_eq!(rate_headers(&Response::new(429).header("retry-after", "99999999999")).retry_after_s, Some(3_600));
        assert_eq!(rate_headers(&Response::new(503).header("retry-after", "5")).retry_after_s, None);
        assert_eq!(
            refused(&Response::new(503).header("retry-after", "5"), Timestamp(0)).again_at,
            Some(Timestamp(5_000))
        );
        let odd = Response::new(200).header("inin-ratelimit-count", "-3").header("inin-ratelimit-allowed", "0");
        assert_eq!((rate_headers(&odd).count, rate_headers(&odd).allowed), (None, None));
    }

    #[test]
    fn no_token_comes_through() {
        let token = "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw";
        let body = json!({"message": format!("token {token} of 00000000-0000-4000-8000-000000000001 is bad")});
        let failure = refused(&Response::new(401).json(&body), Timestamp(0));
        assert_eq!(failure.message, "token [secret] of 00000000-0000-4000-8000-000000000001 is bad");
        let mut failure = refused(&Response::new(401).json(&json!({"message": "rt-17 is dead"})), Timestamp(0));
        scrub(&mut failure, [Secret::new("rt-17".to_owned()), Secret::new("is".to_owned())].iter());
        assert_eq!(failure.message, "[secret] is dead");
    }

    #[test]
    fn a_long_message_is_cut() {
        let body = json!({"message": "why ".repeat(100_000)});
        assert!(refused(&Response::new(400).json(&body), Timestamp(0)).message.chars().count() <= MESSAGE_CHARS_MAX);
    }
}
