//! Being asked to stop: Ctrl-C and SIGTERM.
//!
//! Must never: end the process by itself; whoever listens ends in order.

use tokio::signal::unix::{SignalKind, signal};

use crate::door::error::{ExitCode, Failure};

/// Completes when the process is asked to stop. Listening begins with the call, not with the first poll.
///
/// # Errors
/// When the system does not let signals be heard.
pub(super) fn asked() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let refused = |e: std::io::Error| Failure::new(ExitCode::Bug, "signals cannot be heard").because(e);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
