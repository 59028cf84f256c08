//! How softlanding uses a PostgreSQL server: connections that never wait longer than they may, and a schema of its own.
//!
//! Must never: leave a lock behind in a connection that nobody reads from, show a password, or change tables that are
//! not its own or that a newer softlanding has written.

use std::future::Future;
use std::io::ErrorKind;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use crate::hands::store::{Cause, StoreError};
use crate::words::secret::Secret;

/// Connections at the same time, opened as they are needed.
const CONNECTIONS_MAX: usize = 5;
/// So many beside them for long reads, which must not keep the renewal of a lease waiting.
const CONNECTIONS_READ: usize = 3;
/// And so many beside them for those in a hurry, who do not wait for the others.
const CONNECTIONS_FIRST: usize = 4;

/// Asks a [`Server`] with a statement and its values; `fetch` is how its rows are fetched. Whoever fetches one row hears of the
/// commit as well: this driver, unlike that of SQLite, reads on until the server is ready for the next question.
macro_rules! ask {
    ($server:expr, $hurry:expr, $doing:expr, $fetch:ident, $query:expr) => {
        $server.ask($hurry, $doing, async |mut db: sqlx::PgConnection| {
            let answer = $query.$fetch(&mut db).await;
            (db, answer)
        })
    };
}
pub(super) use ask;

/// How much hurry a question is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hurry {
    /// It waits for its turn.
    Usual,
    /// It takes long, and waits for others that do.
    Long,
    /// It goes before everybody: its instant cannot be moved.
    First,
}

/// How long is waited for the server, in milliseconds. A process that waits longer than its lease runs has lost it, so
/// these are shorter than any lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a connection.
    pub(super) connect_ms: u64,
    /// For a whole question, connection included.
    pub(super) ask_ms: u64,
    /// For reading a whole run or many.
    pub(super) read_ms: u64,
}

impl Patience {
    pub(super) const USUAL: Patience = Patience { connect_ms: 3_000, ask_ms: 4_000, read_ms: 20_000 };
}

/// What holds for each connection, whatever the server's own defaults are.
///
/// A commit is reported once it is on disk (`remote_apply` promises more, so it stays). The server gives up waiting for a lock
/// before we do, so that a refused write is known as such; a statement that it has begun may still be done after we have given
/// up, which the place in the run's sequence makes harmless. It ends the session of a process that has vanished.
const SESSION: &str = "
    SELECT set_config('synchronous_commit',
        CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false);
    SET default_transaction_isolation = 'read committed';
    SET lock_timeout = '2s';
    SET statement_timeout = '20s';
    SET idle_in_transaction_session_timeout = '5s';
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 2;
    SET tcp_keepalives_count = 3;
    SET tcp_user_timeout = '10s';";

/// What a database of ours looks like.
#[derive(Debug, Clone, Copy)]
pub(super) struct PgSchema {
    /// What it is to a person: "journal".
    pub(super) name: &'static str,
    /// The table that holds the version, in one row.
    pub(super) version_table: &'static str,
    /// The other tables: when one of them is there without a version, the database is somebody else's.
    pub(super) tables: &'static [&'static str],
    /// The steps that lead from an empty database to the newest version; the version is their number.
    pub(super) steps: &'static [&'static str],
    /// The number of the lock under which the steps are taken.
    pub(super) lock: i64,
}

impl PgSchema {
    fn version(&self) -> i64 {
        i64::try_from(self.steps.len()).unwrap_or(i64::MAX)
    }
}

/// What to do when the database holds nothing of ours yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfEmpty {
    /// Make the tables.
    Create,
    /// Refuse.
    Refuse,
}

/// A database on a server.
///
/// Idle connections are kept in a list of our own. A pool that tests a connection when it is given back would wait for
/// a cut network as long as TCP repeats, a quarter of an hour; here a connection whose question was not answered in
/// time is simply dropped, and with it all others, which have gone the same way.
pub(super) struct Server {
    name: &'static str,
    place: String,
    options: PgConnectOptions,
    patience: Patience,
    idle: Mutex<Vec<PgConnection>>,
    seats: Semaphore,
    seats_read: Semaphore,
    seats_first: Semaphore,
}

impl std::fmt::Debug for Server {
    /// The options hold the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Server {
    /// Connects to the database at `url` and brings our tables up to date.
    pub(super) async fn open(
        url: &str,
        password: Option<&Secret>,
        schema: PgSchema,
        if_empty: IfEmpty,
        patience: Patience,
    ) -> Result<Server, StoreError> {
        let options = options(url, password, schema.name)?;
        let server = Server {
            name: schema.name,
            place: place_of(&options),
            options,
            patience,
            idle: Mutex::new(Vec::new()),
            seats: Semaphore::new(CONNECTIONS_MAX),
            seats_read: Semaphore::new(CONNECTIONS_READ),
            seats_first: Semaphore::new(CONNECTIONS_FIRST),
        };
        let mut db = server.connect().await?;
        server.within(patience.read_ms, server.prepare(&mut db, schema, if_empty)).await?;
        server.idle.lock().await.push(db);
        Ok(server)
    }

    /// Asks one question on a connection of its own: `question` gets the connection and gives it back with the answer.
    pub(super) async fn ask<T, Q, F>(&self, hurry: Hurry, doing: &'static str, question: Q) -> Result<T, StoreError>
    where
        Q: FnOnce(PgConnection) -> F,
        F: Future<Output = (PgConnection, Result<T, sqlx::Error>)>,
    {
        self.within(self.patience.ask_ms, self.ask_patiently(hurry, doing, question)).await
    }

    /// The same for a question with a long answer.
    pub(super) async fn read<T, Q, F>(&self, doing: &'static str, question: Q) -> Result<T, StoreError>
    where
        Q: FnOnce(PgConnection) -> F,
        F: Future<Output = (PgConnection, Result<T, sqlx::Error>)>,
    {
        self.within(self.patience.read_ms, self.ask_patiently(Hurry::Long, doing, question)).await
    }

    async fn ask_patiently<T, Q, F>(&self, hurry: Hurry, doing: &'static str, question: Q) -> Result<T, StoreError>
    where
        Q: FnOnce(PgConnection) -> F,
        F: Future<Output = (PgConnection, Result<T, sqlx::Error>)>,
    {
        let seats = match hurry {
            Hurry::Usual => &self.seats,
            Hurry::Long => &self.seats_read,
            Hurry::First => &self.seats_first,
        };
        let _seat = seats.acquire().await.map_err(|e| self.lost(e.into()))?;
        // Whoever stops waiting here drops the connection, so that no half-read answer is ever taken for another.
        let (db, answer) = question(self.connection().await?).await;
        match &answer {
            Ok(_) => self.idle.lock().await.push(db),
            Err(e) if e.as_database_error().is_some() && !ends_the_session(e) => self.idle.lock().await.push(db),
            Err(_) => self.forget_idle().await,
        }
        answer.map_err(|e| self.error(doing, e))
    }

    /// A connection that has just answered.
    async fn connection(&self) -> Result<PgConnection, StoreError> {
        let idle = self.idle.lock().await.pop();
        if let Some(mut db) = idle {
            // A way that was cut may swallow the question; a long read must not spend its patience on that.
            let ping = timeout(Duration::from_millis(self.patience.connect_ms), db.ping()).await;
            if matches!(ping, Ok(Ok(()))) {
                return Ok(db);
            }
            self.forget_idle().await;
        }
        self.connect().await
    }

    async fn connect(&self) -> Result<PgConnection, StoreError> {
        let connecting = async {
            let mut db = self.options.connect().await?;
            sqlx::raw_sql(SESSION).execute(&mut db).await?;
            Ok(db)
        };
        match timeout(Duration::from_millis(self.patience.connect_ms), connecting).await {
            Ok(connected) => connected.map_err(|e| self.unreachable(e)),
            Err(_) => Err(self.unreachable(sqlx::Error::Io(ErrorKind::TimedOut.into()))),
        }
    }

    async fn forget_idle(&self) {
        self.idle.lock().await.clear();
    }

    async fn within<T>(&self, ms: u64, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        match timeout(Duration::from_millis(ms), work).await {
            Ok(result) => result,
            Err(_) => {
                self.forget_idle().await;
                Err(self.lost(std::io::Error::from(ErrorKind::TimedOut).into()))
            }
        }
    }

    /// Brings the tables to the newest version in one transaction; a process that comes second finds nothing to do.
    async fn prepare(&self, db: &mut PgConnection, schema: PgSchema, if_empty: IfEmpty) -> Result<(), StoreError> {
        let sql = |e| self.error("bringing the database up to date", e);
        // Only reads, until it is clear that the tables are ours to change.
        match self.recognised_version(db, schema).await? {
            Some(found) if found == schema.version() => return Ok(()),
            None if if_empty == IfEmpty::Refuse => {
                return Err(StoreError::Missing { name: self.name, place: self.place.clone() });
            }
            Some(_) | None => {}
        }
        let mut tx = db.begin().await.map_err(sql)?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(schema.lock).execute(&mut *tx).await.map_err(sql)?;
        let found = self.recognised_version(&mut tx, schema).await?;
        let done = found.map_or(0, |found| usize::try_from(found).unwrap_or(usize::MAX));
        for step in schema.steps.iter().skip(done) {
            sqlx::raw_sql(*step).execute(&mut *tx).await.map_err(sql)?;
        }
        // Names of tables take no parameters; this one is our own.
        let mark = match found {
            Some(_) => format!("UPDATE {} SET version = $1", schema.version_table),
            None => format!("INSERT INTO {} (version) VALUES ($1)", schema.version_table),
        };
        sqlx::query(sqlx::AssertSqlSafe(mark)).bind(schema.version()).execute(&mut *tx).await.map_err(sql)?;
        tx.commit().await.map_err(sql)
    }

    /// The version of tables that are ours; nothing when there are none at all; every other database is refused.
    async fn recognised_version(&self, db: &mut PgConnection, schema: PgSchema) -> Result<Option<i64>, StoreError> {
        let sql = |e| self.error("reading the version of the database", e);
        let ours: Vec<&str> = schema.tables.iter().chain([&schema.version_table]).copied().collect();
        let present: Vec<String> = sqlx::query_scalar(
            "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY ($1)",
        )
        .bind(&ours)
        .fetch_all(&mut *db)
        .await
        .map_err(sql)?;
        if present.is_empty() {
            return Ok(None);
        }
        let not_ours = || StoreError::NotOurs { name: self.name, place: self.place.clone() };
        let look = format!("SELECT version FROM {}", schema.version_table);
        let versions = sqlx::query_scalar(sqlx::AssertSqlSafe(look)).fetch_all(db).await;
        let Ok([found]) = versions.as_deref() else {
            // Without the version there is no telling whose tables these are; a broken connection is told as such.
            return Err(versions.err().filter(|e| e.as_database_error().is_none()).map_or_else(not_ours, sql));
        };
        let (found, accepted): (i64, i64) = (*found, schema.version());
        if found > accepted {
            return Err(StoreError::Newer { name: self.name, place: self.place.clone(), found, accepted });
        }
        if found < 1 { Err(not_ours()) } else { Ok(Some(found)) }
    }

    fn error(&self, doing: &'static str, source: sqlx::Error) -> StoreError {
        if ends_the_session(&source) || source.as_database_error().is_none() && is_about_the_connection(&source) {
            return self.lost(source.into());
        }
        match sql_state(&source).as_deref() {
            Some(LOCK_NOT_AVAILABLE | QUERY_CANCELED) => StoreError::Busy { name: self.name },
            Some(READ_ONLY_TRANSACTION | INSUFFICIENT_PRIVILEGE) => {
                StoreError::ReadOnly { name: self.name, place: self.place.clone() }
            }
            _ => StoreError::Sql { doing, source },
        }
    }

    fn lost(&self, source: Cause) -> StoreError {
        StoreError::Lost { name: self.name, place: self.place.clone(), source }
    }

    fn unreachable(&self, source: sqlx::Error) -> StoreError {
        let hint = match sql_state(&source).as_deref() {
            Some(INVALID_PASSWORD | INVALID_AUTHORIZATION) => "check the user and the password",
            Some(UNKNOWN_DATABASE) => "make the database, or name the right one",
            Some(TOO_MANY_CONNECTIONS) => "the server has no connection left; raise max_connections or close some",
            _ => "make sure that the server runs and that its host and port are right",
        };
        StoreError::Unreachable { name: self.name, place: self.place.clone(), hint, source: source.into() }
    }
}

/// Codes of SQLSTATE that mean something of their own to us (postgresql.org/docs/current/errcodes-appendix.html).
const READ_ONLY_TRANSACTION: &str = "25006";
const INVALID_AUTHORIZATION: &str = "28000";
const INVALID_PASSWORD: &str = "28P01";
const UNKNOWN_DATABASE: &str = "3D000";
const INSUFFICIENT_PRIVILEGE: &str = "42501";
const TOO_MANY_CONNECTIONS: &str = "53300";
const LOCK_NOT_AVAILABLE: &str = "55P03";
const QUERY_CANCELED: &str = "57014";

fn sql_state(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// Classes 08 (connection) and 57P (the server goes down): what was under way may have been done.
fn ends_the_session(error: &sqlx::Error) -> bool {
    sql_state(error).is_some_and(|code| code.starts_with("08") || code.starts_with("57P"))
}

/// Whether it was the way to the server that failed, rather than what was said there.
fn is_about_the_connection(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_))
}

pub(super) fn options(
    url: &str,
    password: Option<&Secret>,
    name: &'static str,
) -> Result<PgConnectOptions, StoreError> {
    let bad = |why: String| StoreError::BadAddress { name, why };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(bad("it does not begin with postgres://".to_owned()));
    }
    let read = PgConnectOptions::from_str(url).map_err(|e| bad(e.to_string()))?;
    let read = read.application_name("softlanding").disable_statement_logging();
    Ok(match password {
        Some(password) => read.password(password.expose()),
        None => read,
    })
}

/// The address without the password.
fn place_of(options: &PgConnectOptions) -> String {
    let (user, database) = (options.get_username(), options.get_database().unwrap_or(options.get_username()));
    match options.get_socket() {
        Some(socket) => format!("postgres://{user}@{}/{database}", socket.display()),
        None => format!("postgres://{user}@{}:{}/{database}", options.get_host(), options.get_port()),
    }
}
