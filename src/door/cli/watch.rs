//! `softlanding watch`: follows a run that somebody else carries out, from any machine that reaches the store.
//!
//! Must never: lead the run, or change anything of it; whoever stops watching stops nothing else.

use std::time::Duration;

use crate::door::cli::args::WatchArgs;
use crate::door::cli::ending::{Strictness, code};
use crate::door::cli::out::Audience;
use crate::door::cli::{open, out, stop};
use crate::door::error::{ExitCode, Failure};
use crate::hands::journal::{AnyJournal, Journal};
use crate::law::event::{Event, Record};
use crate::law::run::Run;
use crate::shells::driver::Ended;
use crate::shells::report::Display;
use crate::words::clock::Clock;
use crate::words::id::RunId;

/// Countdowns move on so often, in real time.
const TICK: Duration = Duration::from_millis(120);

pub(super) async fn watch(args: &WatchArgs) -> Result<ExitCode, Failure> {
    let id = open::run_id(&args.run)?;
    let config = open::config(&args.config.config)?;
    let journal = open::journal(&config).await?;
    let stop = stop::asked()?;
    // A twin that has ended takes its clock with it; what its run has recorded can be shown all the same.
    let clock = open::clock(&config).await.unwrap_or(Clock::System);
    let records = open::records(&journal, &id).await?;
    let run = open::replay(&id, &records)?;
    if !run.is_over() && nobody_leads(&journal, &id).await {
        out::note(&format!("nobody carries run {id} out at present; `softlanding serve` or `softlanding run` does"));
    }
    let mut watched = Watched { id, journal, run, display: Audience::of(&args.show).display() };
    records.iter().for_each(|record| watched.display.hear(record));
    let look_every = Duration::from_millis(config.serve.look_every_ms.unsigned_abs());
    let ended = tokio::select! {
        ended = watched.follow(clock, look_every) => ended.map(|()| Ended::Over)?,
        () = stop => Ended::Interrupted,
    };
    let Watched { id, run, display, .. } = watched;
    // A reader that has gone away changes nothing.
    let _ = display.finish(&[]);
    if ended == Ended::Interrupted {
        out::note(&format!("not watching any more; the run goes on. Again with: softlanding watch {id}"));
    }
    let strictness = if args.strict { Strictness::Strict } else { Strictness::Lenient };
    Ok(code(&run, ended, strictness))
}

struct Watched {
    id: RunId,
    journal: AnyJournal,
    run: Run,
    display: Display,
}

impl Watched {
    /// Follows the run until it is over and nothing more is recorded of it.
    async fn follow(&mut self, clock: Clock, look_every: Duration) -> Result<(), Failure> {
        // The last hooks are recorded after the end.
        while self.look().await? > 0 || !self.run.is_over() {
            let pause = tokio::time::sleep(look_every);
            tokio::pin!(pause);
            loop {
                self.display.tick(clock.now());
                tokio::select! {
                    () = &mut pause => break,
                    () = tokio::time::sleep(TICK) => {}
                }
            }
        }
        Ok(())
    }

    /// Takes in what was recorded since; how much that is.
    async fn look(&mut self) -> Result<usize, Failure> {
        let fresh: Vec<Record> = self.journal.load_after::<Event>(&self.id, self.run.seq).await?;
        for record in &fresh {
            self.run.apply(record.at, &record.event);
            self.display.hear(record);
        }
        Ok(fresh.len())
    }
}

/// Whether nobody is known to lead it; a store that does not say is no reason to say so.
async fn nobody_leads(journal: &AnyJournal, id: &RunId) -> bool {
    let runs = journal.runs().await.unwrap_or_default();
    runs.iter().any(|summary| summary.run == *id && summary.leader.is_none())
}
