//! The line-ups of this process: one for each revision and state of the settings that runs
//! here read, so that a run keeps both from its start to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::{App, AppError, Company};
use crate::engine::{EngineError, LineUp, LineUps};
use crate::rollcall::Reference;
use crate::secrets::Key;
use crate::settings::Snapshot;
use crate::snapshot;
use crate::store::{settings, settings_snapshots};

/// How long the roll of a line-up counts before it is called again.
const ROLL_COUNTS: Duration = Duration::from_secs(5);
/// Line-ups that are kept at hand.
const KEPT: usize = 16;

/// Line-ups by revision and digest of the settings.
pub(super) type Known = BTreeMap<(i64, String), (Arc<LineUp>, Instant)>;

impl App {
    /// The line-up of the active revision with the settings as they stand now.
    pub async fn line_up(&self) -> Result<Arc<LineUp>, AppError> {
        let company = self.active().await?;
        let settings = self.snapshot(&company.definitions).await?;
        self.line_up_of(&company, settings, None).await
    }

    /// Settings as they stand now, for the declarations of some definitions.
    pub async fn snapshot(
        &self,
        definitions: &crate::workspace::Definitions,
    ) -> Result<Snapshot, AppError> {
        let stored = settings::list(self.store()).await?;
        let key = Key::load(&self.key_file())?;
        Ok(snapshot::build(
            definitions.declarations(),
            &stored,
            key.as_ref(),
        ))
    }

    /// Settings as they stood when a run began; secrets as they stand now, because they are
    /// not kept in the clear.
    async fn snapshot_of(&self, company: &Company, digest: &str) -> Result<Snapshot, AppError> {
        let now = self.snapshot(&company.definitions).await?;
        if now.digest() == digest {
            return Ok(now);
        }
        match settings_snapshots::content(self.store(), digest).await? {
            Some(values) => Ok(now.with_values(values)),
            None => Ok(now),
        }
    }

    async fn line_up_of(
        &self,
        company: &Company,
        settings: Snapshot,
        digest: Option<&str>,
    ) -> Result<Arc<LineUp>, AppError> {
        let digest = digest.map_or_else(|| settings.digest(), str::to_owned);
        let key = (company.revision, digest.clone());
        let mut known = self.inner.line_ups.lock().await;
        if let Some((line_up, called_at)) = known.get(&key)
            && called_at.elapsed() < ROLL_COUNTS
        {
            return Ok(Arc::clone(line_up));
        }
        let roll = self.roll_of(company, &settings).await;
        let misses: Vec<Reference> = roll.misses().cloned().collect();
        if !known.contains_key(&key) {
            settings_snapshots::keep(self.store(), &digest, settings.values()).await?;
        }
        let line_up = company.line_up(self.store(), Arc::new(settings), digest, misses);
        let line_up = Arc::new(line_up);
        known.insert(key, (Arc::clone(&line_up), Instant::now()));
        while known.len() > KEPT {
            let oldest = known.iter().min_by_key(|(_, (_, called_at))| *called_at);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                break;
            };
            known.remove(&oldest);
        }
        Ok(line_up)
    }

    async fn at_revision(
        &self,
        revision: i64,
        digest: Option<&str>,
    ) -> Result<Arc<LineUp>, AppError> {
        let company = self.company(revision).await?;
        if let Some(digest) = digest {
            let known = self.inner.line_ups.lock().await;
            if let Some((line_up, called_at)) = known.get(&(revision, digest.to_owned()))
                && called_at.elapsed() < ROLL_COUNTS
            {
                return Ok(Arc::clone(line_up));
            }
        }
        let settings = match digest {
            Some(digest) => self.snapshot_of(&company, digest).await?,
            None => self.snapshot(&company.definitions).await?,
        };
        self.line_up_of(&company, settings, digest).await
    }
}

impl LineUps for App {
    fn at<'a>(
        &'a self,
        revision: i64,
        settings: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Arc<LineUp>, EngineError>> {
        Box::pin(async move {
            let loaded = self.at_revision(revision, settings).await;
            loaded.map_err(|error| match error {
                AppError::Store(error) => EngineError::Store(error),
                other => EngineError::Revision {
                    revision,
                    problem: other.to_string(),
                },
            })
        })
    }
}
