//! Sessions that stay: a pooler in transaction mode gives each transaction another session of the
//! server, and what this host keeps in one (locks, settings, `LISTEN`) is then another's. One in statement
//! mode begins no transaction at all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use super::super::{StoreError, StoreErrorKind};

/// A setting that only this question makes.
const MARK: &str = "callboard.session";
/// A violation of the protocol, as SQLSTATE.
const VIOLATION: &str = "08P01";
/// Other transactions that are begun to get at the session, one after the other.
const OTHERS: usize = 2;
/// How long a pooler may take to find a session for one of them.
const LIMIT: Duration = Duration::from_secs(5);

/// Refuse an address whose sessions do not stay. A session is marked, and others begin
/// transactions while it is idle: behind a pooler in transaction mode they take the marked one,
/// and the next answer comes from another.
pub(super) async fn refuse(
    options: &PgConnectOptions,
    session: &mut PgConnection,
) -> Result<(), StoreError> {
    let mark = mark();
    let set = format!("SELECT set_config('{MARK}', '{mark}', false)");
    sqlx::raw_sql(AssertSqlSafe(set))
        .execute(&mut *session)
        .await?;
    let mut others = Vec::new();
    for _ in 0..OTHERS {
        // A connection that gets no session takes none from another.
        let Ok(other) = tokio::time::timeout(LIMIT, busy(options)).await else {
            break;
        };
        let other = other.map_err(|error| match error {
            Unheld::Reach(error) => error.into(),
            Unheld::Begin => refusal(options, "statement"),
        })?;
        others.push(other);
        let stays = tokio::time::timeout(LIMIT, marked(session, &mark)).await;
        // An idle session answers at once; one that waits for the others is not its own.
        if !matches!(stays, Ok(Ok(true))) {
            return match stays {
                Ok(Err(error)) => Err(error.into()),
                _ => Err(refusal(options, "transaction")),
            };
        }
    }
    for other in others {
        // It has done nothing.
        drop(other.close().await);
    }
    Ok(())
}

/// Why there is no other transaction.
enum Unheld {
    Reach(sqlx::Error),
    /// What answers there begins none, which a server of PostgreSQL always does.
    Begin,
}

/// A connection in a transaction.
async fn busy(options: &PgConnectOptions) -> Result<PgConnection, Unheld> {
    let mut other = options.connect().await.map_err(Unheld::Reach)?;
    match sqlx::raw_sql("BEGIN").execute(&mut other).await {
        Ok(_) => Ok(other),
        // A pooler says so, and hangs up.
        Err(sqlx::Error::Database(said)) if said.code().as_deref() == Some(VIOLATION) => {
            Err(Unheld::Begin)
        }
        Err(error) => Err(Unheld::Reach(error)),
    }
}

async fn marked(session: &mut PgConnection, mark: &str) -> Result<bool, sqlx::Error> {
    let ask = format!("SELECT COALESCE(current_setting('{MARK}', true), '') AS mark");
    let row = sqlx::raw_sql(AssertSqlSafe(ask)).fetch_one(session).await?;
    Ok(row.try_get::<&str, _>("mark")? == mark)
}

/// Another one each time, so that what a session was marked with before is not taken for it.
fn mark() -> String {
    static TIMES: AtomicU64 = AtomicU64::new(0);
    let times = TIMES.fetch_add(1, Ordering::Relaxed);
    format!("{}/{times}/{}", std::process::id(), uuid::Uuid::now_v7())
}

fn refusal(options: &PgConnectOptions, mode: &str) -> StoreError {
    let (host, port) = (options.get_host(), options.get_port());
    let message = format!(
        "{host}:{port} is a pooler in {mode} mode, which gives each {mode} another \
         session, and Callboard keeps locks and settings in its own; set `pool_mode = session` \
         for this database in the pooler, or give the address of the server itself"
    );
    StoreError::new(StoreErrorKind::Address, message)
}
