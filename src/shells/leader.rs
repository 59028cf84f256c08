//! Leading a run: taking its lease, keeping it while the run is driven, and never acting when it may have run out.
//!
//! The store's clock rules; this machine's clock is only used to be more careful than the store: a lease is trusted here
//! until the instant at which it was last asked for, plus its length.
//! Must never: let anything leave while the lease may have passed on to somebody else.

use std::sync::Arc;
use std::time::Duration;

use crate::hands::journal::{Holder, Journal, JournalError, Lease};
use crate::words::clock::{Moment, Seed};
use crate::words::id::RunId;
use crate::words::permit::Permit;

/// The usual length of a lease, in ms: a run whose leader dies on another machine goes on after this.
pub const LEASE_MS: i64 = 6_000;
/// A lease is renewed at least this often within its length, so that two renewals may be lost.
const RENEWALS: i64 = 3;
/// Leases that were taken together are not renewed together, or a claim would have to wait behind all of them: each is
/// renewed after a part of the usual pause that is its own, from this many hundredths on.
const SPREAD_FROM: i64 = 60;
/// A store that does not answer a renewal is asked again after this part of the lease.
const RETRIES: i64 = 12;

/// The right to drive one run, kept for as long as it is needed.
#[derive(Debug)]
pub struct Leader<J> {
    journal: Arc<J>,
    lease: Lease,
    for_ms: i64,
    permit: Permit,
}

impl<J: Journal> Leader<J> {
    /// Takes the lease of `run` for `for_ms` milliseconds at a time; `None` while somebody else leads it.
    ///
    /// # Errors
    /// [`JournalError`] when there is no such run or the store does not answer.
    pub async fn take(
        journal: &Arc<J>,
        run: &RunId,
        holder: &Holder,
        for_ms: i64,
    ) -> Result<Option<Leader<J>>, JournalError> {
        let asked_at = Moment::now();
        let mut lease = journal.lead(run, holder, for_ms).await?;
        if lease.is_none() && give_up_for_the_dead(journal.as_ref(), run).await? {
            lease = journal.lead(run, holder, for_ms).await?;
        }
        Ok(lease.map(|lease| {
            let permit = Permit::lasting(asked_at, for_ms);
            Leader { journal: Arc::clone(journal), lease, for_ms, permit }
        }))
    }
    /// The lease itself.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.lease
    }
    /// What requests ask before they leave.
    #[must_use]
    pub fn permit(&self) -> Permit {
        self.permit.clone()
    }
    /// Whether the lease can be trusted at this moment.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`] when it may have run out.
    pub fn check(&self) -> Result<(), JournalError> {
        if self.permit.holds() { Ok(()) } else { Err(self.lost()) }
    }
    /// Renews the lease for ever, and completes only when it is lost, or when the store has been silent for its length.
    pub async fn keep(&self) -> JournalError {
        let part = |parts: i64| Duration::from_millis((self.for_ms / parts).max(1).unsigned_abs());
        let own_hundredths = Seed(self.lease.fence).fork(self.lease.run.as_str()).between(SPREAD_FROM, 100);
        let usual = Duration::from_millis((self.for_ms * own_hundredths / RENEWALS / 100).max(1).unsigned_abs());
        let mut pause = usual;
        loop {
            tokio::time::sleep(pause).await;
            let asked_at = Moment::now();
            match self.journal.renew(&self.lease, self.for_ms).await {
                Ok(()) => {
                    self.permit.extend(asked_at, self.for_ms);
                    pause = usual;
                }
                Err(JournalError::Store(_)) if self.permit.holds() => pause = part(RETRIES),
                Err(error) => {
                    self.permit.end();
                    return error;
                }
            }
        }
    }
    /// Gives the lease up, so that nobody has to wait for its end. A store that does not answer is no matter: the lease
    /// runs out by itself.
    pub async fn release(self) {
        self.permit.end();
        let _runs_out = self.journal.release(&self.lease).await;
    }

    fn lost(&self) -> JournalError {
        JournalError::LeaseLost { run: self.lease.run.clone(), by: None }
    }
}

/// A process of this machine that is gone cannot give its lease up, so that is done for it: whoever starts again after a
/// crash need not wait for the lease to run out. True when there was such a process.
async fn give_up_for_the_dead<J: Journal>(journal: &J, run: &RunId) -> Result<bool, JournalError> {
    let leader = journal.runs().await?.into_iter().find(|summary| summary.run == *run).and_then(|s| s.leader);
    let Some(dead) = leader.and_then(|name| Holder::new(&name).ok()).filter(is_gone) else { return Ok(false) };
    Ok(journal.lead(run, &dead, 0).await?.is_some())
}

/// This process's own name as a holder of leases: where it runs, and since when, so that another process of the same machine
/// can tell whether it is still there.
#[must_use]
pub fn myself() -> Holder {
    let name = Process::this().map_or_else(|| format!("pid {}", std::process::id()), |process| process.name());
    Holder::new(&name).unwrap_or_else(|_| Holder::nobody())
}

/// Whether a holder was a process of this machine that is gone. Anything that cannot be told counts as alive: its lease
/// runs out by itself.
#[must_use]
pub fn is_gone(holder: &Holder) -> bool {
    let (Some(theirs), Some(mine)) = (Process::read(holder.as_str()), Process::this()) else { return false };
    theirs.place == mine.place && started_at(theirs.pid) != Some(theirs.started)
}

/// A process by its place (host, boot, process namespace), number and start.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    place: String,
    pid: u32,
    started: u64,
}

impl Process {
    fn this() -> Option<Process> {
        let line = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
        let host: String =
            line("/proc/sys/kernel/hostname")?.chars().filter(char::is_ascii_alphanumeric).take(24).collect();
        let boot: String = line("/proc/sys/kernel/random/boot_id")?.chars().take(8).collect();
        let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
        let namespace: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
        let pid = std::process::id();
        Some(Process { place: format!("{host}:{boot}:{namespace}"), pid, started: started_at(pid)? })
    }
    fn name(&self) -> String {
        format!("{}:{}:{}", self.place, self.pid, self.started)
    }
    fn read(name: &str) -> Option<Process> {
        let (rest, started) = name.rsplit_once(':')?;
        let (place, pid) = rest.rsplit_once(':')?;
        Some(Process { place: place.to_owned(), pid: pid.parse().ok()?, started: started.parse().ok()? })
    }
}

/// When a process of this machine was started, in ticks since boot; `None` when there is none. (proc(5): field 22 of stat; the
/// name in field 2 may hold anything, so fields are counted from its closing bracket.)
fn started_at(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    // A zombie holds its number and can do nothing any more.
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_there_and_one_that_ended_is_gone() {
        let me = myself();
        assert!(!is_gone(&me), "{me}");
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mine = Process::this().unwrap();
        let theirs = Process { place: mine.place, pid: child.id(), started: started_at(child.id()).unwrap() };
        let holder = Holder::new(&theirs.name()).unwrap();
        assert!(!is_gone(&holder));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_gone(&holder));
    }

    #[test]
    fn what_cannot_be_told_counts_as_alive() {
        for name in ["somebody", "otherhost:12345678:1:1:1", "pid 5", "a:b:c:d:e"] {
            assert!(!is_gone(&Holder::new(name).unwrap()), "{name}");
        }
    }
}
