//! `softlanding rehearse`: a whole Friday on a simulated organisation.
//!
//! Must never: write anything but records to the standard output when JSON was asked for.

use std::path::{Path, PathBuf};

use crate::door::cli::args::RehearseArgs;
use crate::door::cli::ending::{Strictness, code};
use crate::door::cli::out::Audience;
use crate::door::cli::shown::Shown;
use crate::door::cli::{out, scenario, stop};
use crate::door::error::{ExitCode, Failure};
use crate::law::event::Record;
use crate::law::punctuality::Publish;
use crate::shells::driver::Ended;
use crate::shells::rehearse::{FolderError, Rehearsal, RehearseError, Rehearsed, Setting, rehearse as play};
use crate::shells::report::words::{offset, wrap};
use crate::shells::stage::echo;
use crate::twin::serve::Served;
use crate::words::calendar::duration_words;
use crate::words::clock::{Clock, Seed};

/// Exchanges that a recording holds, at most.
pub(super) const EXCHANGES_MAX: usize = 200_000;

pub(super) async fn rehearse(args: &RehearseArgs) -> Result<ExitCode, Failure> {
    let scenario = scenario::find(&args.scenario)?;
    let audience = Audience::of(&args.show);
    let setting = Setting::friday(scenario, Seed(args.seed), args.speed, Clock::System.now())?;
    let hooks = PathBuf::from("hooks");
    introduce(audience, args, &setting, &hooks);
    let rehearsal = Rehearsal {
        setting,
        out: args.out.clone(),
        hooks,
        exchanges_max: if args.record.is_some() { EXCHANGES_MAX } else { 0 },
    };
    let mut shown = Shown::to(audience)?;
    let stopped = stop::asked()?;
    let told = |staged: &crate::shells::stage::Staged, clock: Clock| {
        audience.say(echo(&staged.run, &staged.plan, &staged.timetable, &staged.warnings, clock.now()));
        audience.say([""]);
    };
    let rehearsed = play(&rehearsal, &mut shown.display, told, stopped).await.map_err(failed)?;
    shown.finish(&rehearsed.reports);
    if let Some(file) = &args.record {
        record(file, &rehearsed.served)?;
    }
    conclude(audience, args, &rehearsal.setting, &rehearsed);
    let promises_kept = rehearsed.audit.publishes_applied <= 1 && rehearsed.audit.touched_on_call == 0;
    match promises_kept {
        true => Ok(code(&rehearsed.run, rehearsed.ended, Strictness::Lenient)),
        false => Err(Failure::new(ExitCode::Bug, "the simulated org counted something that must never happen")
            .hint("please report it, with the scenario and the seed")),
    }
}

fn introduce(audience: Audience, args: &RehearseArgs, setting: &Setting, hooks: &Path) {
    let whole_ms = setting.publish_at.since_ms(setting.begins_at()) + setting.timing.settle_after_ms;
    let real = duration_words((whole_ms as f64 / setting.speed) as i64);
    let speed = setting.speed;
    audience
        .say([format!("Rehearsal of {} (seed {}), {speed:.0} times as fast: about {real}", args.scenario, args.seed)]);
    audience.say(wrap(&setting.scenario.story, 80, "  ", "  "));
    if !hooks.is_dir() {
        audience.say(["  there is no folder ./hooks here, so no hooks are run"]);
    }
    audience.say([""]);
}

fn conclude(audience: Audience, args: &RehearseArgs, setting: &Setting, rehearsed: &Rehearsed) {
    if rehearsed.ended == Ended::Interrupted {
        out::note("interrupted: the rehearsal is cut short here");
    }
    audience.say([""]);
    audience.say(rehearsed.audit.lines());
    audience.say(lateness(&rehearsed.records, setting.speed));
    if args.compare {
        audience.say([""]);
        audience.say(rehearsed.beside(setting).lines());
    }
}

/// How late the publish went out, as the report has it, and what that is on a clock that runs no faster; empty where none did.
fn lateness(records: &[Record], speed: f64) -> Vec<String> {
    let Some(late_ms) = Publish::of(records.iter().map(|record| &record.event)).late_ms() else { return Vec::new() };
    let (told, real_ms) = (offset(late_ms), late_ms as f64 / speed);
    let text = format!(
        "the publish went out {told} from T; this clock runs {speed:.0} times as fast, so that is {real_ms:.1} ms of real time"
    );
    wrap(&text, 80, "  lateness   ", "             ")
}

/// Writes what was asked and answered.
pub(super) fn record(file: &Path, served: &Served) -> Result<(), Failure> {
    let unwritable = |e: std::io::Error| {
        Failure::new(ExitCode::Access, format!("the recording {} cannot be written", file.display())).because(e)
    };
    let text = serde_json::to_string(&served.exchanges()).map_err(|e| unwritable(e.into()))?;
    std::fs::write(file, text).map_err(unwritable)
}

fn failed(e: RehearseError) -> Failure {
    match e {
        RehearseError::Refused(refusal) => refusal.into(),
        RehearseError::Drive(e) => e.into(),
        RehearseError::Vault(e) => e.into(),
        RehearseError::Journal(e) => e.into(),
        RehearseError::Report(e) => e.into(),
        RehearseError::Folder(e @ FolderError::Foreign(_)) => Failure::new(ExitCode::Refused, e.to_string())
            .hint("name another folder with --out; a rehearsal replaces only what a rehearsal made"),
        RehearseError::Folder(FolderError::Io { path, source }) => {
            Failure::new(ExitCode::Access, format!("{} cannot be made anew", path.display())).because(source)
        }
        RehearseError::Listen(e) => {
            Failure::new(ExitCode::Access, "the simulated org cannot listen on 127.0.0.1").because(e)
        }
        e @ (RehearseError::Host(_) | RehearseError::Wire(_) | RehearseError::Led) => {
            Failure::from(anyhow::Error::new(e))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::Event;
    use crate::words::clock::Timestamp;

    #[test]
    fn lateness_is_that_of_the_request_and_is_told_in_real_time() {
        let t = 1_000_000;
        let events = [
            (t + 116, Event::PublishClaimed { attempt: 1, late_ms: 116 }),
            (t + 1_200, Event::PublishSent { left: Timestamp(t + 833), late_ms: 833 }),
        ];
        let of = |(seq, (at, event))| Record { seq, at: Timestamp(at), event };
        let records: Vec<Record> = (1..).zip(events).map(of).collect();
        let told = lateness(&records, 73.0);
        assert!(told.iter().all(|line| line.chars().count() <= 80), "{told:?}");
        let told = told.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        let said = "lateness the publish went out +833 ms from T; this clock runs 73 times as fast, so that is 11.4 ms of real time";
        assert_eq!(told, said);
        assert!(lateness(&[], 73.0).is_empty());
    }
}
