//! One hook as a process: its own group, a clean environment, bounded time, bounded output.
//!
//! Must never: return while a process of the hook's group lives.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::HookLimits;
use crate::words::hook::{HookOutcome, HookPoint};

/// How long the last words of a hook that has ended are waited for, in milliseconds. Only a process that has left the
/// hook's group can still hold the pipes by then.
const LAST_WORDS_MS: u64 = 250;
/// How often a hook is tried again that someone is writing at this moment, and how long apart in milliseconds.
const BUSY_TRIES: u32 = 50;
const BUSY_WAIT_MS: u64 = 10;

/// Runs one hook and returns how it ended and what it wrote.
pub(super) async fn run(path: &Path, point: HookPoint, document: &str, limits: HookLimits) -> (HookOutcome, String) {
    let (mut child, said) = match spawn(path, point).await {
        Ok(spawned) => spawned,
        Err(e) => return (HookOutcome::CouldNotStart(why(&e)), String::new()),
    };
    let group = Group::of(&child);
    let kept = Kept::new(limits.output_bytes_max);
    let stdin = child.stdin.take();
    let talk = async {
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A hook need not read; one that has closed its input is none the worse. Dropping ends the document.
                let _ = stdin.write_all(document.as_bytes()).await;
            }
        };
        tokio::join!(feed, keep(said, &kept));
    };
    tokio::pin!(talk);
    let mut talking = true;
    let ending = async {
        loop {
            tokio::select! {
                status = child.wait() => return status,
                () = &mut talk, if talking => talking = false,
            }
        }
    };
    let status = timeout(Duration::from_millis(limits.timeout_ms), ending).await;
    // Also after a good end: what a hook has started ends with it, and no pipe is left open.
    drop(group);
    if status.is_err() {
        // A killed process is gone at once, unless it hangs inside of the kernel; then it is not ours to wait for.
        let _ = timeout(Duration::from_millis(LAST_WORDS_MS), child.wait()).await;
    }
    if talking {
        let _ = timeout(Duration::from_millis(LAST_WORDS_MS), talk).await;
    }
    let outcome = match status {
        Err(_) => HookOutcome::TimedOut,
        Ok(Ok(status)) => ended(status),
        Ok(Err(e)) => HookOutcome::CouldNotStart(why(&e)),
    };
    (outcome, kept.text())
}

/// Starts the hook. Standard output and error are one pipe, so that what it says stays in order.
async fn spawn(path: &Path, point: HookPoint) -> Result<(Child, Receiver), std::io::Error> {
    let mut tries = 0;
    loop {
        let (said, output) = std::io::pipe()?;
        let mut command = Command::new(path);
        command
            .env_clear()
            .envs(environment(point))
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .kill_on_drop(true);
        if let Some(folder) = path.parent() {
            command.current_dir(folder);
        }
        match command.spawn() {
            // Someone is saving the hook this very moment, or a fork of ours still holds it open.
            Err(e) if e.kind() == ErrorKind::ExecutableFileBusy && tries < BUSY_TRIES => {
                tries += 1;
                sleep(Duration::from_millis(BUSY_WAIT_MS)).await;
            }
            other => return Ok((other?, Receiver::from_owned_fd(said.into())?)),
        }
    }
}

/// All that a hook learns about ours: where programs are, whose home it is, and at which point it runs.
fn environment(point: HookPoint) -> Vec<(&'static str, OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let lang = std::env::var_os("LANG").unwrap_or_else(|| "C.UTF-8".into());
    let mut environment = vec![("PATH", path), ("LANG", lang), ("SOFTLANDING_EVENT", point.as_str().into())];
    environment.extend(std::env::var_os("HOME").map(|home| ("HOME", home)));
    environment
}

fn why(e: &std::io::Error) -> String {
    match e.kind() {
        ErrorKind::NotFound => "the program named in its first line does not exist".to_owned(),
        ErrorKind::PermissionDenied => "it may not be executed by this user".to_owned(),
        _ if e.raw_os_error() == Some(8) => "it has no first line such as #!/bin/sh".to_owned(), // ENOEXEC
        _ => e.to_string(),
    }
}

fn ended(status: ExitStatus) -> HookOutcome {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(0), _) => HookOutcome::Ok,
        (Some(code), _) => HookOutcome::Exit(code),
        (None, Some(signal)) => HookOutcome::Signal(signal),
        (None, None) => HookOutcome::CouldNotStart("it ended in an unknown way".to_owned()),
    }
}

/// The hook's process group; dropping kills it, so that no way out of [`run`] leaves it alive.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Group {
        // The group's number is that of its first process.
        Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It fails when nothing of the group is left, which is what was wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Reads to the end. What does not fit is read and thrown away, so that a chatty hook can finish; slowly, so that one
/// that writes for ever does not take a processor away from the publish.
async fn keep(mut pipe: Receiver, kept: &Kept) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(n @ 1..) = pipe.read(&mut buffer).await {
        if kept.add(buffer.get(..n).unwrap_or_default()) == Fit::Full {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Whole,
    Full,
}

/// The beginning of what a hook has written.
struct Kept {
    bytes_max: usize,
    inner: Mutex<(Vec<u8>, u64)>,
}

impl Kept {
    fn new(bytes_max: usize) -> Kept {
        Kept { bytes_max, inner: Mutex::new((Vec::new(), 0)) }
    }
    fn add(&self, new: &[u8]) -> Fit {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (bytes, dropped) = &mut *inner;
        let room = self.bytes_max.saturating_sub(bytes.len()).min(new.len());
        bytes.extend(new.iter().take(room));
        *dropped += (new.len() - room) as u64;
        if *dropped == 0 { Fit::Whole } else { Fit::Full }
    }
    fn text(&self) -> String {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = printable(&String::from_utf8_lossy(&inner.0));
        if inner.1 > 0 {
            text.push_str(&format!("\n[cut after {} bytes]", self.bytes_max));
        }
        text
    }
}

/// Without what could move a terminal's cursor or turn the direction of writing.
fn printable(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .filter(|&c| c == '\n' || c == '\t' || !(c.is_control() || turns(c)))
        .collect::<String>()
        .trim_end()
        .to_owned()
}
