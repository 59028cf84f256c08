//! `softlanding init`: writes a commented configuration.
//!
//! Must never: overwrite a file unasked, or write a secret into the configuration.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::door::cli::args::InitArgs;
use crate::door::cli::{init_twin, out};
use crate::door::config::TEMPLATE;
use crate::door::error::{ExitCode, Failure};

pub(super) async fn init(args: &InitArgs) -> Result<ExitCode, Failure> {
    let file = &args.config.config;
    if let Some(url) = &args.twin {
        return init_twin::init(file, url, existing(args)).await;
    }
    write(file, TEMPLATE.as_bytes(), 0o644, existing(args))?;
    out::say([
        format!("Wrote {}.", file.display()),
        "Set [org] region, client_id and where the client_secret is, then stage a publish:".to_owned(),
        "  softlanding stage --business-unit NAME --week next --at \"Friday 16:00 CST\"".to_owned(),
    ]);
    Ok(ExitCode::Done)
}

fn existing(args: &InitArgs) -> Existing {
    if args.force { Existing::Overwrite } else { Existing::Keep }
}

/// What happens to a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    /// It stays, and the command is refused.
    Keep,
    /// It was asked for that it is overwritten.
    Overwrite,
}

/// Writes a file with these permissions.
pub(super) fn write(file: &Path, text: &[u8], mode: u32, existing: Existing) -> Result<(), Failure> {
    let unwritable = |e: std::io::Error| {
        if e.kind() == ErrorKind::AlreadyExists {
            return Failure::new(ExitCode::Refused, format!("{} exists already", file.display()))
                .hint("--force overwrites it; --config names another file");
        }
        Failure::new(ExitCode::Access, format!("{} cannot be written", file.display())).because(e)
    };
    if existing == Existing::Overwrite {
        match std::fs::remove_file(file) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(unwritable(e)),
        }
    }
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(file).map_err(unwritable)?;
    out.write_all(text).map_err(unwritable)
}
