//! Under somebody else's engine: what packaging/engines ships is held against each engine's own rules, and two of the engines,
//! a shell loop as cron runs it and Prefect, drive whole Fridays on a twin while they are killed.

mod support;

#[path = "engines/drive.rs"]
mod drive;
#[path = "engines/files.rs"]
mod files;
#[path = "engines/fridays.rs"]
mod fridays;

use std::path::{Path, PathBuf};

const REPEAT: &str = "to repeat: ./tests/run --test engines";

/// A file of the repository.
fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What was printed, without colours and on one line, when something is wrong and somebody must read it.
fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
