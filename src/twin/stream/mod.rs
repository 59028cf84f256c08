//! Real softphones: pages in browsers that play an agent (SOFTPHONE.md). Their streams, their calls, and what becomes of both.
//!
//! A stream is pure: the text of a frame goes in with [`Twin::stream_says`](super::Twin::stream_says), and what is to be sent
//! comes out of [`Twin::drain_streams`](super::Twin::drain_streams). The socket task in `serve` only carries.
//!
//! An agent is *played* by a page from the first time that one of its streams is bound; from then on the model of a softphone
//! (`softphone.rs`) no longer reconnects for it, hands nothing over, and reloads nothing. It does not become simulated again.
//!
//! Must never: let the model of a simulated softphone act for an agent that a page plays.

mod book;
mod call;
mod far;
mod faults;
mod hear;
mod names;
mod page;
mod poke;
mod say;
mod session;
#[cfg(test)]
mod tests;
mod topics;
mod xml;

pub use book::{Noted, SoftphoneTruth, StreamTruth};
pub(super) use page::Page;
pub(super) use session::Lines;
pub use session::{Sent, StreamPush};
