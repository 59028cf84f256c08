//! The journal's file, on a connection of its own: questions about access wait for each other and not for the runs' history.
//!
//! Must never: write to a file that is not in its place any more.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, MutexGuard};

use crate::hands::StoreError;
use crate::hands::sqlite::{Check, IfMissing, OpenFile, Schema, connect, open, sql};

/// The file.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    schema: Schema,
    file: OpenFile,
    db: Mutex<SqliteConnection>,
}

impl File {
    pub(super) async fn open(path: &Path, schema: Schema) -> Result<File, StoreError> {
        // Whoever keeps the journal reads all of it; here it is only brought up to date.
        let db = open(path, schema, IfMissing::Create, Check::UpTo(0)).await?;
        let file = OpenFile::at(path, schema)?;
        Ok(File { path: path.to_owned(), schema, file, db: Mutex::new(db) })
    }

    /// The connection, for one question.
    pub(super) async fn line(&self) -> Result<Line<'_>, StoreError> {
        let db = self.db.lock().await;
        self.file.check()?;
        Ok(Line { db, of: self })
    }
}

/// The connection while one question is asked.
pub(super) struct Line<'a> {
    pub(super) db: MutexGuard<'a, SqliteConnection>,
    of: &'a File,
}

impl Line<'_> {
    /// What the question brought. After a failure nobody knows what state the connection is in, so that the next one begins on
    /// a new one.
    pub(super) async fn done<T>(
        mut self,
        doing: &'static str,
        answer: Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let answer = answer.map_err(sql(self.of.schema.name, doing));
        if let Err(StoreError::Sql { .. }) = &answer
            && let Ok(fresh) = connect(&self.of.path, self.of.schema).await
            && self.of.file.check().is_ok()
        {
            *self.db = fresh;
        }
        answer
    }
}
