//! How softlanding opens its SQLite files and asks them: the journal and the vault alike.
//!
//! Must never: change a file that is not its own or that a newer softlanding has written; both are refused as found. Or take a
//! statement for done whose commit has failed.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::query::{QueryAs, QueryScalar};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow, SqliteSynchronous};
use sqlx::{Connection, FromRow, Sqlite, Transaction};

use crate::hands::StoreError;
use crate::hands::store::place_of;

/// How long a writer waits for another one, in milliseconds.
const BUSY_MS_MAX: u64 = 5_000;

/// SQLite's result codes that mean something of their own to us (sqlite.org/rescode.html).
const BUSY: i64 = 5;
const LOCKED: i64 = 6;
const READ_ONLY: i64 = 8;
const CORRUPT: i64 = 11;
const NOT_A_DATABASE: i64 = 26;

/// What a file of ours looks like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema {
    /// What it is to a person: "journal", "vault".
    pub(super) name: &'static str,
    /// SQLite's `application_id`: tells our files from others' and from each other.
    pub(super) application_id: i32,
    /// The steps that lead from an empty file to the newest version; the version is their number.
    pub(super) steps: &'static [&'static str],
}

impl Schema {
    fn version(&self) -> i64 {
        i64::try_from(self.steps.len()).unwrap_or(i64::MAX)
    }
}

/// What an error of SQLite means to the one who reads or writes.
pub(super) fn sql(name: &'static str, doing: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |source| match primary_code(&source) {
        Some(BUSY | LOCKED) => StoreError::Busy { name },
        _ => StoreError::Sql { doing, source },
    }
}

/// SQLite's primary result code: the low eight bits of the extended one (sqlite.org/rescode.html).
fn primary_code(error: &sqlx::Error) -> Option<i64> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i64>().ok().map(|code| code & 0xff)
}

/// What to do when there is no file yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfMissing {
    /// Make one, readable and writable for its owner only.
    Create,
    /// Refuse.
    Refuse,
}

/// How much of a file is read when it is opened, to find damage before anything is added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// All of it.
    Whole,
    /// All of a file that has at most so many bytes. Of a larger one SQLite sees by itself that it is one, and as long as
    /// it should be; whoever adds to it calls [`verify`] first.
    UpTo(u64),
}

/// Opens the file with the rules that hold for all of ours (WAL, every commit on disk before it is reported) and
/// brings an older version up to date.
pub(super) async fn open(
    path: &Path,
    schema: Schema,
    if_missing: IfMissing,
    check: Check,
) -> Result<SqliteConnection, StoreError> {
    let name = schema.name;
    prepare_file(path, name, if_missing)?;
    let mut db = connect(path, schema).await?;
    let recognise = |source| recognised_error(source, name, path);
    // Only reads, until it is clear that the file is ours to change.
    let found = recognised_version(&mut db, path, schema).await.map_err(|e| match e {
        StoreError::Sql { source, .. } => recognise(source),
        other => other,
    })?;
    if all_at_once(path, check) {
        verify(&mut db, name, path).await?;
    }
    enter_wal(&mut db).await.map_err(recognise)?;
    if found < schema.version() {
        migrate(&mut db, path, schema).await?;
    }
    Ok(db)
}

/// One more connection to a file that has been opened, under the same rules.
pub(super) async fn connect(path: &Path, schema: Schema) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(Duration::from_millis(BUSY_MS_MAX))
        .synchronous(SqliteSynchronous::Full);
    SqliteConnection::connect_with(&options).await.map_err(|source| recognised_error(source, schema.name, path))
}

/// A file that is held open, by its place and by what stood there when it was opened.
#[derive(Debug)]
pub(super) struct OpenFile {
    name: &'static str,
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl OpenFile {
    /// The file that stands at `path` now.
    pub(super) fn at(path: &Path, schema: Schema) -> Result<OpenFile, StoreError> {
        let unreachable = |source| StoreError::unreachable_file(schema.name, path, source);
        let meta = std::fs::metadata(path).map_err(unreachable)?;
        Ok(OpenFile { name: schema.name, path: path.to_owned(), device: meta.dev(), inode: meta.ino() })
    }
    /// Whether it still stands there.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let (name, path) = (self.name, &self.path);
        match std::fs::metadata(path) {
            Ok(meta) if (meta.dev(), meta.ino()) == (self.device, self.inode) => Ok(()),
            Ok(_) => Err(StoreError::Replaced { name, place: place_of(path) }),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(StoreError::Missing { name, place: place_of(path) }),
            Err(e) => Err(StoreError::unreachable_file(name, path, e)),
        }
    }
}

/// Opens the file only to look, without bringing it up to date; returns its version as well, 0 for one that is empty.
pub(super) async fn look(path: &Path, schema: Schema) -> Result<(SqliteConnection, i64), StoreError> {
    let name = schema.name;
    prepare_file(path, name, IfMissing::Refuse)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .read_only(true)
        .busy_timeout(Duration::from_millis(BUSY_MS_MAX));
    let recognise = |source| recognised_error(source, name, path);
    let mut db = SqliteConnection::connect_with(&options).await.map_err(recognise)?;
    let version = recognised_version(&mut db, path, schema).await.map_err(|e| match e {
        StoreError::Sql { source, .. } => recognise(source),
        other => other,
    })?;
    Ok((db, version))
}

/// What SQLite's complaint about a file means.
fn recognised_error(source: sqlx::Error, name: &'static str, path: &Path) -> StoreError {
    let place = place_of(path);
    match primary_code(&source) {
        Some(NOT_A_DATABASE) => StoreError::NotADatabase { name, place },
        Some(READ_ONLY) => StoreError::ReadOnly { name, place },
        Some(CORRUPT) => StoreError::Damaged { name, place, why: source.to_string() },
        Some(BUSY | LOCKED) => StoreError::Busy { name },
        _ => {
            let hint = "check the disk's free space and health, and who may write there";
            StoreError::Unreachable { name, place, hint, source: source.into() }
        }
    }
}

/// Makes the file if it is missing and may be made, with mode 0600: it is ours before SQLite writes its first byte.
fn prepare_file(path: &Path, name: &'static str, if_missing: IfMissing) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let unreachable = |source| StoreError::unreachable_file(name, path, source);
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => return Err(unreachable(ErrorKind::IsADirectory.into())),
        // Without this, SQLite would open the file for reading and fail only at the first append.
        Ok(meta) if meta.permissions().readonly() => {
            return Err(StoreError::ReadOnly { name, place: place_of(path) });
        }
        Ok(_) => return Ok(()),
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(unreachable(e)),
    }
    if if_missing == IfMissing::Refuse {
        return Err(StoreError::Missing { name, place: place_of(path) });
    }
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        // Another process has made it in this very moment.
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(e) if e.kind() == ErrorKind::ReadOnlyFilesystem => {
            Err(StoreError::ReadOnly { name, place: place_of(path) })
        }
        Err(e) => Err(unreachable(e)),
    }
}

/// The version of a file that is ours or still empty; refuses every other.
async fn recognised_version(db: &mut SqliteConnection, path: &Path, schema: Schema) -> Result<i64, StoreError> {
    let name = schema.name;
    let sql = sql(name, "reading the version of the database");
    // One transaction, so that another process which makes the file at this moment is seen as a whole or not at all.
    let mut tx = db.begin().await.map_err(&sql)?;
    let application: i64 = fetch_one(sqlx::query_scalar("PRAGMA application_id"), &mut tx).await.map_err(&sql)?;
    let found: i64 = fetch_one(sqlx::query_scalar("PRAGMA user_version"), &mut tx).await.map_err(&sql)?;
    let things: i64 =
        fetch_one(sqlx::query_scalar("SELECT count(*) FROM sqlite_schema"), &mut tx).await.map_err(&sql)?;
    tx.commit().await.map_err(&sql)?;
    let empty = application == 0 && found == 0 && things == 0;
    if empty {
        return Ok(0);
    }
    if application != i64::from(schema.application_id) {
        return Err(StoreError::NotOurs { name, place: place_of(path) });
    }
    if found > schema.version() {
        return Err(StoreError::Newer { name, place: place_of(path), found, accepted: schema.version() });
    }
    Ok(found.max(0))
}

fn all_at_once(path: &Path, check: Check) -> bool {
    match check {
        Check::Whole => true,
        Check::UpTo(bytes) => std::fs::metadata(path).is_ok_and(|meta| meta.len() <= bytes),
    }
}

/// Reads every page once: a damaged file is found before anything is added to it, not on the night it is needed. Takes
/// about a second for each gigabyte, and the disk's time on top.
///
/// # Errors
/// [`StoreError::Damaged`] with what is wrong first.
pub(super) async fn verify(db: &mut SqliteConnection, name: &'static str, path: &Path) -> Result<(), StoreError> {
    let found: Result<String, sqlx::Error> = fetch_one(sqlx::query_scalar("PRAGMA quick_check(1)"), db).await;
    match found.map_err(|source| recognised_error(source, name, path))?.as_str() {
        "ok" => Ok(()),
        why => Err(StoreError::Damaged { name, place: place_of(path), why: why.to_owned() }),
    }
}

/// Switches to write-ahead logging. That needs the file alone for a moment and, unlike all else, does not wait for it.
async fn enter_wal(db: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    const STEP_MS: u64 = 20;
    let mut waited_ms = 0;
    loop {
        let entered: Result<String, sqlx::Error> =
            fetch_one(sqlx::query_scalar("PRAGMA journal_mode = WAL"), &mut *db).await;
        match entered {
            Err(e) if primary_code(&e) == Some(BUSY) && waited_ms < BUSY_MS_MAX => {
                tokio::time::sleep(Duration::from_millis(STEP_MS)).await;
                waited_ms += STEP_MS;
            }
            other => return other.map(drop),
        }
    }
}

/// Brings the file to the newest version in one transaction; a process that comes second finds nothing left to do.
async fn migrate(db: &mut SqliteConnection, path: &Path, schema: Schema) -> Result<(), StoreError> {
    let sql = sql(schema.name, "bringing the database up to date");
    let mut tx = begin(db).await.map_err(&sql)?;
    let found = recognised_version(&mut tx, path, schema).await?;
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    for step in schema.steps.iter().skip(done) {
        sqlx::raw_sql(*step).execute(&mut *tx).await.map_err(&sql)?;
    }
    // Pragmas take no parameters; both numbers are our own.
    let marks =
        format!("PRAGMA application_id = {}; PRAGMA user_version = {}", schema.application_id, schema.version());
    sqlx::raw_sql(sqlx::AssertSqlSafe(marks)).execute(&mut *tx).await.map_err(&sql)?;
    tx.commit().await.map_err(&sql)
}

/// Begins a transaction that holds the write lock from its first statement on: a transaction that reads first and
/// writes later can be refused in between, and SQLite would not even wait for it.
pub(super) async fn begin(db: &mut SqliteConnection) -> Result<Transaction<'_, Sqlite>, sqlx::Error> {
    db.begin_with("BEGIN IMMEDIATE").await
}

/// A statement with values, and the kind of its rows.
pub(super) trait Question: Send + Sized {
    type Row: Send;
    /// Its rows, once it has come to its end: where it stands alone, its commit included.
    fn rows<'a>(self, db: &'a mut SqliteConnection) -> BoxFuture<'a, Result<Vec<Self::Row>, sqlx::Error>>
    where
        Self: 'a;
}

impl<O> Question for QueryAs<'_, Sqlite, O, SqliteArguments>
where
    O: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
{
    type Row = O;
    fn rows<'a>(self, db: &'a mut SqliteConnection) -> BoxFuture<'a, Result<Vec<O>, sqlx::Error>>
    where
        Self: 'a,
    {
        Box::pin(self.fetch_all(db))
    }
}

impl<O> Question for QueryScalar<'_, Sqlite, O, SqliteArguments>
where
    O: Send + Unpin,
    (O,): for<'r> FromRow<'r, SqliteRow>,
{
    type Row = O;
    fn rows<'a>(self, db: &'a mut SqliteConnection) -> BoxFuture<'a, Result<Vec<O>, sqlx::Error>>
    where
        Self: 'a,
    {
        Box::pin(self.fetch_all(db))
    }
}

/// Asks for all rows.
///
/// This and its two neighbours take the place of the driver's methods of the same names, which must not be used with SQLite
/// (`--test house` sees to it): `fetch_one` and `fetch_optional` stop at the first row. A write that returns a row commits only
/// after the last, and what they leave undone is done as the statement is cleared away, where nobody hears of a full disk.
pub(super) async fn fetch_all<Q: Question>(question: Q, db: &mut SqliteConnection) -> Result<Vec<Q::Row>, sqlx::Error> {
    question.rows(db).await
}

/// Asks for the first row, if there is any.
pub(super) async fn fetch_optional<Q: Question>(
    question: Q,
    db: &mut SqliteConnection,
) -> Result<Option<Q::Row>, sqlx::Error> {
    Ok(question.rows(db).await?.into_iter().next())
}

/// Asks for the first row; that there is none is an error.
pub(super) async fn fetch_one<Q: Question>(question: Q, db: &mut SqliteConnection) -> Result<Q::Row, sqlx::Error> {
    fetch_optional(question, db).await?.ok_or(sqlx::Error::RowNotFound)
}
