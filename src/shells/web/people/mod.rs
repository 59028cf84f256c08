//! People sign in here: through the platform itself, or through a proxy that has signed them in already. What they may do
//! follows from their mail address.
//!
//! - `roles`: which address may do what.
//! - `platform`: the sign-in at the platform, there and back.
//! - `proxy`: whom a trusted proxy says that it has let in.
//! - `door`: the sign-in page, the session that comes of it, the sign-out.
//! - `page`: what the person reads.
//!
//! Must never: keep a token of a person's, or send a browser anywhere but to a page of its own.

mod door;
mod page;
mod platform;
mod proxy;
mod roles;

use std::net::IpAddr;

use axum::Router;
use axum::http::HeaderName;
use axum::routing::{get, post};

pub(super) use page::nothing_here;
pub use roles::Roles;

use super::Room;
use super::cookie::Sealer;
use crate::hands::access::Role;
use crate::hands::genesys::Client;
use crate::words::secret::Secret;

/// Who may come in, and how they show who they are.
#[derive(Debug)]
pub struct People {
    roles: Roles,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// They sign in to the platform.
    Platform {
        /// Holds the OAuth client for people as its app.
        client: Box<Client>,
        cookies: Sealer,
    },
    /// A proxy says who they are, in this header and from these addresses.
    Proxy { header: HeaderName, from: Vec<IpAddr> },
}

impl People {
    /// They sign in to the platform through the app of `client`, whose secret also marks the cookies of sign-ins that are
    /// under way: all replicas have it.
    #[must_use]
    pub fn by_platform(roles: Roles, client: Client, secret: &Secret) -> People {
        let cookies = Sealer::for_people(secret);
        People { roles, way: Way::Platform { client: Box::new(client), cookies } }
    }

    /// What the rules let this address do; `None` for nothing.
    pub(super) fn role_of(&self, mail: &str) -> Option<Role> {
        self.roles.of(mail)
    }

    /// A proxy at one of these addresses has signed them in, and says their mail address in this header.
    #[must_use]
    pub fn by_proxy(roles: Roles, header: HeaderName, from: Vec<IpAddr>) -> People {
        People { roles, way: Way::Proxy { header, from } }
    }
}

/// The routes for people who come and go.
pub(super) fn router() -> Router<Room> {
    Router::new()
        .route("/sign-in", get(door::show))
        .route("/sign-in/start", get(platform::start))
        .route("/sign-in/callback", get(platform::callback))
        .route("/sign-out", post(door::sign_out))
}
