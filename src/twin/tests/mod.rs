//! Tests of the twin through its one door, [`super::Twin::handle`].

mod kit;
mod limits;
mod notifications;
mod publishing;
mod reads;
mod softphones;
mod tokens;
