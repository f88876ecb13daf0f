//! Pages that readers asked for and that could not be rendered: each mistake of a template is one finding, until
//! the addresses that met it are answered again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use callboard_core::app::App;
use callboard_core::operations::OperationError;
use callboard_core::store::findings;

use crate::site::{self, SiteError};

/// The most addresses that are kept.
const MOST: usize = 1000;
/// How long after one was told it is not told again.
const QUIET: Duration = Duration::from_secs(60);

/// The key of its finding, and when it was told.
type Told = (String, Instant);

/// Addresses that could not be answered.
#[derive(Debug, Default)]
pub struct FailingPages(Mutex<BTreeMap<String, Told>>);

impl FailingPages {
    /// Take note of what came of an address: why it could not be rendered, if a template was why.
    pub async fn note(
        &self,
        app: &App,
        address: &str,
        error: Option<&SiteError>,
    ) -> Result<(), OperationError> {
        let mistake = error.and_then(|error| Some((site::failing_key(error)?, error)));
        let Some((key, error)) = mistake else {
            if let Some(key) = self.answered(address) {
                findings::close(app.store(), &key).await?;
            }
            return Ok(());
        };
        if self.is_new(address, &key) {
            let message = format!("{address}: {error}");
            findings::raise(app.store(), &key, site::FINDING, "site", &message).await?;
        }
        Ok(())
    }

    /// The finding that is over, as no other address has it any more.
    fn answered(&self, address: &str) -> Option<String> {
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, _) = failing.remove(address)?;
        let others = failing.values().any(|(other, _)| *other == key);
        (!others).then_some(key)
    }

    fn is_new(&self, address: &str, key: &str) -> bool {
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failing.len() >= MOST && !failing.contains_key(address) {
            return false;
        }
        let known = failing.get(address);
        if known.is_some_and(|(known, at)| known == key && at.elapsed() < QUIET) {
            return false;
        }
        failing.insert(address.to_owned(), (key.to_owned(), Instant::now()));
        true
    }
}
