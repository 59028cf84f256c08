//! What can go wrong with a place where things are kept, a file or a database server, in words for both.
//!
//! Must never: show a password, or call a write refused that may have taken effect.

use std::path::Path;

/// The cause of a failure, as its library tells it.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why a store of ours could not be opened, read or written.
///
/// `name` is "journal" or "vault"; `place` a file's path, or a server's address without its password.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such store, and none was to be made.
    #[error("there is no {name} at {place}")]
    Missing {
        /// "journal" or "vault".
        name: &'static str,
        /// Where it was looked for.
        place: String,
    },
    /// The address of a server cannot be read. It is not shown, since it may hold a password.
    #[error("the {name}'s address is not that of a PostgreSQL database: {why}")]
    BadAddress {
        /// "journal".
        name: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The file is no SQLite database.
    #[error("{place} is not a database, so it cannot be the {name}")]
    NotADatabase {
        /// "journal" or "vault".
        name: &'static str,
        /// The file.
        place: String,
    },
    /// The database is something else's, or holds tables of our names that are not ours.
    #[error("{place} is the database of something else, not softlanding's {name}")]
    NotOurs {
        /// "journal" or "vault".
        name: &'static str,
        /// The file or the server.
        place: String,
    },
    /// The store was written by a newer softlanding; it has been left as it was.
    #[error("the {name} {place} has version {found}; this softlanding reads up to version {accepted}")]
    Newer {
        /// "journal" or "vault".
        name: &'static str,
        /// The file or the server.
        place: String,
        /// The version that was found.
        found: i64,
        /// The newest version that is understood.
        accepted: i64,
    },
    /// The file is damaged; it has been left as it was.
    #[error("the {name} {place} is damaged: {why}")]
    Damaged {
        /// "journal" or "vault".
        name: &'static str,
        /// The file.
        place: String,
        /// What was found first.
        why: String,
    },
    /// The store may not be written.
    #[error("the {name} {place} cannot be written")]
    ReadOnly {
        /// "journal" or "vault".
        name: &'static str,
        /// The file or the server.
        place: String,
    },
    /// Others than its owner can read or change the file; it has not been opened.
    #[error("others than its owner can read or change the {name} {place}")]
    Exposed {
        /// "vault".
        name: &'static str,
        /// The file.
        place: String,
    },
    /// The file is not the one that was opened: somebody has put another in its place. Nothing was done.
    #[error("another file stands at {place} than the {name} that was opened")]
    Replaced {
        /// "journal" or "vault".
        name: &'static str,
        /// The file.
        place: String,
    },
    /// The store could not be made or reached: nothing was done.
    #[error("the {name} {place} cannot be opened")]
    Unreachable {
        /// "journal" or "vault".
        name: &'static str,
        /// The file or the server.
        place: String,
        /// What to do about it, as one sentence.
        hint: &'static str,
        /// What the system or the server said.
        source: Cause,
    },
    /// A server gave no answer in time, or the connection broke. What was asked may have taken effect.
    #[error("the {name} {place} does not answer")]
    Lost {
        /// "journal".
        name: &'static str,
        /// The server.
        place: String,
        /// What happened to the connection.
        source: Cause,
    },
    /// Another process kept the store locked for longer than a few seconds.
    #[error("the {name} is locked by another process")]
    Busy {
        /// "journal" or "vault".
        name: &'static str,
    },
    /// Anything else that the database reports, such as a full disk.
    #[error("{doing} failed")]
    Sql {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
}

impl StoreError {
    /// What to do about it, as one sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            StoreError::Missing { .. } => "check its place in softlanding.toml",
            StoreError::BadAddress { .. } => "write it as postgres://USER@HOST:PORT/DATABASE",
            StoreError::NotADatabase { .. } | StoreError::NotOurs { .. } => {
                "name another place in softlanding.toml; nothing there has been changed"
            }
            StoreError::Newer { .. } => "use the softlanding that wrote it, or a newer one; it has not been changed",
            StoreError::Damaged { .. } => {
                "keep a copy of the file and restore it from a backup; it has not been changed"
            }
            StoreError::ReadOnly { .. } => {
                "make it (a file: and its folder) writable for the user that softlanding runs or connects as"
            }
            StoreError::Exposed { .. } => {
                "chmod 600 it; what stands in it is sealed, so look to its key if others may have read both"
            }
            StoreError::Replaced { .. } => "start softlanding again, so that it opens the file that is there now",
            StoreError::Unreachable { hint, .. } => hint,
            StoreError::Lost { .. } => "look at the server and the network to it; then take the run up again",
            StoreError::Busy { .. } => "another softlanding is writing to it; let it finish, or stop it",
            StoreError::Sql { .. } => "check the disk's free space and health; keep a copy of the store",
        }
    }

    /// Whether asking again later may help.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            StoreError::Unreachable { .. }
            | StoreError::Lost { .. }
            | StoreError::Busy { .. }
            | StoreError::ReadOnly { .. }
            | StoreError::Missing { .. }
            | StoreError::Replaced { .. }
            | StoreError::Sql { .. } => true,
            StoreError::BadAddress { .. }
            | StoreError::NotADatabase { .. }
            | StoreError::NotOurs { .. }
            | StoreError::Newer { .. }
            | StoreError::Exposed { .. }
            | StoreError::Damaged { .. } => false,
        }
    }

    /// A file that could not be made or reached.
    pub(super) fn unreachable_file(name: &'static str, path: &Path, source: std::io::Error) -> StoreError {
        let hint = "make sure that its folder exists and may be entered";
        StoreError::Unreachable { name, place: place_of(path), hint, source: source.into() }
    }
}

/// A file as a place.
pub(super) fn place_of(path: &Path) -> String {
    path.display().to_string()
}
