//! Whether a row can be written now, asked by writing one: no process keeps a lock, the disk has
//! room, and the file is still the one at its path. On PostgreSQL also whether the user has its rights on
//! every table of the host, of which that row is in one.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::{Backend, Dialect, Store, StoreError};
use crate::value::{Query, Statement};

/// An answer is good for so long: to ask more often costs no writes.
const FRESH: Duration = Duration::from_secs(2);

/// What a checkpoint writes, locked as it does. A lock of SQLite is on all of them.
const TABLES: &str = "LOCK TABLE open_runs, stage_runs, gates, history IN ROW EXCLUSIVE MODE";

type ProbeResult = Result<(), StoreError>;

/// The last answer, and when it was given.
#[derive(Default)]
pub(super) struct WriteProbe(Mutex<Option<(Instant, ProbeResult)>>);

impl Store {
    /// Whether something can be written now. One asks at a time; those that come meanwhile share
    /// its answer.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.in_place().await?;
        self.is_sound()?;
        let mut last = self.probe.0.lock().await;
        if let Some((at, answer)) = &*last
            && at.elapsed() < FRESH
        {
            return answer.clone();
        }
        let answer = tokio::select! {
            biased;
            () = self.a_guest_writes() => {
                // It is at it, so something can be written; and what was wrong before is still told.
                return last.clone().map_or(Ok(()), |(_, answer)| answer);
            }
            answer = self.write_nothing_new() => answer,
        };
        *last = Some((Instant::now(), answer.clone()));
        answer
    }

    /// Whether every page of the database can be read, on SQLite, whose file no server looks after.
    pub async fn examine(&self) -> Result<(), StoreError> {
        if self.dialect() == Dialect::Postgres {
            return Ok(());
        }
        let sql = "SELECT quick_check AS said FROM pragma_quick_check";
        let said: Option<String> = self.read_first(Query::new(sql)).await?;
        match said {
            Some(said) if said != "ok" => Err(self.damaged_by(&said)),
            _ => Ok(()),
        }
    }

    /// Wait until a plugin of this process keeps others from writing, as it may for some seconds.
    async fn a_guest_writes(&self) {
        match self.backend() {
            Backend::Sqlite(store) => store.turns.guest_writes().await,
            Backend::Postgres(_) => std::future::pending().await,
        }
    }

    /// A row as it was, and a look for locks on the tables that every worker writes.
    async fn write_nothing_new(&self) -> Result<(), StoreError> {
        self.write(|transaction| {
            Box::pin(async move {
                let row = "UPDATE locks SET name = name WHERE name = 'probe'";
                transaction.execute(Statement::new(row)).await?;
                if transaction.dialect() == Dialect::Postgres {
                    transaction.execute(Statement::new(TABLES)).await?;
                }
                Ok(())
            })
        })
        .await?;
        self.has_its_rights().await
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// Its own transaction is open until the answer is there.
    #[tokio::test]
    async fn a_plugin_that_writes_for_long_is_no_outage() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("t.db").display());
        let store = Store::open(&url).await.expect("a store");
        let ((begun, begins), (answered, answer)) = (oneshot::channel(), oneshot::channel());
        let guest = store.write_for(Some("p"), |_| {
            Box::pin(async move {
                begun.send(()).expect("the test waits for it");
                Ok(tokio::time::timeout(Duration::from_secs(60), answer)
                    .await
                    .is_ok())
            })
        });
        let probe = async {
            begins.await.expect("it begins");
            store.probe().await.expect("it is well");
            answered.send(()).expect("the guest still writes");
        };
        let (written, ()) = tokio::join!(guest, probe);
        assert!(
            written.expect("it is kept"),
            "the answer waited for the guest"
        );
    }
}
