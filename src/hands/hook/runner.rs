//! Which hooks run at a point, in which order, and when to stop.
//!
//! Must never: fail or hang on account of a hook; what goes wrong with it is in the report.

use std::path::PathBuf;

use super::{FileState, list, process};
use crate::words::hook::{HookOutcome, HookPoint, HookReport, HookRun};

/// What a hook may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookLimits {
    /// How long one hook may run, in milliseconds of real time.
    pub timeout_ms: u64,
    /// How much of its output is kept, in bytes.
    pub output_bytes_max: usize,
}

impl Default for HookLimits {
    /// 30 seconds and 16 KiB.
    fn default() -> Self {
        HookLimits { timeout_ms: 30_000, output_bytes_max: 16 * 1024 }
    }
}

/// The hooks of an organisation: executables in `<point>.d/` folders.
#[derive(Debug, Clone)]
pub struct Hooks {
    dir: PathBuf,
    limits: HookLimits,
}

impl Hooks {
    /// The hooks in `dir`. The folder, and each point's, may be missing: then there are none.
    #[must_use]
    pub fn new(dir: PathBuf, limits: HookLimits) -> Hooks {
        // A hook runs in its own folder, so a path that depends on ours would lead elsewhere.
        let dir = std::path::absolute(&dir).unwrap_or(dir);
        Hooks { dir, limits }
    }

    /// The names of the hooks that would run at `point`, in order.
    ///
    /// # Errors
    /// Why the point's folder cannot be read, as a fragment.
    pub fn names(&self, point: HookPoint) -> Result<Vec<String>, String> {
        let hooks = list::hooks(&self.folder(point)).map_err(|e| e.to_string())?;
        Ok(hooks.iter().map(|path| list::name(path)).collect())
    }

    /// The names of the files at `point` that are no hooks only because they are not executable.
    ///
    /// # Errors
    /// Why the point's folder cannot be read, as a fragment.
    pub fn not_executable(&self, point: HookPoint) -> Result<Vec<String>, String> {
        let files = list::not_executable(&self.folder(point)).map_err(|e| e.to_string())?;
        Ok(files.iter().map(|path| list::name(path)).collect())
    }

    /// Everything in the point's folder by name, in order, with what becomes of it.
    ///
    /// # Errors
    /// Why the point's folder cannot be read, as a fragment.
    pub fn files(&self, point: HookPoint) -> Result<Vec<(String, FileState)>, String> {
        let files = list::files(&self.folder(point)).map_err(|e| e.to_string())?;
        Ok(files.iter().map(|file| (list::name(&file.path), file.state)).collect())
    }

    /// Runs one hook of `point` by its name, with `document` on its standard input.
    pub async fn run_one(&self, point: HookPoint, name: &str, document: &serde_json::Value) -> HookRun {
        let path = self.folder(point).join(name);
        let (outcome, output) = process::run(&path, point, &document.to_string(), self.limits).await;
        HookRun { name: name.to_owned(), outcome, output }
    }

    /// Runs the hooks of `point`, one after the other in order of their names, each with `document` on its standard
    /// input. At a point that vetoes, the first failure is the last hook to run.
    ///
    /// Never fails and never hangs: what goes wrong with a hook is in the report. When the returned future is dropped,
    /// the running hook is killed with everything that it has started.
    pub async fn run(&self, point: HookPoint, document: &serde_json::Value) -> HookReport {
        let folder = self.folder(point);
        let mut report = HookReport { point, hooks: Vec::new() };
        let paths = match list::hooks(&folder) {
            Ok(paths) => paths,
            Err(e) => {
                // Hooks that cannot be listed may include one that would have vetoed.
                let outcome = HookOutcome::CouldNotStart(e.to_string());
                report.hooks.push(HookRun { name: list::name(&folder), outcome, output: String::new() });
                return report;
            }
        };
        if paths.is_empty() {
            return report;
        }
        let document = document.to_string();
        for path in paths {
            let (outcome, output) = process::run(&path, point, &document, self.limits).await;
            report.hooks.push(HookRun { name: list::name(&path), outcome, output });
            if report.veto().is_some() {
                break;
            }
        }
        report
    }

    fn folder(&self, point: HookPoint) -> PathBuf {
        self.dir.join(format!("{point}.d"))
    }
}
