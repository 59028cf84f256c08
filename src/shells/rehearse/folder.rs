//! The folder of a rehearsal: journal, vault and reports; made anew each time.
//!
//! Must never: delete anything from a folder that does not carry the marker of a rehearsal.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Marks a folder as one that the next rehearsal may replace.
pub const MARKER: &str = ".softlanding-rehearsal";

/// A fresh folder.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// Why there is no fresh folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It holds something that no rehearsal put there.
    #[error("{} is not empty, and no rehearsal made it", .0.display())]
    Foreign(PathBuf),
    /// It could not be made.
    #[error("{} cannot be made anew", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl Folder {
    /// A fresh folder at `path`. What an earlier rehearsal left there is deleted; anything else is left alone.
    ///
    /// # Errors
    /// [`FolderError`]; nothing has been deleted when the folder is not a rehearsal's.
    pub fn fresh(path: &Path) -> Result<Folder, FolderError> {
        let io = |source| FolderError::Io { path: path.to_owned(), source };
        match std::fs::symlink_metadata(path) {
            Ok(meta) if !meta.is_dir() => return Err(FolderError::Foreign(path.to_owned())),
            Ok(_) if path.join(MARKER).is_file() => std::fs::remove_dir_all(path).map_err(io)?,
            Ok(_) if std::fs::read_dir(path).map_err(io)?.next().is_some() => {
                return Err(FolderError::Foreign(path.to_owned()));
            }
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(io(e)),
        }
        std::fs::create_dir_all(path).map_err(io)?;
        std::fs::write(path.join(MARKER), "made by `softlanding rehearse`, which replaces this folder\n")
            .map_err(io)?;
        Ok(Folder { path: path.to_owned() })
    }
    /// The folder itself; the reports go here.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// The journal's file.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.db")
    }
    /// The vault's file.
    #[must_use]
    pub fn vault(&self) -> PathBuf {
        self.path.join("vault.db")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("softlanding-folder-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn only_a_rehearsals_own_folder_is_replaced() {
        let path = scratch("own");
        let folder = Folder::fresh(&path).unwrap();
        std::fs::write(folder.journal(), "old").unwrap();
        let again = Folder::fresh(&path).unwrap();
        assert!(!again.journal().exists() && path.join(MARKER).exists());
        std::fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn a_foreign_folder_or_file_is_left_alone() {
        let path = scratch("foreign");
        std::fs::create_dir_all(&path).unwrap();
        let mine = path.join("thesis.txt");
        std::fs::write(&mine, "years of work").unwrap();
        assert!(matches!(Folder::fresh(&path), Err(FolderError::Foreign(_))));
        assert!(matches!(Folder::fresh(&mine), Err(FolderError::Foreign(_))));
        assert_eq!(std::fs::read_to_string(&mine).unwrap(), "years of work");
        std::fs::remove_dir_all(&path).unwrap();
    }
}
