//! The Genesys Cloud client: a [`Command`](crate::law::command::Command) becomes HTTP, the answer becomes an
//! [`Outcome`](crate::law::command::Outcome). The only place in the crate that knows the platform's URLs.
//!
//! From the inside out:
//! - [`hosts`], [`org`], [`login`]: where the organisation is reached, and what its clients share: tokens and rate budgets.
//! - [`ask`]: one request on its way, with login, pace and the few repeats that are harmless.
//! - [`call`]: one command on its way, as a small machine over asks. [`publish`], [`users`], [`phones`], [`tokens`],
//!   [`stations`] hold its requests and its decoders.
//! - [`sign_in`]: an agent signs in through the organisation's own app.
//! - [`wire`] and [`client`]: the async half, over real sockets. [`staging`] reads what a run is staged from.
//!
//! All but the async half is free of I/O: the simulation runs the same machines against the twin as a value.
//!
//! Must never: send a publish twice, read a missing answer as a good one, or let a token reach a message.

pub mod ask;
pub mod call;
pub mod client;
pub mod failure;
pub mod hosts;
pub mod login;
pub mod org;
pub mod phones;
pub mod publish;
pub mod push;
pub mod sign_in;
pub mod staging;
pub mod stations;
#[cfg(test)]
mod tests;
pub mod tokens;
pub mod users;
pub mod wire;

pub use call::{Call, Done, Next};
pub use client::Client;
pub use hosts::Hosts;
pub use org::{AppClient, Org, OrgSettings};
pub use wire::Wire;
