//! A long queue on PostgreSQL, which counts its tables now and then: between two counts, plans
//! are made for the table as it was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::store::checkpoints::{self, Checkpoint, Then};
use callboard_core::store::leases::{self, Lease};
use callboard_core::store::runs::{Run, RunStatus};
use callboard_core::store::{Dialect, Store};

use super::runs::{LEASE, claimed, queue, run};
use super::{execute, numbers};
use crate::support::database::with_database;

/// How long the server may take to count.
const BOUND: Duration = Duration::from_secs(30);
const QUEUED: i64 = 300;
/// Runs that are carried out while the others wait.
const CARRIED_OUT: i64 = 4;

/// What the server has counted of open runs.
async fn count(observer: &Store, column: &str) -> i64 {
    let sql = format!("SELECT {column} AS n FROM pg_stat_user_tables WHERE relname = 'open_runs'");
    numbers(observer, &sql).await[0]
}

/// Wait until the server has counted so much of what `store` did. A connection tells it of
/// everything, once a second at most, and when a transaction ends.
async fn until_counted(store: &Store, observer: &Store, column: &str, least: i64) {
    let began = Instant::now();
    while count(observer, column).await < least {
        assert!(began.elapsed() < BOUND, "{column} is not {least}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        execute(store, "SELECT 1").await;
    }
}

async fn carry_out(store: &Store) {
    let claim = claimed(store, None).await.expect("one is due");
    let held = Lease::from(claim);
    let on = Then::GoOn { lease: LEASE };
    let end = Then::End {
        status: RunStatus::Done,
        detail: String::new(),
    };
    for then in [on, end] {
        leases::heartbeat(store, std::slice::from_ref(&held), LEASE)
            .await
            .expect("it is held");
        let checkpoint = Checkpoint::blank(held.clone(), 0, Duration::ZERO, then);
        let told = checkpoints::commit(store, vec![Arc::new(checkpoint)]).await;
        assert!(told.expect("it is kept")[0].is_kept());
    }
}

#[test]
fn a_long_queue_of_postgres_is_not_read_as_a_whole() {
    with_database(Dialect::Postgres, async |store, url| {
        execute(&store, "ANALYZE open_runs").await;
        let names = (0..QUEUED).map(|number| format!("r{number:03}"));
        let runs: Vec<Run> = names.map(|name| run(&name)).collect();
        queue(&store, &runs).await;
        let observer = Store::open(&url).await.expect("it opens");
        until_counted(&store, &observer, "n_tup_ins", QUEUED).await;
        let whole = count(&observer, "seq_scan").await;
        for _ in 0..CARRIED_OUT {
            carry_out(&store).await;
        }
        until_counted(&store, &observer, "n_tup_del", CARRIED_OUT).await;
        assert_eq!(count(&observer, "seq_scan").await, whole);
        observer.close().await;
    });
}
