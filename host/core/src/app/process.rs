//! What a process does with a workspace that it has open: take the right to work on it, see that it
//! is still there, look for news, and close it.

use std::time::Duration;

use tokio::sync::watch;

use super::{App, AppError, SeenVersions, duties};
use crate::store::exclusive::Exclusive;
use crate::store::poll;

/// How often the files are looked after.
const PLACE_LOOK: Duration = Duration::from_secs(1);

impl App {
    /// The right to work on the database, until it is dropped. `mode` is how: a process that is
    /// refused meanwhile is told it.
    pub async fn exclusive(&self, mode: &str) -> Result<Exclusive, AppError> {
        Ok(self.store().exclusive(mode).await?)
    }

    /// Whether it sees an empty database in place of one that is not there.
    pub fn is_nowhere(&self) -> bool {
        self.store().is_nowhere()
    }

    /// Wait until a file of the database is not the one at its path any more.
    pub async fn lost(&self) -> AppError {
        loop {
            if let Err(error) = self.store().in_place().await {
                return error.into();
            }
            // Whoever asks meanwhile is told that it is another process; on a disk that stays full it stays so.
            self.store().say_who_works().ok();
            tokio::time::sleep(PLACE_LOOK).await;
        }
    }

    /// Look at the database as a worker does, and tell `seen` what is new.
    pub async fn poll(&self, seen: &watch::Sender<SeenVersions>) -> Result<(), AppError> {
        let poll = poll::ask(self.store(), "", 1).await?;
        duties::tell(seen, &poll);
        Ok(())
    }

    /// Close the database, which brings all that was written into its one file.
    pub async fn close(&self) {
        self.store().close().await;
    }
}
