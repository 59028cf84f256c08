//! What happens when softlanding itself is at fault.
//!
//! Must never: print more than a line, or quote what may be a secret.

use std::io::Write;

use crate::door::error::ExitCode;

/// From now on a panic prints one line and ends the process with the code for our bugs. The journal holds everything that
/// was announced, so ending at once loses nothing.
pub fn report_bugs() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(String::new(), |at| format!(" at {}:{}", at.file(), at.line()));
        let version = env!("CARGO_PKG_VERSION");
        let _ = writeln!(
            std::io::stderr(),
            "error: this is a bug in softlanding {version}{place}; please report it. The journal is intact: the run can be taken up again"
        );
        std::process::exit(ExitCode::Bug.number().into());
    }));
}
