//! Which files of a folder are hooks, and in which order they run.
//!
//! Must never: take a document, a backup or a disabled hook for a hook.

use std::io::{Error, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The hooks in `folder`, in order of their names. A folder that does not exist has none.
pub(super) fn hooks(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(files(folder)?.into_iter().filter(|file| file.executable).map(|file| file.path).collect())
}

/// The files in `folder` that would be hooks if they were executable: somebody may have forgotten to make them so.
pub(super) fn not_executable(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(files(folder)?.into_iter().filter(|file| !file.executable).map(|file| file.path).collect())
}

/// A file that is not set aside.
struct File {
    path: PathBuf,
    executable: bool,
}

fn files(folder: &Path) -> Result<Vec<File>, Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut paths = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths.into_iter().filter_map(file).collect())
}

/// A path's last part, for people.
pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn file(path: PathBuf) -> Option<File> {
    let name = name(&path);
    let set_aside = name.starts_with(['.', '_']) || [".disabled", ".md", "~"].iter().any(|end| name.ends_with(end));
    // Follows links; one that leads nowhere is no hook.
    let meta = path.metadata().ok().filter(|meta| meta.is_file() && !set_aside)?;
    Some(File { path, executable: meta.permissions().mode() & 0o111 != 0 })
}
