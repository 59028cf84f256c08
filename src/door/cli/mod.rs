//! The command line: `softlanding` and its commands. Each command opens what it needs, calls a shell, and ends with a code.
//!
//! - [`args`]: what may be typed, with help and examples.
//! - `out`: the only way to the standard output; `stop`: signals.
//! - `open`: from a configuration to clock, client, journal, vault and hooks; `intent`: to a plan's numbers.
//! - one file per command.
//!
//! Must never: decide what a run does, or end with a code that is not in the table of [`crate::door::error::ExitCode`].

mod agents;
mod agents_list;
pub mod args;
mod bug;
mod calendar;
mod doctor;
mod ending;
mod init;
mod init_twin;
mod intent;
mod open;
mod out;
mod rehearse;
mod report;
mod run;
mod scenario;
mod sim;
mod stage;
mod status;
mod stop;
mod take_up;
mod twin;

pub use args::{Cli, Command};
pub use bug::report_bugs;

use crate::door::error::{ExitCode, Failure};
use args::AgentsCommand;

/// Carries a command out.
///
/// # Errors
/// A [`Failure`] that says why not, for the door to print.
pub async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Init(args) => init::init(&args).await,
        Command::Stage(args) => stage::stage(&args).await,
        Command::Run(args) => run::run(&args).await,
        Command::Status(args) => status::status(&args).await,
        Command::Calendar(args) => calendar::calendar(&args).await,
        Command::Doctor(args) => doctor::doctor(&args).await,
        Command::Report(args) => report::report(&args).await,
        Command::Agents(args) => match args.command {
            AgentsCommand::Import(args) => agents::import(&args).await,
            AgentsCommand::List(args) => agents_list::list(&args).await,
            AgentsCommand::NewKey => agents::new_key(),
        },
        Command::Twin(args) => twin::twin(&args).await,
        Command::Rehearse(args) => rehearse::rehearse(&args).await,
        Command::Sim(args) => sim::sim(&args),
    }
}
