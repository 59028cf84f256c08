//! A grant as the bytes that are sealed: the refresh token; 0, or 1 with the access token and its expiry. Each text has its
//! length before it.
//!
//! Must never: leave a copy of a token behind in memory.

use zeroize::Zeroizing;

use super::VaultError;
use crate::words::clock::Timestamp;
use crate::words::id::AgentId;
use crate::words::secret::{Grant, Secret};

/// The longest token that is kept, in bytes. The platform's are 43 to 86 characters; JWTs of others reach a few thousand.
const TOKEN_BYTES_MAX: usize = 16_384;

/// Whether the grant's tokens are as long as tokens are.
pub(super) fn check(agent: &AgentId, grant: &Grant) -> Result<(), VaultError> {
    let length = |field, token: &Secret| match token.expose().len() {
        1..=TOKEN_BYTES_MAX => Ok(()),
        found => Err(VaultError::BadToken { agent: agent.clone(), field, found, accepted: TOKEN_BYTES_MAX }),
    };
    length("refresh token", &grant.refresh_token)?;
    match &grant.access_token {
        Some((token, _)) => length("access token", token),
        None => Ok(()),
    }
}

pub(super) fn pack(grant: &Grant) -> Zeroizing<Vec<u8>> {
    // With its full size from the start, so that growing leaves no copy of a token behind.
    let access_len = grant.access_token.as_ref().map_or(0, |(token, _)| token.expose().len());
    let mut plain = Zeroizing::new(Vec::with_capacity(32 + grant.refresh_token.expose().len() + access_len));
    let text = |plain: &mut Vec<u8>, secret: &Secret| {
        plain.extend((secret.expose().len() as u32).to_be_bytes());
        plain.extend(secret.expose().as_bytes());
    };
    text(&mut plain, &grant.refresh_token);
    match &grant.access_token {
        None => plain.push(0),
        Some((token, expires_at)) => {
            plain.push(1);
            text(&mut plain, token);
            plain.extend(expires_at.0.to_be_bytes());
        }
    }
    plain
}

pub(super) fn unpack(mut plain: &[u8]) -> Option<Grant> {
    let refresh_token = take_text(&mut plain)?;
    let access_token = match take(&mut plain, 1)? {
        [0] => None,
        [1] => {
            let token = take_text(&mut plain)?;
            let expires_at = take(&mut plain, 8)?.try_into().ok().map(i64::from_be_bytes)?;
            Some((token, Timestamp(expires_at)))
        }
        _ => return None,
    };
    plain.is_empty().then_some(Grant { refresh_token, access_token })
}

fn take<'a>(plain: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (head, tail) = plain.split_at_checked(n)?;
    *plain = tail;
    Some(head)
}

fn take_text(plain: &mut &[u8]) -> Option<Secret> {
    let n = u32::from_be_bytes(take(plain, 4)?.try_into().ok()?);
    let text = std::str::from_utf8(take(plain, n as usize)?).ok()?;
    Some(Secret::new(text.to_owned()))
}
