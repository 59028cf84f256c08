//! Tests of the client against answers made up for each case, without a socket; `wire` alone uses the loopback.

mod garbage;
mod leaving;
mod login;
mod publish;
mod reads;
mod remedies;
mod staging;
pub(super) mod support;
mod tokens;
mod wire;
