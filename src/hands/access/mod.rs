//! Who may use softlanding from outside: API keys, people's sessions, and which requests were answered already. It is kept
//! in the journal's database, so that replicas share it.
//!
//! - [`Role`]: what somebody may do.
//! - `keys`: API keys of machines; only a hash of each is kept.
//! - `sessions`: people who have signed in; only a hash of each cookie is kept, and no role: who may do what can change.
//! - `answers`: what was answered to a request with an idempotency key, and which webhooks came in.
//! - `file`, `tables`: where it is kept. The tables have the same names in SQLite and PostgreSQL, so that both are asked
//!   with the same statements.
//!
//! Sessions and answers live by the real time, whatever clock the runs follow.
//!
//! Must never: keep a key or a cookie in a form that opens anything.

mod answers;
mod error;
mod file;
mod keys;
mod role;
mod sessions;
pub(in crate::hands) mod tables;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use answers::{ANSWER_BYTES_MAX, Begun, Request};
pub use error::AccessError;
pub use keys::{KEY_PREFIX, KeyListed, name_is_fine};
pub use role::{Role, UnknownRole};
pub use sessions::{Session, csrf_of, is_csrf_of};

use self::file::File;
use crate::hands::journal::{POSTGRES_SCHEMA, SQLITE_SCHEMA};
use crate::hands::postgres::{IfEmpty, Patience, Server};
use crate::words::clock::Timestamp;
use crate::words::secret::Secret;

/// What is kept of those who may use softlanding.
#[derive(Debug)]
pub struct Access {
    place: Place,
}

/// Where it is kept.
#[derive(Debug)]
enum Place {
    Sqlite(Box<File>),
    Postgres(Box<Server>),
}

impl Access {
    /// Opens what is kept in the journal's file at `path`; makes the file when there is none.
    ///
    /// # Errors
    /// [`AccessError::Store`] when the file cannot be written, is something else, or is from a newer softlanding.
    pub async fn open(path: &Path) -> Result<Access, AccessError> {
        Ok(Access { place: Place::Sqlite(Box::new(File::open(path, SQLITE_SCHEMA).await?)) })
    }

    /// The same in the journal's database at `url`. `password` goes before one in the address.
    ///
    /// # Errors
    /// [`AccessError::Store`] when the server cannot be reached or refuses, or the database is something else's.
    pub async fn connect(url: &str, password: Option<&Secret>) -> Result<Access, AccessError> {
        let server = Server::open(url, password, POSTGRES_SCHEMA, IfEmpty::Create, Patience::USUAL).await?;
        Ok(Access { place: Place::Postgres(Box::new(server)) })
    }

    /// Takes away what is over: sessions, answers that nobody asks for again, webhooks that could not be sent again.
    ///
    /// # Errors
    /// Only [`AccessError::Store`].
    pub async fn sweep(&self, now: Timestamp) -> Result<(), AccessError> {
        self.sweep_sessions(now).await?;
        self.sweep_answers(now).await
    }
}

/// SHA-256 in hexadecimal: 256 random bits need no salt and no slow hash.
fn hash(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asks either kind of store with the same statement.
macro_rules! ask {
    ($access:expr, $doing:literal, $fetch:ident, $sql:expr $(, $value:expr)* $(,)?) => {
        match &$access.place {
            $crate::hands::access::Place::Sqlite(file) => {
                let mut line = file.line().await?;
                let query = sqlx::query_as::<sqlx::Sqlite, _>($sql)$(.bind($value))*;
                let answer = $crate::hands::sqlite::$fetch(query, &mut line.db).await;
                line.done($doing, answer).await
            }
            $crate::hands::access::Place::Postgres(server) => {
                let query = sqlx::query_as($sql)$(.bind($value))*;
                $crate::hands::postgres::ask!(server, $crate::hands::postgres::Hurry::Usual, $doing, $fetch, query).await
            }
        }
    };
}
use ask;
