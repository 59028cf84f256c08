//! The command line: `softlanding` and its commands. Each command opens what it needs, calls a shell, and ends with a code.
//!
//! - [`args`]: what may be typed, with help and examples.
//! - `out`: the only way to the standard output; `spool`: the same for whoever must not wait for a reader; `stop`: signals.
//! - `open`: from a configuration to clock, client, journal, vault and hooks; `intent`: to a plan's numbers.
//! - `take_up`: from a run's name to a driver that leads it.
//! - one file per command; `orders` and `care` hold several that are alike.
//!
//! Must never: decide what a run does, or end with a code that is not in the table of [`crate::door::error::ExitCode`].

mod agents;
mod agents_forget;
mod agents_list;
pub mod args;
mod bug;
mod calendar;
mod care;
mod check;
mod doctor;
mod ending;
mod evidence;
mod generated;
mod hooks;
mod init;
mod init_twin;
mod intent;
mod joined;
mod keys;
mod log;
mod observe;
mod open;
mod orders;
mod out;
mod rehearse;
mod report;
mod rooms;
mod run;
mod scenario;
mod serve;
mod shown;
mod sim;
mod spool;
mod stage;
mod status;
mod step;
mod stop;
mod take_up;
mod twin;
mod watch;
mod webhooks;

pub use args::{Cli, Command};
pub use bug::report_bugs;

use crate::door::error::{ExitCode, Failure};
use crate::law::order::Wish;
use args::{AgentsCommand, KeysCommand};

/// Carries a command out.
///
/// # Errors
/// A [`Failure`] that says why not, for the door to print.
pub async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    carry_out(cli.command).await.and_then(out::ended)
}

async fn carry_out(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Init(args) => init::init(&args).await,
        Command::Stage(args) => stage::stage(&args).await,
        Command::Run(args) => run::run(&args).await,
        Command::Step(args) => step::step(&args).await,
        Command::Serve(args) => serve::serve(&args).await,
        Command::Approve(args) => orders::order(&args, Wish::Approve).await,
        Command::Hold(args) => orders::order(&args, Wish::Hold).await,
        Command::Resume(args) => orders::order(&args, Wish::Resume).await,
        Command::Abort(args) => orders::order(&args, Wish::Abort).await,
        Command::Elsewhere(args) => orders::order(&args, Wish::Elsewhere).await,
        Command::Retry(args) => orders::retry(&args).await,
        Command::Audit(args) => care::audit(&args).await,
        Command::Export(args) => care::export(&args).await,
        Command::Import(args) => care::import(&args).await,
        Command::Prune(args) => care::prune(&args).await,
        Command::Watch(args) => watch::watch(&args).await,
        Command::Status(args) => status::status(&args).await,
        Command::Calendar(args) => calendar::calendar(&args).await,
        Command::Check(args) => check::check(&args).await,
        Command::Observe(args) => observe::observe(&args).await,
        Command::Evidence(args) => evidence::evidence(&args).await,
        Command::Doctor(args) => doctor::doctor(&args).await,
        Command::Report(args) => report::report(&args).await,
        Command::Agents(args) => match args.command {
            AgentsCommand::Import(args) => agents::import(&args).await,
            AgentsCommand::List(args) => agents_list::list(&args).await,
            AgentsCommand::Forget(args) => agents_forget::forget(&args).await,
            AgentsCommand::RotateKey(args) => agents_forget::rotate_key(&args).await,
            AgentsCommand::NewKey => agents::new_key(),
        },
        Command::Keys(args) => match args.command {
            KeysCommand::Add(args) => keys::add(&args).await,
            KeysCommand::List(args) => keys::list(&args).await,
            KeysCommand::Revoke(args) => keys::revoke(&args).await,
        },
        Command::Hooks(args) => hooks::hooks(&args).await,
        Command::Webhooks(args) => webhooks::webhooks(&args).await,
        Command::Twin(args) => twin::twin(&args).await,
        Command::Rehearse(args) => rehearse::rehearse(&args).await,
        Command::Sim(args) => sim::sim(&args),
        Command::Completions(args) => Ok(generated::completions(&args)),
        Command::Man(args) => generated::man(&args),
    }
}
