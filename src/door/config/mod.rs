//! The configuration: `softlanding.toml`, read strictly, with all of its errors at once.
//!
//! Each error names the line, the field, what was found and what is accepted. Defaults are documented in [`TEMPLATE`],
//! which a test compares with the code.
//!
//! Must never: hold a secret, only where to find it; or show the value of a field that might be one.

mod connect;
mod duration;
mod error;
mod inbound;
mod model;
mod org;
mod people;
mod publish;
mod reader;
mod reference;
mod secret;
mod sections;
mod store;
mod telemetry;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_publish;
mod url;
mod web;
mod webhook;

pub use duration::parse_duration_ms;
pub use error::{ConfigError, ConfigErrors};
pub use model::{
    App, CatchUp, ClockSettings, Config, HookSettings, Org, PeopleSettings, PeopleWay, PublishSettings, ReportSettings,
    ServeSettings, StorePlace, StoreSettings, TelemetrySettings, VaultSettings, WebSettings, WebhookSettings,
};
pub use secret::{SecretError, SecretRef};
pub use sections::VAULT_FILE;

/// The commented configuration that `softlanding init` writes.
pub const TEMPLATE: &str = include_str!("template.toml");
