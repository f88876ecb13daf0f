//! What a process has found out about its database as a whole: that it is damaged, or that another
//! one stands in its place. Neither passes by itself, and nothing is to be started on it any more.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::{Store, StoreError, StoreErrorKind};

/// A worker that has not looked for so long what there is to do does not get to it any more.
const LATE: Duration = Duration::from_secs(180);

#[derive(Default)]
pub(super) struct DatabaseCondition {
    /// When the worker of this process last looked, if it has one.
    looked: Mutex<Option<Instant>>,
    damage: OnceLock<StoreError>,
    /// Which database it is, on PostgreSQL, as the first look saw it.
    identity: OnceLock<String>,
    replaced: OnceLock<StoreError>,
}

impl DatabaseCondition {
    /// Remember a damage that an answer of the database tells of, and say what to do about it.
    pub(super) fn noted<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        answer.map_err(|error| match error.kind {
            StoreErrorKind::Corrupt => self.damaged_by(&error.message),
            _ => error,
        })
    }

    fn damaged_by(&self, said: &str) -> StoreError {
        self.damage.get_or_init(|| damaged(said)).clone()
    }

    /// Refused once another database stands in the place of the first.
    pub(super) fn in_place(&self) -> Result<(), StoreError> {
        self.replaced.get().cloned().map_or(Ok(()), Err)
    }
}

impl Store {
    /// The worker of this process looks what there is to do, or is about to.
    pub fn now_looked(&self) {
        self.looked_at(Instant::now());
    }

    fn looked_at(&self, at: Instant) {
        let looked = &self.condition.looked;
        *looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// Refused if the worker of this process, if it has one, has not looked for minutes.
    pub fn is_looked_after(&self) -> Result<(), StoreError> {
        let looked = &self.condition.looked;
        let looked = *looked.lock().unwrap_or_else(PoisonError::into_inner);
        match looked.map(|at| at.elapsed()) {
            Some(silent) if silent > LATE => Err(StoreError::new(
                StoreErrorKind::Unavailable,
                format!(
                    "the worker has not looked what there is to do for {} s; start it again",
                    silent.as_secs()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Refused once something of this process met a damage of the database: what it writes there
    /// may not be kept, so that nothing is begun.
    pub fn is_sound(&self) -> Result<(), StoreError> {
        self.condition.damage.get().cloned().map_or(Ok(()), Err)
    }

    /// Remember a damage, in the words of the database.
    pub(super) fn damaged_by(&self, said: &str) -> StoreError {
        self.condition.damaged_by(said)
    }

    /// Learn which database this is. Another one than before was restored under this process.
    pub(super) fn identify(&self, identity: String) -> Result<(), StoreError> {
        let condition = &self.condition;
        if *condition.identity.get_or_init(|| identity.clone()) != identity {
            condition.replaced.get_or_init(|| {
                StoreError::new(
                    StoreErrorKind::Unavailable,
                    "another database was restored in place of the one that this process works \
                     on: start it again, and stop it before you restore a backup",
                )
            });
        }
        condition.in_place()
    }
}

fn damaged(said: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        format!(
            "the database is damaged ({said}): stop what works on it, put a backup in its place, \
             and start again"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_that_does_not_look_any_more_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("t.db").display());
        let store = Store::open(&url).await.expect("a store");
        store.is_looked_after().expect("nobody is to look");
        store.now_looked();
        store.is_looked_after().expect("it has just begun");
        let long_ago = Instant::now().checked_sub(LATE + Duration::from_secs(1));
        store.looked_at(long_ago.expect("the machine runs for longer"));
        let error = store.is_looked_after().expect_err("it is late");
        assert_eq!(error.kind, StoreErrorKind::Unavailable);
    }
}
