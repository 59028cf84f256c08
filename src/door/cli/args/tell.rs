//! What may be typed about those who are told of events: webhooks.
//!
//! Must never: take a secret as an argument; process lists show them to everyone.

use clap::{Args, Subcommand};

use super::ConfigArgs;

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
