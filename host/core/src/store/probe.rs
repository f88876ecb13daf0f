//! Whether a row can be written now, asked by writing one: nobody keeps a lock, the disk has room,
//! and the file is still the one at its path.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::{Store, StoreError};
use crate::value::Statement;

/// An answer is good for so long: whoever asks more often costs no writes.
const FRESH: Duration = Duration::from_secs(2);

type Answer = Result<(), StoreError>;

/// The last answer, and when it was given.
#[derive(Default)]
pub(super) struct Probe(Mutex<Option<(Instant, Answer)>>);

impl Store {
    /// Whether something can be written now. One asks at a time; those that come meanwhile share
    /// its answer.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.in_place()?;
        let mut last = self.probe.0.lock().await;
        if let Some((at, answer)) = &*last
            && at.elapsed() < FRESH
        {
            return answer.clone();
        }
        let answer = self.write_nothing_new().await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }

    /// A row as it was, and a look for a lock on the table that every worker writes.
    async fn write_nothing_new(&self) -> Result<(), StoreError> {
        self.write(|transaction| {
            Box::pin(async move {
                let row = "UPDATE locks SET name = name WHERE name = 'probe'";
                transaction.execute(Statement::new(row)).await?;
                let table = "UPDATE open_runs SET status = status WHERE id = ''";
                transaction.execute(Statement::new(table)).await?;
                Ok(())
            })
        })
        .await
    }
}
