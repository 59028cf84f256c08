//! Signatures on webhooks, in both directions, as the Standard Webhooks specification has them (its version `v1`).
//!
//! Three headers go with a body: `webhook-id`, `webhook-timestamp` (seconds since 1970) and `webhook-signature`, a list of
//! `v1,<base64>` with spaces between. Each is an HMAC-SHA256 over `{id}.{timestamp}.{body}`, the body being the bytes as they
//! travel. A secret is written `whsec_<base64>`; while it is changed there are two, and either may have signed.
//!
//! Must never: show a secret, compare in a time that tells where two signatures differ, or read a body before it is verified.

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, Engine};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::words::clock::Timestamp;
use crate::words::secret::Secret;

/// The header that names the message: the same for each try, so that a receiver can tell what it has had.
pub const ID_HEADER: &str = "webhook-id";
/// The header that says when this try was signed, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with the signatures.
pub const SIGNATURE_HEADER: &str = "webhook-signature";
/// How far a timestamp may lie from the receiver's clock, either way, in ms: the five minutes of the reference libraries.
pub const TOLERANCE_MS: i64 = 300_000;

const PREFIX: &str = "whsec_";
const VERSION: &str = "v1,";
/// The specification's bounds for a key: 24 to 64 bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// More keys than one that is used and one before it are a mistake.
const KEYS_MAX: usize = 2;
/// So many signatures of one message are looked at; each costs a hash.
const SIGNATURES_MAX: usize = 8;
/// The longest id, in bytes.
const ID_BYTES_MAX: usize = 256;
/// Padding may be left out: some makers of secrets do so.
const EITHER_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a text is no signing secret. It never says what the text was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// It is spelt otherwise.
    #[error("it does not begin with whsec_")]
    NotWhsec,
    /// Something else follows.
    #[error("what follows whsec_ is not base64")]
    NotBase64,
    /// Too weak, or longer than the hash can use.
    #[error("it holds {0} bytes; accepted are 24 to 64")]
    Length(usize),
    /// None, or more than two.
    #[error("there are {0} of them; accepted are one or two")]
    HowMany(usize),
}

/// Why a message was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// A header is missing or cannot be read; which one.
    #[error("the header {0} is missing or cannot be read")]
    Header(&'static str),
    /// It was signed too long ago, or it is a replay.
    #[error("it was signed too long ago")]
    TooOld,
    /// It was signed in the future: one of the two clocks is wrong.
    #[error("it was signed in the future")]
    TooNew,
    /// No signature fits the body and a secret.
    #[error("no signature fits")]
    NoMatch,
}

/// The three headers of a message, as they came or as they are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
}

impl SignedHeaders {
    /// The headers among those of a request; `header` gives a header's value by its lower-case name.
    ///
    /// # Errors
    /// [`Unverified::Header`] for the first one that is missing, empty or no such thing.
    pub fn read<'a>(header: impl Fn(&'static str) -> Option<&'a str>) -> Result<SignedHeaders, Unverified> {
        let of = |name| header(name).filter(|text| !text.is_empty()).ok_or(Unverified::Header(name));
        let id = of(ID_HEADER)?;
        // A full stop ends the id in what is signed; with one inside, two messages could read the same.
        if id.len() > ID_BYTES_MAX || id.contains('.') {
            return Err(Unverified::Header(ID_HEADER));
        }
        Ok(SignedHeaders {
            id: id.to_owned(),
            timestamp: of(TIMESTAMP_HEADER)?.to_owned(),
            signature: of(SIGNATURE_HEADER)?.to_owned(),
        })
    }
    /// Names and values, to be sent.
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, &str); 3] {
        [(ID_HEADER, &self.id), (TIMESTAMP_HEADER, &self.timestamp), (SIGNATURE_HEADER, &self.signature)]
    }
}

/// The key or the two keys of one webhook.
#[derive(Clone)]
pub struct SigningKeys(Vec<Zeroizing<Vec<u8>>>);

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKeys({} [secret])", self.0.len())
    }
}

impl SigningKeys {
    /// From the secrets, the newer one first.
    ///
    /// # Errors
    /// [`BadSecret`] for the first that is none, or when there are none or more than two.
    pub fn new(secrets: &[Secret]) -> Result<SigningKeys, BadSecret> {
        if secrets.is_empty() || secrets.len() > KEYS_MAX {
            return Err(BadSecret::HowMany(secrets.len()));
        }
        secrets.iter().map(key).collect::<Result<_, _>>().map(SigningKeys)
    }

    /// Signs a body at `now`, with each of the keys: a receiver that knows only one of them is served while they change.
    ///
    /// `id` must not hold a full stop: it is what ends the id in the text that is signed.
    #[must_use]
    pub fn sign(&self, id: &str, now: Timestamp, body: &[u8]) -> SignedHeaders {
        let timestamp = now.0.div_euclid(1000).to_string();
        let signature = |key: &Zeroizing<Vec<u8>>| {
            let mark = mac(key, id, &timestamp, body).finalize().into_bytes();
            format!("{VERSION}{}", STANDARD.encode(mark))
        };
        let signature = self.0.iter().map(signature).collect::<Vec<_>>().join(" ");
        SignedHeaders { id: id.to_owned(), timestamp, signature }
    }

    /// When a message was signed, once it is known that one of the keys signed exactly this body, no longer than
    /// `tolerance_ms` away from `now`. Whoever acts on a message also has to refuse an id that it has acted on before.
    ///
    /// # Errors
    /// [`Unverified`].
    pub fn verify(
        &self,
        headers: &SignedHeaders,
        body: &[u8],
        now: Timestamp,
        tolerance_ms: i64,
    ) -> Result<Timestamp, Unverified> {
        let signed_at = seconds(&headers.timestamp).ok_or(Unverified::Header(TIMESTAMP_HEADER))?;
        let known = headers
            .signature
            .split(' ')
            .filter_map(|one| EITHER_PADDING.decode(one.strip_prefix(VERSION)?).ok())
            .take(SIGNATURES_MAX)
            .any(|mark| self.signed(headers, body, &mark));
        // Only who holds a key learns that its clock is wrong.
        match now.since_ms(signed_at) {
            _ if !known => Err(Unverified::NoMatch),
            late if late > tolerance_ms => Err(Unverified::TooOld),
            late if late < -tolerance_ms => Err(Unverified::TooNew),
            _ => Ok(signed_at),
        }
    }

    fn signed(&self, headers: &SignedHeaders, body: &[u8], mark: &[u8]) -> bool {
        self.0.iter().any(|key| mac(key, &headers.id, &headers.timestamp, body).verify_slice(mark).is_ok())
    }
}

fn key(secret: &Secret) -> Result<Zeroizing<Vec<u8>>, BadSecret> {
    let text = secret.expose().trim().strip_prefix(PREFIX).ok_or(BadSecret::NotWhsec)?;
    let bytes = Zeroizing::new(EITHER_PADDING.decode(text).map_err(|_| BadSecret::NotBase64)?);
    if KEY_BYTES.contains(&bytes.len()) { Ok(bytes) } else { Err(BadSecret::Length(bytes.len())) }
}

/// A new secret, 32 bytes from the operating system's entropy, as it is written.
///
/// # Errors
/// When the operating system gives no random numbers.
pub fn new_secret() -> Result<Secret, crate::hands::vault::VaultError> {
    Ok(Secret::new(format!("{PREFIX}{}", crate::hands::vault::new_key()?.expose())))
}

fn mac(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    // A key of any length is accepted, so the other arm is never taken; it would only make every signature a wrong one.
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()));
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

/// Digits only: the text that was signed must be the only one that means this instant.
fn seconds(text: &str) -> Option<Timestamp> {
    let plain = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse::<i64>().ok()?.checked_mul(1000).map(Timestamp) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with the reference library for Python, `standardwebhooks` 1.1.0.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: Timestamp = Timestamp(1_614_265_330_000);
    const BODY: &[u8] = b"{\"test\": 2432232314}";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn keys(secrets: &[&str]) -> Result<SigningKeys, BadSecret> {
        let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new((*text).to_owned())).collect();
        SigningKeys::new(&secrets)
    }

    #[test]
    fn it_signs_as_the_reference_library_does() {
        let headers = keys(&[SECRET]).unwrap().sign(ID, AT, BODY);
        assert_eq!(headers.pairs(), [(ID_HEADER, ID), (TIMESTAMP_HEADER, "1614265330"), (SIGNATURE_HEADER, SIGNATURE)]);
    }

    #[test]
    fn what_was_signed_is_accepted_within_the_tolerance_only() {
        let keys = keys(&[SECRET]).unwrap();
        let headers = keys.sign(ID, AT, BODY);
        let at = |ms: i64| keys.verify(&headers, BODY, AT + ms, TOLERANCE_MS);
        assert_eq!(at(0), Ok(AT));
        assert_eq!((at(300_000), at(-300_000)), (Ok(AT), Ok(AT)));
        assert_eq!((at(300_001), at(-300_001)), (Err(Unverified::TooOld), Err(Unverified::TooNew)));
    }

    #[test]
    fn nothing_that_was_altered_is_accepted() {
        let keys = keys(&[SECRET]).unwrap();
        let good = keys.sign(ID, AT, BODY);
        let altered = |change: fn(&mut SignedHeaders)| {
            let mut headers = good.clone();
            change(&mut headers);
            keys.verify(&headers, BODY, AT, TOLERANCE_MS)
        };
        assert_eq!(keys.verify(&good, b"{\"test\": 2432232315}", AT, TOLERANCE_MS), Err(Unverified::NoMatch));
        assert_eq!(altered(|h| h.id.push('x')), Err(Unverified::NoMatch));
        assert_eq!(altered(|h| h.timestamp = "1614265331".to_owned()), Err(Unverified::NoMatch));
        assert_eq!(altered(|h| h.signature = h.signature.replace("v1,", "v2,")), Err(Unverified::NoMatch));
        assert_eq!(altered(|h| h.signature.clear()), Err(Unverified::NoMatch));
        assert_eq!(altered(|h| h.signature = format!("v1,{}", STANDARD.encode([0; 32]))), Err(Unverified::NoMatch));
        for odd in ["", "-1614265330", "+1614265330", "1614265330.0", "1e9", "99999999999999999999", " 1614265330"] {
            let headers = SignedHeaders { timestamp: odd.to_owned(), ..good.clone() };
            assert_eq!(
                keys.verify(&headers, BODY, AT, TOLERANCE_MS),
                Err(Unverified::Header(TIMESTAMP_HEADER)),
                "{odd}"
            );
        }
        for at in 0..good.signature.len() {
            let mut bytes = good.signature.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let headers = SignedHeaders { signature: String::from_utf8(bytes).unwrap(), ..good.clone() };
            assert_eq!(keys.verify(&headers, BODY, AT, TOLERANCE_MS), Err(Unverified::NoMatch), "{at}");
        }
    }

    #[test]
    fn either_of_two_secrets_is_good_while_they_change() {
        let other = "whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldC1vdGhlcg";
        let (old, new, both) = (keys(&[SECRET]).unwrap(), keys(&[other]).unwrap(), keys(&[other, SECRET]).unwrap());
        for sender in [&old, &new, &both] {
            assert_eq!(both.verify(&sender.sign(ID, AT, BODY), BODY, AT, TOLERANCE_MS), Ok(AT));
            assert_eq!(sender.verify(&both.sign(ID, AT, BODY), BODY, AT, TOLERANCE_MS), Ok(AT));
        }
        assert_eq!(old.verify(&new.sign(ID, AT, BODY), BODY, AT, TOLERANCE_MS), Err(Unverified::NoMatch));
        // One that fits is found beside others, but not behind any number of them.
        let mut headers = old.sign(ID, AT, BODY);
        headers.signature = format!("v1a,xyz v1,!! v1,AAAA {}", headers.signature);
        assert_eq!(old.verify(&headers, BODY, AT, TOLERANCE_MS), Ok(AT));
        headers.signature = format!("{}{SIGNATURE}", "v1,AAAA ".repeat(SIGNATURES_MAX));
        assert_eq!(old.verify(&headers, BODY, AT, TOLERANCE_MS), Err(Unverified::NoMatch));
    }

    #[test]
    fn a_secret_is_whsec_and_24_to_64_bytes() {
        let spelt = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        assert!(keys(&[&spelt(24)]).is_ok() && keys(&[&spelt(64)]).is_ok());
        assert!(keys(&[&format!("{}\n", spelt(32))]).is_ok(), "a file ends with a line break");
        assert_eq!(keys(&[&spelt(23)]).unwrap_err(), BadSecret::Length(23));
        assert_eq!(keys(&[&spelt(65)]).unwrap_err(), BadSecret::Length(65));
        assert_eq!(keys(&["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).unwrap_err(), BadSecret::NotWhsec);
        assert_eq!(keys(&["whsec_not base64"]).unwrap_err(), BadSecret::NotBase64);
        assert_eq!(keys(&[]).unwrap_err(), BadSecret::HowMany(0));
        assert_eq!(keys(&[SECRET, SECRET, SECRET]).unwrap_err(), BadSecret::HowMany(3));
        let made = new_secret().unwrap();
        assert!(SigningKeys::new(std::slice::from_ref(&made)).is_ok() && made != new_secret().unwrap());
        assert_eq!(format!("{:?}", keys(&[SECRET]).unwrap()), "SigningKeys(1 [secret])");
    }

    #[test]
    fn each_header_is_needed() {
        let all = [(ID_HEADER, "a"), (TIMESTAMP_HEADER, "1"), (SIGNATURE_HEADER, "v1,AA")];
        for missing in 0..all.len() {
            let header = |name: &'static str| {
                all.iter().enumerate().find(|(i, (n, _))| *i != missing && *n == name).map(|(_, (_, value))| *value)
            };
            assert_eq!(SignedHeaders::read(header), Err(Unverified::Header(all[missing].0)));
        }
        let whole = SignedHeaders::read(|name| all.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)).unwrap();
        assert_eq!(whole.pairs(), all);
        for odd in ["a.1", &"a".repeat(257)] {
            let header = |name| if name == ID_HEADER { Some(odd) } else { Some("1") };
            assert_eq!(SignedHeaders::read(header), Err(Unverified::Header(ID_HEADER)));
        }
    }
}
