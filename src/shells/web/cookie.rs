//! The cookie of a sign-in that is under way: what was sent to the platform, marked so that nobody can make one up. It is in
//! the browser and not in a table of ours, so that the way back may lead to another replica.
//!
//! Must never: be taken after its time, twice by one process, or for another state.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::hands::vault::{Derived, VaultError};
use crate::words::clock::Timestamp;
use crate::words::secret::Secret;

/// How long a sign-in may take, in ms: passwords, second factors, a forgotten one.
const LIFE_MS: i64 = 900_000;
const LIFE_S: i64 = LIFE_MS / 1_000;
/// Who signs in: the cookie of one kind is none of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Door {
    /// What its key is derived for.
    purpose: &'static str,
    /// How its cookies' names begin.
    name: &'static str,
    /// The paths that browsers send it to.
    path: &'static str,
}
const AGENTS: Door = Door { purpose: "softlanding enrolment cookie 1", name: "softlanding_enrol_", path: "/enrol" };
const PEOPLE: Door = Door { purpose: "softlanding sign-in cookie 1", name: "softlanding_sign_in_", path: "/sign-in" };
/// States that are remembered as spent.
const SPENT_MAX: usize = 10_000;

/// A sign-in that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SignIn {
    /// The state that the platform hands back.
    pub(super) state: String,
    /// The PKCE verifier.
    pub(super) verifier: Option<String>,
    /// Where it leads in the end: for an agent the origin of the page that waits for the key, one of those that are allowed;
    /// for a person a path of ours.
    pub(super) back: Option<String>,
    /// When it is over, in ms since 1970.
    pub(super) until: i64,
}

/// Marks cookies and checks them.
pub(super) struct Sealer {
    key: Derived,
    door: Door,
    spent: Mutex<HashMap<String, Timestamp>>,
}

impl Sealer {
    /// For agents who enrol.
    pub(super) fn new(vault_key: &Secret) -> Result<Sealer, VaultError> {
        Ok(Sealer { key: Derived::new(vault_key, AGENTS.purpose)?, door: AGENTS, spent: Mutex::default() })
    }
    /// For people who sign in; a secret that every replica has.
    pub(super) fn for_people(secret: &Secret) -> Sealer {
        Sealer { key: Derived::from_secret(secret, PEOPLE.purpose), door: PEOPLE, spent: Mutex::default() }
    }

    /// The header's value that hands the cookie out.
    pub(super) fn set(
        &self,
        state: String,
        verifier: Option<String>,
        back: Option<String>,
        now: Timestamp,
        secure: bool,
    ) -> String {
        let sign_in = SignIn { state, verifier, back, until: (now + LIFE_MS).0 };
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&sign_in).unwrap_or_default());
        let mark = URL_SAFE_NO_PAD.encode(self.key.mark(&[&body]));
        self.header(&sign_in.state, &format!("{body}.{mark}"), LIFE_S, secure)
    }

    /// The header's value that takes it back.
    pub(super) fn unset(&self, state: &str, secure: bool) -> String {
        self.header(state, "", 0, secure)
    }

    /// The sign-in that a browser comes back from with `state`, which is spent from then on.
    pub(super) fn take(&self, headers: &HeaderMap, state: &str, now: Timestamp) -> Option<SignIn> {
        let wanted = self.name(state)?;
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let value = cookies
            .flat_map(|list| list.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find_map(|(name, value)| (name == wanted).then_some(value))?;
        let (body, mark) = value.split_once('.')?;
        if !self.key.is_mark_of(&[body], &URL_SAFE_NO_PAD.decode(mark).ok()?) {
            return None;
        }
        let sign_in: SignIn = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        (sign_in.state == state && now.0 < sign_in.until && self.spend(&sign_in, now)).then_some(sign_in)
    }

    fn spend(&self, sign_in: &SignIn, now: Timestamp) -> bool {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.len() >= SPENT_MAX {
            spent.retain(|_, until| now < *until);
        }
        // The platform takes a code once, whatever is forgotten here.
        spent.len() >= SPENT_MAX || spent.insert(sign_in.state.clone(), Timestamp(sign_in.until)).is_none()
    }

    /// Several sign-ins may be under way in one browser, so each state has a cookie of its own.
    fn name(&self, state: &str) -> Option<String> {
        let fine = state.len() == 64 && state.bytes().all(|b| b.is_ascii_hexdigit());
        fine.then(|| format!("{}{}", self.door.name, state.get(..12).unwrap_or_default()))
    }

    /// `Lax`: the way back is a navigation from the platform's page.
    fn header(&self, state: &str, value: &str, age_s: i64, secure: bool) -> String {
        let Door { name, path, .. } = self.door;
        let name = self.name(state).unwrap_or_else(|| name.to_owned());
        let secure = if secure { "; Secure" } else { "" };
        format!("{name}={value}; Path={path}; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}")
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("door", &self.door).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hands::vault::{new_key, random_text};

    fn sent(header: &str) -> HeaderMap {
        let pair = header.split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, format!("other=1; {pair}").parse().unwrap());
        headers
    }

    #[test]
    fn a_cookie_is_good_once_in_time_and_for_its_state() {
        let sealer = Sealer::new(&new_key().unwrap()).unwrap();
        let (now, state, other) = (Timestamp(1_000), random_text().unwrap(), random_text().unwrap());
        let set = |state: &str| sealer.set(state.to_owned(), Some("v".to_owned()), None, now, true);
        let header = set(&state);
        assert!(header.contains("HttpOnly; SameSite=Lax; Secure") && header.contains("Path=/enrol"));
        let cookies = sent(&header);
        assert_eq!(sealer.take(&cookies, &other, now), None);
        assert_eq!(sealer.take(&cookies, &state, now + LIFE_MS), None);
        assert_eq!(sealer.take(&cookies, &state, now + 1).unwrap().verifier.as_deref(), Some("v"));
        assert_eq!(sealer.take(&cookies, &state, now + 1), None, "twice");
        // Another server's, and one whose body was changed.
        let stranger = Sealer::new(&new_key().unwrap()).unwrap();
        assert_eq!(stranger.take(&cookies, &state, now + 1), None);
        let changed = set(&other).replacen('.', "x.", 1);
        assert_eq!(sealer.take(&sent(&changed), &other, now), None);
        assert_eq!(sealer.take(&HeaderMap::new(), &other, now), None);
        assert_eq!(sealer.take(&cookies, "../..", now), None);
        // One that is for people, made with the same text for a secret, opens nothing for agents, and the other way round.
        let key = new_key().unwrap();
        let (agents, people) = (Sealer::new(&key).unwrap(), Sealer::for_people(&key));
        let header = people.set(other.clone(), None, Some("/runs/a".to_owned()), now, false);
        assert!(header.contains("Path=/sign-in") && !header.contains("Secure"), "{header}");
        assert_eq!(agents.take(&sent(&header.replacen(PEOPLE.name, AGENTS.name, 1)), &other, now), None);
        assert_eq!(people.take(&sent(&header), &other, now).unwrap().back.as_deref(), Some("/runs/a"));
    }
}
