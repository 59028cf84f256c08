//! What the platform pushes over its notification channels, as hints (API.md section 11).
//!
//! - `frames`: topics of a run, and what a frame says; pure.
//! - `board`: which run wants which topics, and which line carries them; pure.
//! - `hub`: who listens through one client, and what each is told.
//! - `line`: a channel, its subscriptions and its socket, kept open as long as somebody wants to hear.
//!
//! Must never: show a channel's address; its id is the secret.

mod board;
mod frames;
mod hub;
mod line;

pub use board::{Board, Ear, LINES_MAX, LineId};
pub use frames::{Heard, TOPICS_MAX, Topic, heard, subscription, topics};
pub use hub::{Hub, listen};
pub use line::{CHANNELS, FIRST_PAUSE_MS, IN_VAIN_MAX, PAUSE_MS_MAX, STAYED_MS};
