//! The program: reads the command line, carries the command out, prints a failure, and ends with a code.
//!
//! Must never: know more than that; `softlanding::door` does the rest.

use std::io::Write;

use clap::Parser;
use softlanding::door::cli::{Cli, report_bugs, run};
use softlanding::door::error::{ExitCode, Failure};

fn main() -> ExitCode {
    report_bugs();
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime
        .map_err(|e| Failure::new(ExitCode::Access, "the system gives no threads or sockets").because(e))
        .and_then(|runtime| runtime.block_on(run(cli)));
    ended.unwrap_or_else(|failure| {
        let _ = writeln!(std::io::stderr(), "{}", failure.render());
        failure.code
    })
}
