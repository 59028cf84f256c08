//! Floor 3, *twin*: a simulated org that speaks the platform's API, as a value.
//!
//! [`Twin`] is pure: every answer depends on the scenario, the seed, the time it is given and what it was asked before.
//! [`serve`](mod@serve) puts one behind a socket. What goes wrong is decided by a [`Scenario`].
//!
//! Must never: know anything of the program that talks to it; the same twin stands before any client.

mod agenda;
mod answer;
mod calls;
mod companion;
mod compare;
mod conversations;
mod deliver;
mod ids;
mod limit;
mod notify;
mod oauth;
mod org;
mod people;
mod phones;
mod publish;
mod record;
mod reported;
mod router;
mod routes;
pub mod scenario;
pub mod serve;
mod shapes;
mod softphone;
mod stations;
pub mod stream;
#[cfg(test)]
mod tests;
pub mod truth;
mod users;
mod wfm;
mod world;

pub use companion::{PageDone, PageSocket, PageTruth};
pub use compare::{COMPARE_MS, CompareTruth, without_softlanding};
pub use notify::{Frame, Push};
pub use oauth::{APP_CLIENT_ID, APP_CLIENT_SECRET, PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET};
pub use record::Exchange;
pub use scenario::{Kind, Scenario, ScenarioError};
pub use truth::{AgentTruth, Counters, Cure, MinuteOfCalls, ScheduleTruth, Touch, Truth};
pub use world::Twin;
