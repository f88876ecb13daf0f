//! What the disk and the databases do without the store.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS raw (id BIGINT, text TEXT)";
const INSERT: &str = "INSERT INTO raw (id, text) VALUES ($1, 'one row')";

/// How long one measurement takes.
pub(super) fn length() -> Duration {
    let named = std::env::var("CALLBOARD_BENCH_SECONDS").ok();
    Duration::from_secs_f64(named.and_then(|text| text.parse().ok()).unwrap_or(2.0))
}

/// How often a second `once` is done, by one caller.
pub(super) async fn rate(mut once: impl AsyncFnMut()) -> f64 {
    let (start, length, mut count) = (Instant::now(), length(), 0_u32);
    while start.elapsed() < length {
        once().await;
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// The size of a page that a database writes.
pub(super) async fn disk(path: &Path) -> f64 {
    let mut file = File::create(path).expect("a file");
    let page = [1_u8; 8192];
    rate(async || {
        file.rewind().expect("a file");
        file.write_all(&page).expect("it is written");
        file.sync_data().expect("it is on the disk");
    })
    .await
}

async fn connect(path: &str) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection: SqliteConnection = options.connect().await.expect("a new file");
    sqlx::query(TABLE)
        .execute(&mut connection)
        .await
        .expect("a table");
    connection
}

pub(super) async fn sqlite(path: &str) -> f64 {
    let mut connection = connect(path).await;
    let rate = rate(async || {
        let insert = sqlx::query(INSERT).bind(1_i64).execute(&mut connection);
        insert.await.expect("a row");
    })
    .await;
    connection.close().await.expect("it was open");
    rate
}

/// Rows a second in commits of so many, each row its own statement.
pub(super) async fn sqlite_grouped(path: &str, group: u32) -> f64 {
    let mut connection = connect(path).await;
    let commits = rate(async || {
        let mut transaction = connection.begin().await.expect("a transaction");
        for _ in 0..group {
            let insert = sqlx::query(INSERT).bind(1_i64).execute(&mut *transaction);
            insert.await.expect("a row");
        }
        transaction.commit().await.expect("a commit");
    })
    .await;
    connection.close().await.expect("it was open");
    commits * f64::from(group)
}

pub(super) async fn postgres(url: &str) -> f64 {
    let mut connection = PgConnection::connect(url).await.expect("the server");
    sqlx::query(TABLE)
        .execute(&mut connection)
        .await
        .expect("a table");
    let rate = rate(async || {
        let insert = sqlx::query(INSERT).bind(1_i64).execute(&mut connection);
        insert.await.expect("a row");
    })
    .await;
    connection.close().await.expect("it was open");
    rate
}

/// Run a statement on the server itself.
pub(super) async fn administer(server: &str, statement: &str) {
    let mut connection = PgConnection::connect(server).await.expect("the server");
    let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    statement
        .execute(&mut connection)
        .await
        .expect("it may do that");
    connection.close().await.expect("it was open");
}

/// The address of another database of the server.
pub(super) fn in_database(server: &str, database: &str) -> String {
    let mut url = url::Url::parse(server).expect("an address");
    url.set_path(database);
    url.to_string()
}
