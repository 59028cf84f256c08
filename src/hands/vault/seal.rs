//! Sealing and opening: the one place that sees the vault's key.
//!
//! Must never: use a nonce twice, take chance from anything but the operating system, or keep plain text longer than a
//! call.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chacha20poly1305::aead::{Aead, Generate, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize, Zeroizing};

use super::VaultError;
use crate::words::secret::Secret;

/// The layout of what is sealed; part of what each seal is bound to. Seals of the first layout know nothing of editions.
const WITHOUT_EDITION: u8 = 1;
const WITH_EDITION: u8 = 2;
const KEY_BYTES: usize = 32;

/// A new key for a vault: 32 random bytes in base64.
///
/// # Errors
/// [`VaultError::NoEntropy`] when the operating system gives no random numbers.
pub fn new_key() -> Result<Secret, VaultError> {
    let mut key = Key::try_generate().map_err(|_| VaultError::NoEntropy)?;
    let text = STANDARD.encode(key);
    key.zeroize();
    Ok(Secret::new(text))
}

/// 64 random bits.
pub(super) fn new_number() -> Result<u64, VaultError> {
    u64::try_generate().map_err(|_| VaultError::NoEntropy)
}

/// A new name for a key, 16 hexadecimal digits. It says nothing about the key.
pub(super) fn new_key_id() -> Result<String, VaultError> {
    Ok(format!("{:016x}", new_number()?))
}

/// Something sealed: what stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) nonce: Vec<u8>,
    pub(super) bytes: Vec<u8>,
}

/// A seal could not be opened: another key, another owner, or altered bytes. Which of them, nobody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unopened;

/// Seals and opens with one key.
pub(super) struct Sealer {
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// Reads the key.
    pub(super) fn new(key: &Secret) -> Result<Sealer, VaultError> {
        let bytes = key_bytes(key.expose().trim())?;
        let mut key = Key::try_from(bytes.as_slice())
            .map_err(|_| VaultError::BadKey { found: format!("it has {} bytes", bytes.len()) })?;
        let cipher = XChaCha20Poly1305::new(&key);
        key.zeroize();
        Ok(Sealer { cipher })
    }
    /// Seals `plain` for `owner`, who is named in the clear beside it.
    pub(super) fn seal(&self, owner: &Owner<'_>, plain: &[u8]) -> Result<Sealed, VaultError> {
        let nonce = XNonce::try_generate().map_err(|_| VaultError::NoEntropy)?;
        let payload = Payload { msg: plain, aad: &owner.bound() };
        // The cipher refuses only messages of hundreds of gigabytes.
        let bytes = self.cipher.encrypt(&nonce, payload).map_err(|_| VaultError::NoEntropy)?;
        Ok(Sealed { nonce: nonce.to_vec(), bytes })
    }
    /// Opens what was sealed for `owner`.
    pub(super) fn open(&self, owner: &Owner<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let nonce = XNonce::try_from(sealed.nonce.as_slice()).map_err(|_| Unopened)?;
        let payload = Payload { msg: &sealed.bytes, aad: &owner.bound() };
        self.cipher.decrypt(&nonce, payload).map(Zeroizing::new).map_err(|_| Unopened)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer([secret])")
    }
}

/// What a seal is bound to, so that it opens in its own place only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    /// What kind of thing is sealed: "grant" or "check".
    pub(super) kind: &'static str,
    /// Whose it is; empty for the check.
    pub(super) agent: &'a str,
    /// The name of the key.
    pub(super) key_id: &'a str,
    /// Which of the agent's grants it is; 0 for one that was sealed before there were editions, and for the check.
    pub(super) edition: i64,
}

impl Owner<'_> {
    /// Each part with its length before it, so that no two owners read the same.
    fn bound(&self) -> Vec<u8> {
        let mut bound = vec![if self.edition == 0 { WITHOUT_EDITION } else { WITH_EDITION }];
        for part in [self.kind, self.agent, self.key_id] {
            bound.extend((part.len() as u64).to_be_bytes());
            bound.extend(part.as_bytes());
        }
        if self.edition != 0 {
            bound.extend(self.edition.to_be_bytes());
        }
        bound
    }
}

/// The key's bytes. Says what is wrong by kind and length, never by content.
pub(super) fn key_bytes(text: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let bad = |found: String| VaultError::BadKey { found };
    if text.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    let hex = text.len() == 2 * KEY_BYTES && text.bytes().all(|b| b.is_ascii_hexdigit());
    let bytes = if hex { from_hex(text) } else { from_base64(text) };
    let bytes = bytes
        .ok_or_else(|| bad(format!("its {} characters are neither base64 nor hexadecimal", text.chars().count())))?;
    if bytes.len() != KEY_BYTES {
        return Err(bad(format!("it has {} bytes", bytes.len())));
    }
    // A key of one repeated byte is a placeholder that someone forgot to replace.
    if bytes.iter().all(|b| Some(b) == bytes.first()) {
        return Err(bad("it is one byte over and over".to_owned()));
    }
    Ok(bytes)
}

fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<Vec<u8>>>()?);
    Some(Zeroizing::new(
        digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect(),
    ))
}

/// Both alphabets of base64, with or without padding: generators differ.
fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [base64::alphabet::STANDARD, base64::alphabet::URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok())
        .map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        Sealer::new(&new_key().unwrap()).unwrap()
    }

    #[test]
    fn keys_are_read_in_every_usual_spelling() {
        let hex = "00ff10203040506070809000a0b0c0d0e0f0112233445566778899aabbccddee";
        let bytes = from_hex(hex).unwrap();
        let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&*bytes);
        for text in [hex.to_owned(), hex.to_uppercase(), STANDARD.encode(&*bytes), url_safe, format!("{hex}\n")] {
            let sealed = Sealer::new(&Secret::new(text)).unwrap().seal(&OWNER, b"x").unwrap();
            assert_eq!(**Sealer::new(&Secret::new(hex.to_owned())).unwrap().open(&OWNER, &sealed).unwrap(), *b"x");
        }
    }

    #[test]
    fn an_unusable_key_is_described_but_never_shown() {
        let short = STANDARD.encode([7u8, 8, 9]);
        for (text, found) in [
            ("", "it is empty"),
            ("correct horse battery staple!", "its 29 characters are neither base64 nor hexadecimal"),
            (short.as_str(), "it has 3 bytes"),
            (&"0".repeat(64), "it is one byte over and over"),
            (&"zz".repeat(32), "it has 48 bytes"),
        ] {
            let error = Sealer::new(&Secret::new(text.to_owned())).unwrap_err().to_string();
            assert!(error.contains(found), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    const OWNER: Owner<'_> = Owner { kind: "grant", agent: "a", key_id: "k", edition: 7 };

    #[test]
    fn a_seal_opens_for_its_owner_only() {
        let (one, other) = (sealer(), sealer());
        let sealed = one.seal(&OWNER, b"token").unwrap();
        assert_eq!(**one.open(&OWNER, &sealed).unwrap(), *b"token");
        assert!(other.open(&OWNER, &sealed).is_err());
        assert!(one.open(&Owner { agent: "b", ..OWNER }, &sealed).is_err());
        assert!(one.open(&Owner { key_id: "l", ..OWNER }, &sealed).is_err());
        assert!(one.open(&Owner { agent: "ak", key_id: "", ..OWNER }, &sealed).is_err());
        assert!(one.open(&Owner { kind: "check", ..OWNER }, &sealed).is_err());
        assert!(one.open(&Owner { edition: 8, ..OWNER }, &sealed).is_err());
        assert!(one.open(&Owner { edition: 0, ..OWNER }, &sealed).is_err());
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let sealer = sealer();
        let sealed = sealer.seal(&OWNER, b"token").unwrap();
        for at in 0..sealed.bytes.len() * 8 {
            let mut altered = sealed.clone();
            altered.bytes[at / 8] ^= 1 << (at % 8);
            assert!(sealer.open(&OWNER, &altered).is_err());
        }
        for at in 0..sealed.nonce.len() * 8 {
            let mut altered = sealed.clone();
            altered.nonce[at / 8] ^= 1 << (at % 8);
            assert!(sealer.open(&OWNER, &altered).is_err());
        }
        assert!(sealer.open(&OWNER, &Sealed { nonce: Vec::new(), bytes: sealed.bytes.clone() }).is_err());
        assert!(sealer.open(&OWNER, &Sealed { nonce: sealed.nonce, bytes: Vec::new() }).is_err());
    }

    #[test]
    fn the_same_text_never_looks_the_same_twice() {
        let sealer = sealer();
        let (a, b) = (sealer.seal(&OWNER, b"token").unwrap(), sealer.seal(&OWNER, b"token").unwrap());
        assert_ne!(a.nonce, b.nonce);
        assert_ne!(a.bytes, b.bytes);
        assert_ne!(new_key().unwrap(), new_key().unwrap());
    }
}
