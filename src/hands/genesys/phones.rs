//! Phones: their status in pages or one by one, and their reboot (API.md sections 7 and 10).
//!
//! Must never: call a phone up because nothing was said about it.

use serde_json::{Value, json};

use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::failure;
use crate::law::command::{Failure, PhoneSeen};
use crate::law::verdict::PhoneState;
use crate::words::http::{Method, Response};
use crate::words::id::{AgentId, PhoneId, Seat};

const PHONES: &str = "/api/v2/telephony/providers/edges/phones";

/// Phones on a page (API.md section 7).
const PAGE_SIZE: i64 = 100;

/// Asks for one page, from 1. Sorted by id only, because any other order ends at 10,000 phones (API.md section 7).
#[must_use]
pub fn read_page(page: u32) -> Ask {
    let query =
        format!("pageSize={PAGE_SIZE}&pageNumber={page}&sortBy=id&expand=status&expand=lines&fields=webRtcUser");
    Ask::api(Method::Get, format!("{PHONES}?{query}"))
}

/// Asks for one phone.
#[must_use]
pub fn read_one(phone: &PhoneId) -> Ask {
    Ask::api(Method::Get, format!("{PHONES}/{phone}"))
}

/// Reboots many phones in one call. Whether a softphone takes notice is UNCERTAIN (API.md section 10).
#[must_use]
pub fn reboot(phones: &[(Seat, PhoneId)]) -> Ask {
    let ids: Vec<&str> = phones.iter().map(|(_, phone)| phone.as_str()).collect();
    Ask::api(Method::Post, format!("{PHONES}/reboot")).json(&json!({ "phoneIds": ids }))
}

/// The softphones on a page, and how many pages there are.
///
/// # Errors
/// A malformed answer when it has no list of phones.
pub fn seen_on_page(response: &Response) -> Result<(Vec<PhoneSeen>, u32), Failure> {
    let body = response.value();
    let Some(phones) = body.get("entities").and_then(Value::as_array) else {
        return Err(failure::malformed(response, "the answer holds no list of phones"));
    };
    let seen = phones.iter().filter_map(|phone| phone_seen(phone, None)).collect();
    Ok((seen, pages(&body)))
}

/// One phone; `agent` is whose it was when it was last seen in a page, for an answer that leaves the user out.
///
/// # Errors
/// A malformed answer when it is not a phone.
pub fn seen_alone(response: &Response, agent: &AgentId) -> Result<Vec<PhoneSeen>, Failure> {
    let body = response.value();
    if body.get("id").and_then(Value::as_str).is_none() {
        return Err(failure::malformed(response, "the answer holds no phone"));
    }
    Ok(phone_seen(&body, Some(agent)).into_iter().collect())
}

fn pages(body: &Value) -> u32 {
    let stated = body.get("pageCount").and_then(Value::as_i64);
    let counted =
        || body.get("total").and_then(Value::as_i64).map(|total| total.saturating_add(PAGE_SIZE - 1) / PAGE_SIZE);
    // A million phones is far above any org; the bound keeps a strange answer from asking for pages for ever.
    let pages = stated.or_else(counted).unwrap_or(1).clamp(1, 10_000);
    u32::try_from(pages).unwrap_or(1)
}

fn phone_seen(phone: &Value, whose: Option<&AgentId>) -> Option<PhoneSeen> {
    let id = PhoneId::new(phone.get("id")?.as_str()?).ok()?;
    let named = phone.pointer("/webRtcUser/id").and_then(Value::as_str).and_then(|id| AgentId::new(id).ok());
    let agent = named.or_else(|| whose.cloned())?;
    // A phone that was deleted or taken out of service is nobody's phone any more.
    match phone.get("state").and_then(Value::as_str) {
        Some("deleted" | "inactive") => None,
        Some(_) | None => Some(PhoneSeen { agent, phone: id, state: state(phone) }),
    }
}

/// Up, down or unknown, from the status towards the primary and the secondary Edge. When the two contradict each other
/// the phone may well ring, and may not: unknown.
#[must_use]
pub fn state(phone: &Value) -> PhoneState {
    let read = |name: &str| phone.get(name).map_or(PhoneState::Unknown, state_of_block);
    match (read("status"), read("secondaryStatus")) {
        (PhoneState::Up, PhoneState::Down) | (PhoneState::Down, PhoneState::Up) => PhoneState::Unknown,
        (PhoneState::Up, _) | (_, PhoneState::Up) => PhoneState::Up,
        (PhoneState::Down, _) | (_, PhoneState::Down) => PhoneState::Down,
        (PhoneState::Unknown | PhoneState::Absent, PhoneState::Unknown | PhoneState::Absent) => PhoneState::Unknown,
    }
}

fn state_of_block(status: &Value) -> PhoneState {
    let lines = status.get("lineStatuses").and_then(Value::as_array);
    let unreachable = |line: &Value| line.get("reachable").and_then(Value::as_bool) == Some(false);
    if lines.is_some_and(|lines| lines.iter().any(unreachable)) {
        return PhoneState::Down;
    }
    match status.get("operationalStatus").and_then(Value::as_str) {
        Some("OPERATIONAL") => PhoneState::Up,
        Some("OFFLINE" | "DEGRADED") => PhoneState::Down,
        Some(_) | None => PhoneState::Unknown,
    }
}
