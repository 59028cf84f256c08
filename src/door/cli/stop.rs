//! Being asked to stop: Ctrl-C and SIGTERM.
//!
//! Must never: end the process at the first request; whoever listens ends in order. Who asks twice does not want to wait.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::door::error::{ExitCode, Failure};

/// Completes when the process is asked to stop. Listening begins with the call, not with the first poll. A second request
/// ends the process at once, which a run survives like any other crash.
///
/// # Errors
/// When the system does not let signals be heard.
pub(super) fn asked() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let refused = |e: std::io::Error| Failure::new(ExitCode::Bug, "signals cannot be heard").because(e);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    let (say, said) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let mut request = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        request().await;
        // Nobody may be listening any more; then the second request is what counts.
        let _ = say.send(());
        request().await;
        std::process::exit(i32::from(ExitCode::Interrupted.number()));
    });
    Ok(async move {
        // The task that says so lives as long as the process.
        let _ = said.await;
    })
}
