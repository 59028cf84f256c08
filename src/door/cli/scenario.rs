//! Finds a scenario: one that comes with the program, by name, or a file.
//!
//! Must never: take a mistyped name for a file that happens to be missing without saying what names there are.

use std::path::Path;

use crate::door::error::{ExitCode, Failure};
use crate::twin::Scenario;
use crate::words::nearest::nearest;

/// The largest scenario file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The scenario of this name, or in this file.
pub(super) fn find(name_or_file: &str) -> Result<Scenario, Failure> {
    if let Some(scenario) = Scenario::named(name_or_file) {
        return Ok(scenario);
    }
    let path = Path::new(name_or_file);
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() && meta.len() <= FILE_BYTES_MAX => read(path),
        Ok(meta) => {
            let found = if meta.is_file() { format!("{} bytes", meta.len()) } else { "no file".to_owned() };
            let message = format!("{name_or_file} is not a scenario: found {found}");
            Err(Failure::new(ExitCode::Usage, message).hint("a scenario is a TOML file of up to 1 MiB"))
        }
        Err(_) => Err(unknown(name_or_file)),
    }
}

fn read(path: &Path) -> Result<Scenario, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        Failure::new(ExitCode::Access, format!("the scenario {} cannot be read", path.display())).because(e)
    })?;
    Scenario::from_toml(&text).map_err(|e| {
        Failure::new(ExitCode::Config, format!("the scenario {} is not right", path.display()))
            .because(e)
            .hint("the files in src/twin/scenarios explain each setting")
    })
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = Scenario::names().into_iter().map(|(name, _)| name).collect();
    let meant = nearest(name, names.iter().copied()).map(|name| format!("did you mean {name}? "));
    Failure::new(ExitCode::Usage, format!("there is no scenario {name:?}, and no such file")).hint(format!(
        "{}the scenarios are {}",
        meant.unwrap_or_default(),
        names.join(", ")
    ))
}

/// Names and stories, for `--list-scenarios`.
pub(super) fn list() -> Vec<String> {
    let line = |(name, story): (&str, String)| {
        let story = story.strip_prefix(&format!("{name}: ")).unwrap_or(&story).to_owned();
        format!("  {name:<14} {story}")
    };
    Scenario::names().into_iter().map(line).collect()
}
