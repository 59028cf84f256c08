//! A database of its own for a test, on the server that `tests/run` starts.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Names the server, as `postgres://USER@HOST:PORT/DATABASE`; its user may make databases and roles.
pub const SERVER: &str = "SOFTLANDING_TEST_POSTGRES";

/// A new, empty database; gone once [`Database::close`] is called, or with the server.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Makes one.
    pub async fn new() -> Database {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let server = server();
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("test_{}_{n}", std::process::id());
        execute(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        execute(&server, &format!("CREATE DATABASE {name}")).await;
        Database { server, name }
    }

    /// Its address.
    pub fn url(&self) -> String {
        with_database(&self.server, &self.name)
    }

    /// Its address with `user` in the place of the user who made it.
    pub fn url_as(&self, user: &str) -> String {
        let url = self.url();
        let (_, rest) = url.split_once('@').expect("an address with a user");
        format!("postgres://{user}@{rest}")
    }

    /// Does something to it that no softlanding would.
    pub async fn meddle(&self, statement: &str) {
        execute(&self.url(), statement).await;
    }

    /// Drops it, whoever is still connected.
    pub async fn close(self) {
        execute(&self.server, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}

/// The server that `tests/run` has started.
pub fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| panic!("this test needs a PostgreSQL server: run ./tests/run"))
}

/// The address of another database on the same server.
pub fn with_database(server: &str, name: &str) -> String {
    let (front, _) = server.rsplit_once('/').expect("an address with a database");
    format!("{front}/{name}")
}

async fn execute(url: &str, statement: &str) {
    let mut db = PgConnection::connect(url).await.unwrap_or_else(|e| panic!("{url}: {e}; run ./tests/run"));
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut db).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
    db.close().await.expect("a connection that closes");
}
