//! What a process does with a workspace that it has open: take the right to work on it, see that it
//! is still there, look for news, and close it.

use tokio::sync::watch;

use super::{App, AppError, SeenVersions, duties};
use crate::store::exclusive::Exclusive;
use crate::store::poll;

impl App {
    /// The right to work on the database, until it is dropped. `mode` is how, for whoever is
    /// refused.
    pub async fn exclusive(&self, mode: &str) -> Result<Exclusive, AppError> {
        Ok(self.store().exclusive(mode).await?)
    }

    /// Whether it sees an empty database in place of one that is not there.
    pub fn is_nowhere(&self) -> bool {
        self.store().is_nowhere()
    }

    /// Refused once a file of the database is not the one at its path any more.
    pub fn in_place(&self) -> Result<(), AppError> {
        Ok(self.store().in_place()?)
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
