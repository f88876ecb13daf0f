//! The runnable revisions of this process: one for each revision and state of the settings that runs
//! here read, so that a run keeps both from its start to its end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::{App, AppError, LoadedRevision};
use crate::engine::{EngineError, RunnableRevision, RunnableRevisions};
use crate::rollcall::Reference;
use crate::secrets::{self, SecretError};
use crate::settings::{Declaration, Snapshot};
use crate::shared_cache::SharedCache;
use crate::snapshot;
use crate::store::{StoreError, StoreErrorKind, revisions, settings, settings_snapshots};
use crate::workspace::{self, Definitions, Misread};

/// How long the roll of a runnable revision counts before it is called again, in the background.
const ROLL_COUNTS: Duration = Duration::from_secs(5);
/// How long it counts at most: a caller that comes later waits for a new one.
const ROLL_COUNTS_AT_MOST: Duration = Duration::from_secs(10);
/// The latest runnable revisions, which stay at hand though no run uses them.
const KEPT: usize = 4;

/// Runnable revisions by what they are made of. A caller waits for no other than the one that it
/// wants.
pub(super) type RunnableCache = SharedCache<RunnableKey, CachedRunnable>;

/// What a runnable revision is made of, so that none is taken for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RunnableKey {
    revision: i64,
    /// The digest of the revision.
    content: String,
    /// The digest of the settings.
    settings: String,
}

pub(super) fn known() -> RunnableCache {
    SharedCache::new(KEPT)
}

/// The latest runnable revision of one revision and one state of the settings.
#[derive(Default)]
pub(super) struct CachedRunnable {
    latest: Mutex<Option<(Arc<RunnableRevision>, Instant)>>,
    /// Held by the task that calls the roll.
    rolling: tokio::sync::Mutex<()>,
}

impl CachedRunnable {
    /// The runnable revision and the age of its roll.
    fn latest(&self) -> Option<(Arc<RunnableRevision>, Duration)> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let (runnable, called_at) = latest.as_ref()?;
        Some((Arc::clone(runnable), called_at.elapsed()))
    }

    fn put(&self, runnable: &Arc<RunnableRevision>) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some((Arc::clone(runnable), Instant::now()));
    }
}

/// What a runnable revision is made of.
struct RunnableParts {
    loaded: Arc<LoadedRevision>,
    settings: Snapshot,
}

impl App {
    /// The runnable revision of the active revision with the settings as they stand now.
    pub async fn runnable(&self) -> Result<Arc<RunnableRevision>, AppError> {
        let active = revisions::active(self.store()).await?;
        let active = active.ok_or(AppError::NothingApplied)?;
        let loaded = self
            .loaded_revision_of(active.number, active.digest.clone())
            .await?;
        self.runnable_now(loaded, active.digest).await
    }

    /// Settings as they stand now, for the declarations of some definitions.
    pub async fn snapshot(
        &self,
        definitions: &crate::workspace::Definitions,
    ) -> Result<Snapshot, AppError> {
        self.snapshot_of(definitions.declarations()).await
    }

    /// Settings as they stand once some definitions are the active ones: without the values that go then.
    pub(super) async fn snapshot_then(
        &self,
        definitions: &crate::workspace::Definitions,
    ) -> Result<Snapshot, AppError> {
        // What can't be loaded of the active revision is told elsewhere, and has no say here.
        let old = self.active().await.map(|it| it.definitions.declarations());
        let new = definitions.declarations();
        let mut stored = settings::list(self.store()).await?;
        let gone = workspace::carried_over(&old.unwrap_or_default(), &new, &stored);
        stored.retain(|stored| gone.iter().all(|gone| gone.key != stored.key));
        let key = secrets::SecretKey::load(&self.key_file())?;
        Ok(snapshot::build(new, &stored, key.as_ref()))
    }

    async fn snapshot_of(
        &self,
        declarations: BTreeMap<String, Declaration>,
    ) -> Result<Snapshot, AppError> {
        let stored = settings::list(self.store()).await?;
        let key = secrets::SecretKey::load(&self.key_file())?;
        Ok(snapshot::build(declarations, &stored, key.as_ref()))
    }

    /// Settings as they stand now, for the commands that set them: what the workspace declares,
    /// which a value may have to be there for before it can be applied, and what is applied.
    pub async fn settings(&self) -> Result<Snapshot, AppError> {
        let mut declarations = match self.active().await {
            Ok(loaded) => loaded.definitions.declarations(),
            Err(AppError::NothingApplied) => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        // A workspace that cannot be read is told by `check`.
        let files = self.read().map(|folder| folder.files).unwrap_or_default();
        declarations.extend(Definitions::declared_in(&files));
        self.snapshot_of(declarations).await
    }

    /// A loaded with the settings as they stood when a run began; secrets as they stand now,
    /// because they are not kept in the clear.
    async fn parts_of(
        &self,
        loaded: Arc<LoadedRevision>,
        digest: &str,
    ) -> Result<RunnableParts, AppError> {
        let now = self.snapshot(&loaded.definitions).await?;
        let values = if now.digest() == digest {
            None
        } else {
            settings_snapshots::content(self.store(), digest).await?
        };
        let settings = match values {
            Some(values) => now.with_values(values),
            None => now,
        };
        Ok(RunnableParts { loaded, settings })
    }

    /// A runnable revision whose roll counts. What it is made of is looked for when it has to be made, but
    /// for what the caller has at hand.
    async fn runnable_of(
        &self,
        key: RunnableKey,
        at_hand: Option<RunnableParts>,
    ) -> Result<Arc<RunnableRevision>, AppError> {
        let place = async || Ok::<_, AppError>(CachedRunnable::default());
        let place = self.inner.runnables.get(key.clone(), place).await?;
        if let Some((runnable, age)) = place.latest()
            && age < ROLL_COUNTS_AT_MOST
        {
            if age >= ROLL_COUNTS {
                self.renew(place, key);
            }
            return Ok(runnable);
        }
        let _rolling = place.rolling.lock().await;
        // Another task may have called it while this one waited.
        match place.latest() {
            Some((runnable, age)) if age < ROLL_COUNTS => Ok(runnable),
            _ => self.roll_at(&place, key, at_hand).await,
        }
    }

    /// Call the roll of a place anew while everybody goes on with the latest.
    fn renew(&self, place: Arc<CachedRunnable>, key: RunnableKey) {
        let app = self.clone();
        tokio::spawn(async move {
            let Ok(_rolling) = place.rolling.try_lock() else {
                return;
            };
            if let Err(error) = app.roll_at(&place, key, None).await {
                tracing::warn!(%error, "the roll is not called anew; the last one counts a while");
            }
        });
    }

    async fn roll_at(
        &self,
        place: &CachedRunnable,
        key: RunnableKey,
        at_hand: Option<RunnableParts>,
    ) -> Result<Arc<RunnableRevision>, AppError> {
        let RunnableParts { loaded, settings } = if let Some(parts) = at_hand {
            parts
        } else {
            let loaded = self.loaded_revision_of(key.revision, key.content).await?;
            self.parts_of(loaded, &key.settings).await?
        };
        let roll = self.roll_of(&loaded, &settings).await?;
        let misses: Vec<Reference> = roll.misses().chain(roll.waiting()).cloned().collect();
        if place.latest().is_none() {
            settings_snapshots::keep(self.store(), &key.settings, settings.values()).await?;
        }
        let runnable = loaded.runnable(
            (self.store(), self.folder()),
            Arc::new(settings),
            key.settings,
            misses,
            (self.config().models.clone(), self.network()),
        );
        let runnable = Arc::new(runnable);
        place.put(&runnable);
        Ok(runnable)
    }

    async fn at_revision(
        &self,
        revision: i64,
        digest: Option<&str>,
    ) -> Result<Arc<RunnableRevision>, AppError> {
        let content = revisions::digest(self.store(), revision).await?;
        if let Some(digest) = digest {
            let settings = digest.to_owned();
            let key = RunnableKey {
                revision,
                content,
                settings,
            };
            return self.runnable_of(key, None).await;
        }
        let loaded = self.loaded_revision_of(revision, content.clone()).await?;
        self.runnable_now(loaded, content).await
    }

    async fn runnable_now(
        &self,
        loaded: Arc<LoadedRevision>,
        content: String,
    ) -> Result<Arc<RunnableRevision>, AppError> {
        let settings = self.snapshot(&loaded.definitions).await?;
        let key = RunnableKey {
            revision: loaded.revision,
            content,
            settings: settings.digest(),
        };
        let parts = RunnableParts { loaded, settings };
        self.runnable_of(key, Some(parts)).await
    }
}

impl RunnableRevisions for App {
    fn at<'a>(
        &'a self,
        revision: i64,
        settings: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Arc<RunnableRevision>, EngineError>> {
        Box::pin(async move {
            let loaded = self.at_revision(revision, settings).await;
            loaded.map_err(|error| match error {
                AppError::Store(error) => EngineError::Store(error),
                // It passes, and blocks no run.
                AppError::Secret(error @ SecretError::Exhausted { .. }) => {
                    let message = error.to_string();
                    EngineError::Store(StoreError::new(StoreErrorKind::Unavailable, message))
                }
                AppError::Misread(misreads) => EngineError::Revision {
                    revision,
                    problem: told(&misreads),
                },
                other => EngineError::Revision {
                    revision,
                    problem: other.to_string(),
                },
            })
        })
    }
}

/// Each place that cannot be read, in one text.
fn told(misreads: &[Misread]) -> String {
    let places = misreads.iter();
    let places = places.map(|at| format!("{}: {}; {}", at.place, at.message, at.mend));
    places.collect::<Vec<_>>().join("; ")
}
