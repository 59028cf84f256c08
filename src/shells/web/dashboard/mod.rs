//! The dashboard: pages that are drawn in the browser from the API, and nothing else.
//!
//! - `assets/`: the shell that every page has, and the modules, styles and pictures that it names. Each has one job and says
//!   what it must never do.
//! - `pages`: which path is which page.
//!
//! There is no build step: what is served is what stands here. Must never: hold data of a run; or need a script, a style or a
//! picture from another host, or one that stands in the page itself.

mod assets;
mod pages;

use axum::Router;
use axum::http::{HeaderName, header};

use super::Room;

/// What pages for people may do: use what is served here, and draw small pictures of their own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The header with the policy.
pub(super) fn policy() -> [(HeaderName, &'static str); 1] {
    [(header::CONTENT_SECURITY_POLICY, POLICY)]
}

/// The pages and what they are made of.
pub(super) fn router() -> Router<Room> {
    pages::router().merge(assets::router())
}
