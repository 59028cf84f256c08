//! Secrets have a type of their own: they print as `[secret]`, cannot be serialised, and are wiped when dropped.
//!
//! Must never: implement `Display` or `Serialize`; `expose` is the one way in, and a reader can find each use of it.

use std::fmt;

use zeroize::Zeroizing;

use crate::words::clock::Timestamp;

/// A password, token or key. `Debug` says `[secret]`; two are equal when their texts are.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }
    /// The text itself, for the one call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        *self.0 == *other.0
    }
}
impl Eq for Secret {}

/// What an OAuth client holds for one agent (API.md section 2): the refresh token is the agent's enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Good for one refresh: the platform hands out a new one with each.
    pub refresh_token: Secret,
    /// The newest access token and when it ends, if one was fetched.
    pub access_token: Option<(Secret, Timestamp)>,
}
