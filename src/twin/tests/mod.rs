//! Tests of the twin through its one door, [`super::Twin::handle`].
#![allow(clippy::field_reassign_with_default, reason = "a scenario is the default with one or two deep fields changed")]

mod kit;
mod limits;
mod notifications;
mod publishing;
mod reads;
mod softphones;
mod streams;
mod tokens;
