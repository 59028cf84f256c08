//! systemd: ready, alive, stopping. Without it, nothing happens.
//!
//! Must never: fail because nobody supervises, or say "alive" from anywhere but the loop that does the work.

use sd_notify::{NotifyState, notify};

/// Everything is in place: the store answers, the configuration is read.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The loop goes on; how many runs it leads. systemd's watchdog restarts a process that stops saying so.
pub fn alive(led: usize) {
    let status = format!("leading {}", runs(led));
    tell(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
}

/// It has been asked to end.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// So many runs, in words.
#[must_use]
pub fn runs(count: usize) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

fn tell(state: &[NotifyState<'_>]) {
    // A supervisor that does not listen changes nothing about the work.
    let _unheard = notify(state);
}
