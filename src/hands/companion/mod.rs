//! The channel to the pages in agents' browsers that hold a softphone: who is there, what they report, what they are told.
//!
//! - [`protocol`]: the frames, as values.
//! - [`key`]: how a page whose token was revoked still authenticates.
//! - [`seen`]: what a page reports about its softphone, and what several pages of one agent say together.
//! - [`pages`]: the hub. The web room attaches sockets to it; runs command pages through it.
//! - [`bus`]: several replicas as one hub, over PostgreSQL; `slip` is what they tell each other.
//!
//! Must never: let a token reach a log or another replica, or wait for a page longer than its bound.

pub mod bus;
pub mod key;
pub mod pages;
pub mod protocol;
pub mod seen;
mod slip;

pub use bus::{Bus, TokenOf};
pub use key::{KeyRefused, PageKeys};
pub use pages::{Attached, Close, Errand, Full, PageId, PageNews, Pages, PagesSettings, Told};
pub use seen::{PageSeen, Signalling};
