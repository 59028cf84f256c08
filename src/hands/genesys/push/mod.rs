//! What the platform pushes over its notification channels, as hints (API.md section 11).
//!
//! - `frames`: topics of a run, and what a frame says; pure.
//! - `listen`: channels, subscriptions and sockets, kept open as long as somebody wants to hear.
//!
//! Must never: show a channel's address; its id is the secret.

mod frames;
mod listen;

pub use frames::{Heard, TOPICS_MAX, Topic, heard, subscription, topics};
pub use listen::{CHANNELS, FIRST_PAUSE_MS, IN_VAIN_MAX, PAUSE_MS_MAX, STAYED_MS, listen};
