//! What may be typed, with help and an example for each command.
//!
//! Must never: take a secret as an argument; process lists show them to everyone.

mod keys;
mod look;
mod report;
mod steer;
mod tell;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::door::config::parse_duration_ms;
use crate::door::error::ExitCode;
use crate::law::plan::OnDrift;
use crate::shells::stage::WeekChoice;

pub use keys::{AddKeyArgs, KeysArgs, KeysCommand, ListKeysArgs, RevokeKeyArgs};
pub use look::{CalendarArgs, CheckArgs, DoctorArgs, EvidenceArgs, ObserveArgs, StatusArgs, WatchArgs};
pub use report::{PreviewArgs, ReportArgs, ReportCommand, Shown};
pub use steer::{AuditArgs, ExportArgs, ImportRunArgs, OrderArgs, PruneArgs, RetryArgs, ServeArgs, StepArgs, StepName};
pub use tell::{
    HookRunArgs, HookTestArgs, HooksArgs, HooksCommand, HooksList, WebhookLetters, WebhookName, WebhooksArgs,
    WebhooksCommand, WebhooksList,
};

/// Makes the weekly Genesys Cloud WFM schedule publish land softly.
#[derive(Debug, Parser)]
#[command(
    name = "softlanding",
    version,
    about,
    long_about = "Makes the weekly Genesys Cloud WFM schedule publish land softly: refreshes agents' tokens before it, \
                  publishes exactly once on the second, checks every softphone afterwards, and helps those that stay grey.\n\n\
                  Try it first on a simulated organisation: softlanding rehearse",
    after_help = format!("Exit codes:\n{}", ExitCode::table()),
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play a whole Friday on a simulated organisation: no configuration, no network beyond 127.0.0.1
    #[command(after_help = "Example:\n  softlanding rehearse --compare")]
    Rehearse(RehearseArgs),
    /// Write a commented softlanding.toml
    #[command(after_help = "Examples:\n  softlanding init\n  softlanding init --twin http://127.0.0.1:4321")]
    Init(InitArgs),
    /// Stage a publish: read the org, check all that could fail, pin schedule and roster
    #[command(
        after_help = "Examples:\n  softlanding stage --business-unit \"Customer Care\" --schedule Approved \\\n      --week next --at \"Friday 16:00 CST\"\n  softlanding stage --business-unit \"Customer Care\" --schedule Approved \\\n      --at \"Friday 16:00 CST\" --explain"
    )]
    Stage(StageArgs),
    /// Carry a staged run out, or take up one that was interrupted
    #[command(
        after_help = "Agents' pages connect to `serve`. With a PostgreSQL store a run that is carried out from here reaches them through it; with a store in a file it does without them.\n\nExample:\n  softlanding run 20261127-1600-customer-care-k3f9"
    )]
    Run(RunArgs),
    /// One step of a run, for somebody else's engine: idempotent, resumable, with a code that says how it stands
    #[command(
        after_help = "Codes: 0 done, 75 not yet, 4 refused, 5 in doubt, 8 a person is needed, 6 try again.\n\nExamples:\n  softlanding step stage --run care-2026-W48 --publish care --json\n  softlanding step publish --run care-2026-W48 --json"
    )]
    Step(StepArgs),
    /// Run the calendar: stage, carry out and resume every publish by itself
    #[command(
        after_help = "Examples:\n  softlanding serve\n  softlanding serve --config care.toml --config sales.toml"
    )]
    Serve(ServeArgs),
    /// Approve a staged publish that needs an approval
    #[command(
        after_help = "Example:\n  softlanding approve 20261127-1600-customer-care-k3f9 \\\n      --why \"the board has met\""
    )]
    Approve(OrderArgs),
    /// Hold a publish, or after it the remedies, until somebody resumes
    #[command(after_help = "Example:\n  softlanding hold 20261127-1600-customer-care-k3f9 --why \"change freeze\"")]
    Hold(OrderArgs),
    /// Let what is held go on; a schedule that has changed is accepted as it is now
    #[command(after_help = "Example:\n  softlanding resume 20261127-1600-customer-care-k3f9 --why \"freeze is over\"")]
    Resume(OrderArgs),
    /// End a run before its publish; after it, only its remedies
    #[command(after_help = "Example:\n  softlanding abort 20261127-1600-customer-care-k3f9 --why \"wrong week\"")]
    Abort(OrderArgs),
    /// Tell a run that somebody else has published: found so, nothing is sent and the agents are checked
    #[command(
        after_help = "Example:\n  softlanding elsewhere 20261127-1600-customer-care-k3f9 \\\n      --why \"published by hand\""
    )]
    Elsewhere(OrderArgs),
    /// Look at one agent again while a run checks, and begin its ladder of remedies anew
    #[command(
        after_help = "Example:\n  softlanding retry 20261127-1600-customer-care-k3f9 --agent ann@example.com \\\n      --why \"she has signed in again\""
    )]
    Retry(RetryArgs),
    /// Check a run's journal against every rule, and tell its history in words
    #[command(after_help = "Example:\n  softlanding audit 20261127-1600-customer-care-k3f9")]
    Audit(AuditArgs),
    /// Write a run's journal as lines of JSON
    #[command(after_help = "Example:\n  softlanding export 20261127-1600-customer-care-k3f9 > friday.jsonl")]
    Export(ExportArgs),
    /// Take in a run's journal that `export` wrote; all of it or nothing
    #[command(after_help = "Example:\n  softlanding import friday.jsonl")]
    Import(ImportRunArgs),
    /// Delete runs that ended long ago from the journal
    #[command(after_help = "Example:\n  softlanding prune --older-than 400d --yes")]
    Prune(PruneArgs),
    /// Where runs stand: all of them, or one in full
    #[command(after_help = "Examples:\n  softlanding status\n  softlanding status 20261127-1600-customer-care-k3f9")]
    Status(StatusArgs),
    /// Follow a run that somebody else carries out, until it is over
    #[command(
        after_help = "Ends with the code that `run` would end with. Ctrl-C stops watching and nothing else.\n\nExample:\n  softlanding watch 20261127-1600-customer-care-k3f9"
    )]
    Watch(WatchArgs),
    /// The next publishes of the calendar, with each phase in local time and UTC
    #[command(
        after_help = "Examples:\n  softlanding calendar\n  softlanding calendar --publish customer-care --count 10"
    )]
    Calendar(CalendarArgs),
    /// Call the roll: whose softphone can take a call right now? Reads only, any day, without a publish
    #[command(
        after_help = "Codes: 0 nobody was seen who cannot, 7 some cannot.\n\nExamples:\n  softlanding check --business-unit \"Customer Care\"\n  softlanding check --publish customer-care --json"
    )]
    Check(CheckArgs),
    /// Watch a publish that somebody else makes, and say whether softphones are lost by it; changes nothing
    #[command(
        after_help = "Examples:\n  softlanding observe --business-unit \"Customer Care\" \\\n      --at \"Friday 16:00 CST\" --out friday.json\n  softlanding observe --publish customer-care \\\n      --pool friday-1.json --pool friday-2.json"
    )]
    Observe(ObserveArgs),
    /// What all publishes in the journal say together: whether softphones are lost by them
    #[command(
        after_help = "Examples:\n  softlanding evidence\n  softlanding evidence --business-unit \"Customer Care\" --pool observed.json"
    )]
    Evidence(EvidenceArgs),
    /// Look over what softlanding needs on this machine and in the organisation; changes nothing
    #[command(
        after_help = "On this machine: configuration, zone data, secrets, store, vault, hooks. In the organisation: the way in, the clock, permissions and what is lost without each, the rate limit, reported endpoints, and of each business unit of [[publish]] its softphones, enrolment, stations and agents' permissions; trunks and Edges.\n\nExamples:\n  softlanding doctor\n  softlanding doctor --business-unit \"Customer Care\" --json"
    )]
    Doctor(DoctorArgs),
    /// Write the report of a run: a page, Markdown, JSON, messages for Slack and Teams, a mail
    #[command(
        after_help = "Examples:\n  softlanding report 20261127-1600-customer-care-k3f9 --out friday\n  softlanding report preview --sample --format slack"
    )]
    Report(ReportArgs),
    /// Agents' refresh tokens, kept encrypted in the vault
    #[command(after_help = "Example:\n  softlanding agents import enrolments.jsonl")]
    Agents(AgentsArgs),
    /// API keys, with which programs call `serve`
    #[command(after_help = "Example:\n  (umask 077; softlanding keys add --name ci --role operator > ci.key)")]
    Keys(KeysArgs),
    /// The organisation's own executables at the points of a run: which there are, tried out, run again
    #[command(after_help = "Examples:\n  softlanding hooks list\n  softlanding hooks test settled")]
    Hooks(HooksArgs),
    /// Who is told of events by webhooks: how far, what did not arrive, and what could not be told
    #[command(after_help = "Examples:\n  softlanding webhooks list\n  softlanding webhooks test operations")]
    Webhooks(WebhooksArgs),
    /// Serve a simulated organisation that speaks the platform's API
    #[command(
        after_help = "Examples:\n  softlanding twin --list-scenarios\n  softlanding twin --scenario calm --speed 20"
    )]
    Twin(TwinArgs),
    /// Play Fridays in virtual time, with faults and crashes drawn from a seed, and check every promise
    #[command(after_help = "Examples:\n  softlanding sim --seeds 5000\n  softlanding sim --seed 94")]
    Sim(SimArgs),
    /// Print a script that completes commands in a shell
    #[command(
        after_help = "Examples:\n  softlanding completions bash > softlanding.bash\n  softlanding completions zsh > _softlanding"
    )]
    Completions(CompletionsArgs),
    /// Print the manual page, or write all of them
    #[command(after_help = "Examples:\n  softlanding man > softlanding.1\n  softlanding man --out man1")]
    Man(ManArgs),
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "SOFTLANDING_CONFIG", default_value = "softlanding.toml")]
    pub config: PathBuf,
}

/// How progress is shown.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// One JSON record a line, and nothing else on standard output
    #[arg(long)]
    pub json: bool,
    /// Plain lines, also on a terminal
    #[arg(long, conflicts_with = "json")]
    pub plain: bool,
}

/// `rehearse`
#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// What goes wrong: a name of `twin --list-scenarios`, or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "friday-1600")]
    pub scenario: String,
    /// The chance of the simulated people and of the run
    #[arg(long, value_name = "N", default_value_t = 1600)]
    pub seed: u64,
    /// How many times as fast as real time; by default about 40 seconds in all
    #[arg(long, value_name = "X", value_parser = speed)]
    pub speed: Option<f64>,
    /// The folder for journal, vault and reports; replaced, if a rehearsal made it
    #[arg(long, value_name = "DIR", default_value = "rehearsal")]
    pub out: PathBuf,
    /// Play the same Friday without softlanding as well, and show both
    #[arg(long)]
    pub compare: bool,
    /// Write what was asked and answered to a JSON file, without tokens
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub show: ShowArgs,
}

/// `init`
#[derive(Debug, Args)]
pub struct InitArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
    /// Point it at a running `softlanding twin` instead of a real organisation
    #[arg(long, value_name = "URL")]
    pub twin: Option<String>,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
}

/// `stage`
#[derive(Debug, Args)]
pub struct StageArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
    /// An entry of the calendar, a publish of the configuration, by its name; it says all that is not said here
    #[arg(long, value_name = "NAME", conflicts_with_all = ["business_unit", "require_approval", "on_drift"])]
    pub publish: Option<String>,
    /// The business unit, by name or id
    #[arg(long, value_name = "NAME|ID", required_unless_present = "publish")]
    pub business_unit: Option<String>,
    /// The week: `next`, or the date of its first day
    #[arg(long, value_name = "next|DATE")]
    pub week: Option<WeekChoice>,
    /// The draft schedule, by description, id, or a rule such as "Approved*"; not needed when the week has only one
    #[arg(long, value_name = "NAME|ID")]
    pub schedule: Option<String>,
    /// When to publish: "Friday 16:00 CST", "2026-11-27 16:00 America/Chicago", …; an entry's next instant when left out
    #[arg(long, value_name = "INSTANT", required_unless_present = "publish")]
    pub at: Option<String>,
    /// Publish only if somebody has approved it
    #[arg(long)]
    pub require_approval: bool,
    /// When the schedule is not what was staged: hold the publish for a person, or publish what is there
    #[arg(long, value_name = "hold|publish-latest", value_parser = on_drift, default_value = "hold")]
    pub on_drift: OnDrift,
    /// The chance of the run, so that it can be repeated; drawn when left out
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Show the arithmetic of the lead times as a table and a timeline, and record nothing
    #[arg(long)]
    pub explain: bool,
    /// The run as one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// `run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The run, as `stage` named it
    pub run: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
    /// End with code 7 when stragglers remain
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub show: ShowArgs,
}

/// `agents`
#[derive(Debug, Args)]
pub struct AgentsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AgentsCommand,
}

/// What to do with agents' tokens.
#[derive(Debug, Subcommand)]
pub enum AgentsCommand {
    /// Take in the refresh tokens that the organisation's own app holds
    #[command(
        after_help = "The file holds lines of {\"agent\": \"…\", \"refresh_token\": \"…\"}, or CSV with the header agent,refresh_token. An agent is a user id, an e-mail address or a full name. What is imported takes the place of what the vault holds: of a list that is older than the last refresh the tokens are spent.\n\nExample:\n  softlanding agents import enrolments.jsonl"
    )]
    Import(ImportArgs),
    /// Who is enrolled, since when, and who must sign in again; never a token
    #[command(after_help = "Examples:\n  softlanding agents list\n  softlanding agents list --json")]
    List(ListArgs),
    /// Take agents out of the vault, tokens and all; all who are named or nobody
    #[command(
        after_help = "An agent is a user id, the name under which they are enrolled, or an e-mail address. The platform keeps the refresh token until it is revoked there.\n\nExamples:\n  softlanding agents forget ann@example.com\n  softlanding agents forget --all-dead"
    )]
    Forget(ForgetArgs),
    /// Seal the vault with a new key
    #[command(
        after_help = "Write the new key as `key` and the one before as `old_key` in [vault]. All is sealed anew or nothing: after an interruption, call it again. It waits for refreshes that are under way; what still runs with the old key says so and refreshes nothing until it is started again.\n\nExample:\n  (umask 077; softlanding agents new-key > vault.new.key)\n  softlanding agents rotate-key"
    )]
    RotateKey(RotateKeyArgs),
    /// Print a new key for the vault
    #[command(after_help = "Example:\n  (umask 077; softlanding agents new-key > vault.key)")]
    NewKey,
}

/// `agents import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The list; `-` reads standard input
    pub file: PathBuf,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `agents list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `agents forget`
#[derive(Debug, Args)]
pub struct ForgetArgs {
    /// Whom to forget
    #[arg(value_name = "AGENT", required_unless_present = "all_dead", conflicts_with = "all_dead")]
    pub agents: Vec<String>,
    /// Everybody who must sign in again
    #[arg(long)]
    pub all_dead: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `agents rotate-key`
#[derive(Debug, Args)]
pub struct RotateKeyArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `twin`
#[derive(Debug, Args)]
pub struct TwinArgs {
    /// The address to listen on; this machine only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4321")]
    pub listen: std::net::SocketAddr,
    /// What goes wrong: a name of --list-scenarios, or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "friday-1600")]
    pub scenario: String,
    /// The scenarios that come with the program
    #[arg(long)]
    pub list_scenarios: bool,
    /// How many times as fast as real time
    #[arg(long, value_name = "X", default_value = "10", value_parser = speed)]
    pub speed: f64,
    /// Run on this machine's clock; the publish instant then lies --start-before ahead of now. For softphones in browsers
    #[arg(long, conflicts_with = "speed")]
    pub system_clock: bool,
    /// How long before the publish instant the twin's clock begins
    #[arg(long, value_name = "DURATION", default_value = "25min", value_parser = duration)]
    pub start_before: i64,
    /// The chance of the simulated people
    #[arg(long, value_name = "N", default_value_t = 1600)]
    pub seed: u64,
    /// On ending, write what was asked and answered to a JSON file, without tokens
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}

/// `sim`
#[derive(Debug, Args)]
pub struct SimArgs {
    /// How many Fridays
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub seeds: u64,
    /// The first seed
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub from: u64,
    /// One Friday only, with its story
    #[arg(long, value_name = "S", conflicts_with_all = ["seeds", "from"])]
    pub seed: Option<u64>,
}

/// `completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for each command to this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

fn on_drift(text: &str) -> Result<OnDrift, String> {
    match text {
        "hold" => Ok(OnDrift::Hold),
        "publish-latest" => Ok(OnDrift::PublishLatest),
        _ => Err("accepted is hold or publish-latest".to_owned()),
    }
}

fn speed(text: &str) -> Result<f64, String> {
    const ACCEPTED: &str = "accepted is a number from 0.1 to 2000";
    let speed: f64 = text.parse().map_err(|_| ACCEPTED.to_owned())?;
    if (0.1..=2000.0).contains(&speed) { Ok(speed) } else { Err(ACCEPTED.to_owned()) }
}

fn duration(text: &str) -> Result<i64, String> {
    const DAY_MS: i64 = 86_400_000;
    let accepted = || "accepted is a duration up to 1d, such as \"90s\", \"25min\" or \"1h 30min\"".to_owned();
    parse_duration_ms(text).filter(|ms| (0..=DAY_MS).contains(ms)).ok_or_else(accepted)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_tells_its_exit_codes() {
        Cli::command().debug_assert();
        let help = Cli::command().render_help().to_string();
        for code in ExitCode::ALL {
            assert!(help.contains(code.meaning()), "{help}");
        }
    }

    #[test]
    fn every_command_has_examples_that_no_terminal_of_80_columns_breaks() {
        let mut all: Vec<clap::Command> = Cli::command().get_subcommands().cloned().collect();
        while let Some(command) = all.pop() {
            all.extend(command.get_subcommands().cloned());
            let name = command.get_name();
            let below = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(command.has_subcommands() || below.contains("Example"), "{name}");
            let examples = below.lines().skip_while(|line| !line.starts_with("Example")).skip(1);
            for line in examples {
                assert!(line.starts_with("  ") && line.chars().count() <= 78, "{name}: {line}");
            }
        }
    }
}
