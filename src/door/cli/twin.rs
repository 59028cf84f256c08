//! `softlanding twin`: serves a simulated organisation until it is asked to stop.
//!
//! Must never: listen where another machine could reach it; it speaks plain HTTP.

use tokio::net::TcpListener;

use crate::door::cli::args::TwinArgs;
use crate::door::cli::rehearse::{EXCHANGES_MAX, record};
use crate::door::cli::{out, scenario, stop};
use crate::door::error::{ExitCode, Failure};
use crate::shells::rehearse::setting::ZONE;
use crate::twin::serve::{Options, Served};
use crate::twin::{APP_CLIENT_ID, PUBLISHER_CLIENT_ID, Scenario, Twin};
use crate::words::calendar::{describe, parse_when};
use crate::words::clock::{Clock, Seed, Timestamp};

pub(super) async fn twin(args: &TwinArgs) -> Result<ExitCode, Failure> {
    if args.list_scenarios {
        out::say(scenario::list());
        return Ok(ExitCode::Done);
    }
    let scenario = scenario::find(&args.scenario)?;
    let listener = listen(args).await?;
    let unknown = |e: std::io::Error| Failure::new(ExitCode::Bug, "the twin's address is not known").because(e);
    let url = format!("http://{}", listener.local_addr().map_err(unknown)?);
    let (publish_at, clock) = if args.system_clock {
        (Clock::System.now() + args.start_before, Clock::System)
    } else {
        let publish_at = parse_when("Friday 16:00", Clock::System.now(), ZONE)?.at;
        (publish_at, Clock::scaled(publish_at - args.start_before, args.speed))
    };
    let mut twin = Twin::new(scenario.clone(), Seed(args.seed), publish_at, &url);
    twin.advance(clock.now());
    let exchanges_max = if args.record.is_some() { EXCHANGES_MAX } else { 0 };
    let served = Served::new(twin, clock, Options { exchanges_max });
    let stopped = stop::asked()?;
    out::say(introduction(&scenario, &url, publish_at, clock));
    let handle = served.clone();
    served
        .run(listener, stopped)
        .await
        .map_err(|e| Failure::new(ExitCode::Access, format!("the twin cannot go on serving {url}")).because(e))?;
    if let Some(file) = &args.record {
        record(file, &handle)?;
    }
    Ok(ExitCode::Done)
}

async fn listen(args: &TwinArgs) -> Result<TcpListener, Failure> {
    if !args.listen.ip().is_loopback() {
        let message = format!("{} could be reached from other machines", args.listen);
        return Err(Failure::new(ExitCode::Usage, message)
            .hint("the twin speaks plain HTTP, so it listens on this machine only: 127.0.0.1:PORT or [::1]:PORT"));
    }
    TcpListener::bind(args.listen).await.map_err(|e| {
        Failure::new(ExitCode::Access, format!("the twin cannot listen on {}", args.listen))
            .because(e)
            .hint("another program may use the port; name another with --listen, or port 0 for any")
    })
}

fn introduction(scenario: &Scenario, url: &str, publish_at: Timestamp, clock: Clock) -> Vec<String> {
    let first = |names: &[String]| names.first().cloned().unwrap_or_default();
    let local = publish_at.utc().with_timezone(&ZONE);
    let at = local.format("%Y-%m-%d %H:%M").to_string();
    vec![
        format!("Simulated organisation {} at {url}", scenario.org.name),
        format!("  {}", scenario.story),
        format!("  its publish instant: {}", describe(publish_at, ZONE, clock.now())),
        match clock {
            Clock::System => format!("  its clock: this machine's, {url}/twin/clock"),
            Clock::Scaled { scale, .. } => format!("  its clock: {scale} times as fast as real time, {url}/twin/clock"),
        },
        format!("  business units: {}", scenario.org.business_units.join(", ")),
        format!("  drafts: {}", scenario.org.drafts.join(", ")),
        format!(
            "  OAuth clients (simulated): {PUBLISHER_CLIENT_ID} publishes, {APP_CLIENT_ID} owns the agents' tokens"
        ),
        format!("  refresh tokens of the enrolled agents: {url}/twin/enrolments"),
        format!("  what is really so: {url}/twin/truth, and of softphones in browsers {url}/twin/softphones"),
        String::new(),
        "To try a run by hand, in another terminal and an empty folder:".to_owned(),
        format!("  softlanding init --twin {url}"),
        "  softlanding agents import enrolments.jsonl".to_owned(),
        format!("  softlanding stage --business-unit \"{}\" \\", first(&scenario.org.business_units)),
        format!("      --schedule \"{}\" --at \"{at} {}\"", first(&scenario.org.drafts), ZONE.name()),
        "  softlanding run RUN".to_owned(),
        String::new(),
        "Serving until Ctrl-C.".to_owned(),
    ]
}
