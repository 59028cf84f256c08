//! Keys for other purposes, derived from the vault's key: whoever holds one cannot tell the vault's key from it.
//!
//! Must never: give the vault's key itself away, or make the same key for two purposes.

use chacha20poly1305::aead::Generate;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::VaultError;
use super::seal::key_bytes;
use crate::words::secret::Secret;

/// A key that makes marks (HMAC-SHA256) and checks them.
#[derive(Clone)]
pub struct Derived(Zeroizing<[u8; 32]>);

impl Derived {
    /// The key for one purpose, from the vault's key (32 bytes, base64 or hexadecimal). The same key in either spelling
    /// gives the same one.
    ///
    /// # Errors
    /// [`VaultError::BadKey`] when the vault's key is none.
    pub fn new(vault_key: &Secret, purpose: &str) -> Result<Derived, VaultError> {
        let key = key_bytes(vault_key.expose().trim())?;
        Ok(Derived(Zeroizing::new(mac(&key, &[purpose.as_bytes()]).finalize().into_bytes().into())))
    }
    /// The key for one purpose, from a secret that is no vault key but that nobody can guess either, such as that of an OAuth
    /// client.
    #[must_use]
    pub fn from_secret(secret: &Secret, purpose: &str) -> Derived {
        let bytes = mac(secret.expose().as_bytes(), &[purpose.as_bytes()]).finalize().into_bytes();
        Derived(Zeroizing::new(bytes.into()))
    }
    /// The mark of a text in several parts; how it is cut into parts matters.
    #[must_use]
    pub fn mark(&self, parts: &[&str]) -> [u8; 32] {
        mac(&*self.0, &bytes(parts)).finalize().into_bytes().into()
    }
    /// Whether `mark` is that of this text. Takes as long for a wrong one, wherever it is wrong.
    #[must_use]
    pub fn is_mark_of(&self, parts: &[&str], mark: &[u8]) -> bool {
        mac(&*self.0, &bytes(parts)).verify_slice(mark).is_ok()
    }
}

impl std::fmt::Debug for Derived {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Derived([secret])")
    }
}

fn bytes<'a>(parts: &[&'a str]) -> Vec<&'a [u8]> {
    parts.iter().map(|part| part.as_bytes()).collect()
}

/// Each part with its length before it, so that no two texts read the same.
fn mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    // A key of any length is accepted, so the other arm is never taken; it would only make every mark a wrong one.
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()));
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

/// 64 hexadecimal digits that nobody can guess, from the operating system's entropy.
///
/// # Errors
/// [`VaultError::NoEntropy`] when it gives no random numbers.
pub fn random_text() -> Result<String, VaultError> {
    let mut text = String::with_capacity(64);
    for _ in 0..4 {
        let bits = u64::try_generate().map_err(|_| VaultError::NoEntropy)?;
        text.push_str(&format!("{bits:016x}"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_bound_to_key_purpose_and_parts() {
        let hex = "00ff10203040506070809000a0b0c0d0e0f0112233445566778899aabbccddee";
        let key = |text: &str, purpose: &str| Derived::new(&Secret::new(text.to_owned()), purpose).unwrap();
        let one = key(hex, "page");
        let mark = one.mark(&["a", "bc"]);
        assert!(key(&hex.to_uppercase(), "page").is_mark_of(&["a", "bc"], &mark));
        assert!(!key(hex, "cookie").is_mark_of(&["a", "bc"], &mark));
        assert!(!key(&hex.replace("00ff", "01ff"), "page").is_mark_of(&["a", "bc"], &mark));
        assert!(!one.is_mark_of(&["ab", "c"], &mark) && !one.is_mark_of(&["abc"], &mark));
        assert!(!one.is_mark_of(&["a", "bc"], &mark[..31]) && !one.is_mark_of(&["a", "bc"], &[]));
        assert!(Derived::new(&Secret::new("short".to_owned()), "page").is_err());
        assert_eq!(format!("{one:?}"), "Derived([secret])");
        let of = |text: &str, purpose: &str| Derived::from_secret(&Secret::new(text.to_owned()), purpose);
        let mark = of("client secret", "cookie").mark(&["a"]);
        assert!(of("client secret", "cookie").is_mark_of(&["a"], &mark));
        assert!(!of("client secret", "page").is_mark_of(&["a"], &mark));
        assert!(!of("client secret 2", "cookie").is_mark_of(&["a"], &mark));
    }

    #[test]
    fn random_texts_differ() {
        let (one, other) = (random_text().unwrap(), random_text().unwrap());
        assert!(one.len() == 64 && one.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(one, other);
    }
}
