//! What the disk and the databases do without the store.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::rate;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS raw (id BIGINT, text TEXT)";
const INSERT: &str = "INSERT INTO raw (id, text) VALUES ($1, 'one row')";

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

pub(super) async fn sqlite(path: &str) -> f64 {
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
    let rate = rate(async || {
        let insert = sqlx::query(INSERT).bind(1_i64).execute(&mut connection);
        insert.await.expect("a row");
    })
    .await;
    connection.close().await.expect("it was open");
    rate
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
    let options = PgConnectOptions::from_str(server).expect("an address");
    options.database(database).to_url_lossy().to_string()
}
