//! A worker that falls silent is missed in time: no lease stays run out while another works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use callboard_core::store::{Dialect, Store};
use callboard_core::value::Statement;

use super::chance::tell;
use crate::support::database::runtime;
use crate::support::factory::Factory;

/// What is promised is a second. The rest is for a machine that has other things to do: time
/// decides nothing here, and a lease that no worker takes back stays run out for ever.
const BOUND: Duration = Duration::from_secs(15);

/// Looks at the leases by the database's clock, again and again.
pub(super) struct Watch {
    over: Arc<AtomicBool>,
    looking: JoinHandle<i64>,
}

impl Watch {
    pub(super) fn start(factory: &Factory) -> Self {
        let over: Arc<AtomicBool> = Arc::default();
        let (told, url) = (Arc::clone(&over), factory.url());
        let looking = std::thread::spawn(move || runtime().block_on(look(&url, &told)));
        Self { over, looking }
    }

    /// Stop looking; no lease may have stayed run out for long.
    #[track_caller]
    pub(super) fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        let most = self.looking.join().expect("it looked");
        let most = Duration::from_micros(u64::try_from(most).unwrap_or_default());
        tell(&format!("a lease had run out for {most:?} at most"));
        assert!(
            most < BOUND,
            "a run was stuck for {most:?} beyond its lease"
        );
    }
}

/// For how many microseconds a lease had run out at most.
async fn look(url: &str, over: &AtomicBool) -> i64 {
    let store = Store::open(url).await.expect("the database opens");
    let now = match store.dialect() {
        Dialect::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
        Dialect::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
    };
    let sql = format!(
        "SELECT COALESCE(MAX({now} - lease_until), 0) AS late FROM open_runs WHERE status = 'running'"
    );
    let mut most = 0;
    while !over.load(Ordering::Relaxed) {
        let rows = store.query(Statement::new(&sql)).await.expect("it answers");
        let late = rows.first().map(|row| row.integer("late"));
        most = most.max(late.expect("a row").expect("a number"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    store.close().await;
    most
}
