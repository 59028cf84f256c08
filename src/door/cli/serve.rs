//! `softlanding serve`.
//!
//! Must never: end while a step is in hand.

use crate::door::cli::args::ServeArgs;
use crate::door::error::{ExitCode, Failure};

pub(super) async fn serve(_args: &ServeArgs) -> Result<ExitCode, Failure> {
    Err(Failure::new(ExitCode::Bug, "not yet"))
}
