//! Which files of a folder are hooks, and in which order they run.
//!
//! Must never: take a document, a backup or a disabled hook for a hook.

use std::io::{Error, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What becomes of a file in a point's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// It runs.
    Runs,
    /// It would run if it were executable.
    NotExecutable,
    /// Its name says that it is not to run, or it is no file.
    SetAside,
}

/// The hooks in `folder`, in order of their names. A folder that does not exist has none.
pub(super) fn hooks(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    those(folder, FileState::Runs)
}

/// The files in `folder` that would be hooks if they were executable: somebody may have forgotten to make them so.
pub(super) fn not_executable(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    those(folder, FileState::NotExecutable)
}

fn those(folder: &Path, state: FileState) -> Result<Vec<PathBuf>, Error> {
    Ok(files(folder)?.into_iter().filter(|file| file.state == state).map(|file| file.path).collect())
}

/// Something in a point's folder.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) state: FileState,
}

/// Everything in `folder`, in order of the names.
pub(super) fn files(folder: &Path) -> Result<Vec<File>, Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut paths = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths.into_iter().map(file).collect())
}

/// A path's last part, for people.
pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn file(path: PathBuf) -> File {
    let name = name(&path);
    let set_aside = name.starts_with(['.', '_']) || [".disabled", ".md", "~"].iter().any(|end| name.ends_with(end));
    // Follows links; one that leads nowhere is no hook.
    let meta = path.metadata().ok().filter(|meta| meta.is_file() && !set_aside);
    let state = match meta.map(|meta| meta.permissions().mode() & 0o111 != 0) {
        None => FileState::SetAside,
        Some(true) => FileState::Runs,
        Some(false) => FileState::NotExecutable,
    };
    File { path, state }
}
