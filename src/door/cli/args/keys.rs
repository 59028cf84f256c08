//! What may be typed to make, list and revoke API keys.
//!
//! Must never: take a key as an argument; process lists show them to everyone.

use clap::{Args, Subcommand};

use super::ConfigArgs;
use crate::hands::access::Role;

/// `keys`
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key and print it, once
    #[command(
        after_help = "A viewer may look, an operator also stage, hold, resume, abort, start and check, an approver also approve. Only a hash of the key is kept: who loses it makes another one.\n\nExample:\n  (umask 077; softlanding keys add --name ci --role operator > ci.key)"
    )]
    Add(AddKeyArgs),
    /// The keys, when each was last used, and which were revoked; never a key itself
    #[command(after_help = "Examples:\n  softlanding keys list\n  softlanding keys list --json")]
    List(ListKeysArgs),
    /// Revoke a key: it opens nothing from that moment on
    #[command(after_help = "Example:\n  softlanding keys revoke ci")]
    Revoke(RevokeKeyArgs),
}

/// `keys add`
#[derive(Debug, Args)]
pub struct AddKeyArgs {
    /// The name under which what is done with it stands in journals: 1 to 40 letters, digits, and any of - _ . @
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// What its holder may do: viewer, operator or approver
    #[arg(long, value_name = "ROLE")]
    pub role: Role,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `keys list`
#[derive(Debug, Args)]
pub struct ListKeysArgs {
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `keys revoke`
#[derive(Debug, Args)]
pub struct RevokeKeyArgs {
    /// The key's name
    pub name: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}
