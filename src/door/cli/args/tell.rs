//! What may be typed about those who are told of events: the organisation's own executables, and webhooks.
//!
//! Must never: take a secret as an argument; process lists show them to everyone.

use clap::{Args, Subcommand};

use super::ConfigArgs;
use crate::words::hook::HookPoint;
use crate::words::nearest::nearest;

/// `hooks`
#[derive(Debug, Args)]
pub struct HooksArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: HooksCommand,
}

/// What to do with hooks.
#[derive(Debug, Subcommand)]
pub enum HooksCommand {
    /// What would run at each point, in order, and what lies there and would not
    #[command(after_help = "Examples:\n  softlanding hooks list\n  softlanding hooks list --json")]
    List(HooksList),
    /// Show the document that the hooks of a point would get, and run them with it
    #[command(
        after_help = "The document is that of a Friday that was recorded, or of --run; \"test\": true stands in its data. softlanding itself does nothing; what the hooks do, they do. Code 6 when one of them fails.\n\nExamples:\n  softlanding hooks test settled\n  softlanding hooks test post-publish --run 20261127-1600-customer-care-k3f9"
    )]
    Test(HookTestArgs),
    /// Run the hooks of a point once more for a run of the journal, with the documents that they had
    #[command(
        after_help = "At straggler that is one document for each agent. The journal is left as it is. Code 6 when one fails.\n\nExample:\n  softlanding hooks run settled --run 20261127-1600-customer-care-k3f9"
    )]
    Run(HookRunArgs),
}

/// `hooks list`
#[derive(Debug, Args)]
pub struct HooksList {
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `hooks test`
#[derive(Debug, Args)]
pub struct HookTestArgs {
    /// The point: the name of a folder in hooks/, without .d
    #[arg(value_name = "POINT", value_parser = point)]
    pub point: HookPoint,
    /// The run whose document they get; a Friday that was recorded when left out
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `hooks run`
#[derive(Debug, Args)]
pub struct HookRunArgs {
    /// The point: the name of a folder in hooks/, without .d
    #[arg(value_name = "POINT", value_parser = point)]
    pub point: HookPoint,
    /// The run
    #[arg(long, value_name = "RUN")]
    pub run: String,
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

fn point(text: &str) -> Result<HookPoint, String> {
    let names = HookPoint::ALL.map(HookPoint::as_str);
    HookPoint::ALL.into_iter().find(|point| point.as_str() == text).ok_or_else(|| {
        let near = nearest(text, names).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        format!("accepted: {}{near}", names.join(", "))
    })
}

/// `webhooks`
#[derive(Debug, Args)]
pub struct WebhooksArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: WebhooksCommand,
}

/// What to do with webhooks.
#[derive(Debug, Subcommand)]
pub enum WebhooksCommand {
    /// Each webhook: how it is, what is still to be told, dead letters
    #[command(after_help = "Examples:\n  softlanding webhooks list\n  softlanding webhooks list --json")]
    List(WebhooksList),
    /// Messages that were given up
    #[command(
        after_help = "With --json the messages themselves are there as well.\n\nExamples:\n  softlanding webhooks dead\n  softlanding webhooks dead --json"
    )]
    Dead(WebhooksList),
    /// Send messages again that were given up; what arrives is taken off the list
    #[command(
        after_help = "Code 6 when one did not arrive.\n\nExamples:\n  softlanding webhooks resend 17\n  softlanding webhooks resend --all"
    )]
    Resend(WebhookLetters),
    /// Take messages off the list of those that were given up
    #[command(after_help = "Example:\n  softlanding webhooks drop 17")]
    Drop(WebhookLetters),
    /// Send one message about nothing, and say what came of it
    #[command(after_help = "Code 6 when it did not arrive.\n\nExample:\n  softlanding webhooks test operations")]
    Test(WebhookName),
    /// Tell a webhook again that was disabled, from where it was
    #[command(after_help = "Example:\n  softlanding webhooks enable operations")]
    Enable(WebhookName),
    /// Tell a webhook nothing more, until it is enabled
    #[command(after_help = "Example:\n  softlanding webhooks disable operations")]
    Disable(WebhookName),
    /// The events that a webhook can be told of
    #[command(after_help = "Example:\n  softlanding webhooks events")]
    Events,
    /// Print a new secret, to sign what is told
    #[command(after_help = "Example:\n  (umask 077; softlanding webhooks new-secret > webhook.secret)")]
    NewSecret,
}

/// `webhooks list`, `webhooks dead`
#[derive(Debug, Args)]
pub struct WebhooksList {
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `webhooks resend`, `webhooks drop`
#[derive(Debug, Args)]
pub struct WebhookLetters {
    /// Their numbers, as `webhooks dead` lists them
    #[arg(value_name = "NUMBER", required_unless_present = "all", conflicts_with = "all")]
    pub numbers: Vec<u64>,
    /// All of them
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `webhooks test`, `enable`, `disable`
#[derive(Debug, Args)]
pub struct WebhookName {
    /// The webhook, by its name in the configuration
    pub name: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}
