//! `softlanding agents list`: who is enrolled.
//!
//! Must never: show a token.

use crate::door::cli::args::ListArgs;
use crate::door::cli::{open, out};
use crate::door::error::{ExitCode, Failure};
use crate::hands::vault::{Enrolled, GrantState};

pub(super) async fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let agents = open::needed_vault(&config).await?.agents().await?;
    let dead = agents.iter().filter(|a| a.state != GrantState::Alive).count();
    out::say(agents.iter().map(line));
    out::say([format!("{} agents enrolled, {dead} of them must sign in again", agents.len())]);
    Ok(ExitCode::Done)
}

fn line(agent: &Enrolled) -> String {
    let state = match &agent.state {
        GrantState::Alive => String::new(),
        GrantState::Dead { why } => format!("  must sign in again: {why}"),
    };
    format!("{}  {:<24}{state}", agent.agent, agent.name).trim_end().to_owned()
}
