//! The line-ups of this process: one for each revision and state of the settings that runs
//! here read, so that a run keeps both from its start to its end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::{App, AppError, Company};
use crate::engine::{EngineError, LineUp, LineUps};
use crate::kept::Kept;
use crate::rollcall::Reference;
use crate::secrets::{self, SecretError};
use crate::settings::{Declaration, Snapshot};
use crate::snapshot;
use crate::store::{StoreError, StoreErrorKind, revisions, settings, settings_snapshots};
use crate::workspace::{Definitions, Misread};

/// How long the roll of a line-up counts before it is called again, in the background.
const ROLL_COUNTS: Duration = Duration::from_secs(5);
/// How long it counts at most: whoever comes later waits for a new one.
const ROLL_COUNTS_AT_MOST: Duration = Duration::from_secs(10);
/// The latest line-ups, which stay at hand though no run uses them.
const KEPT: usize = 4;

/// Line-ups by what they are made of. Nobody who wants one waits for another.
pub(super) type Known = Kept<Key, Place>;

/// What a line-up is made of, so that none is taken for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    revision: i64,
    /// The digest of the revision.
    content: String,
    /// The digest of the settings.
    settings: String,
}

pub(super) fn known() -> Known {
    Kept::new(KEPT)
}

/// The latest line-up of one revision and one state of the settings.
#[derive(Default)]
pub(super) struct Place {
    latest: Mutex<Option<(Arc<LineUp>, Instant)>>,
    /// Held by whoever calls the roll.
    rolling: tokio::sync::Mutex<()>,
}

impl Place {
    /// The line-up and the age of its roll.
    fn latest(&self) -> Option<(Arc<LineUp>, Duration)> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let (line_up, called_at) = latest.as_ref()?;
        Some((Arc::clone(line_up), called_at.elapsed()))
    }

    fn put(&self, line_up: &Arc<LineUp>) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some((Arc::clone(line_up), Instant::now()));
    }
}

/// What a line-up is made of.
struct Parts {
    company: Arc<Company>,
    settings: Snapshot,
}

impl App {
    /// The line-up of the active revision with the settings as they stand now.
    pub async fn line_up(&self) -> Result<Arc<LineUp>, AppError> {
        let active = revisions::active(self.store()).await?;
        let active = active.ok_or(AppError::NothingApplied)?;
        let company = self
            .company_of(active.number, active.digest.clone())
            .await?;
        self.line_up_now(company, active.digest).await
    }

    /// Settings as they stand now, for the declarations of some definitions.
    pub async fn snapshot(
        &self,
        definitions: &crate::workspace::Definitions,
    ) -> Result<Snapshot, AppError> {
        self.snapshot_of(definitions.declarations()).await
    }

    async fn snapshot_of(
        &self,
        declarations: BTreeMap<String, Declaration>,
    ) -> Result<Snapshot, AppError> {
        let stored = settings::list(self.store()).await?;
        let key = secrets::Key::load(&self.key_file())?;
        Ok(snapshot::build(declarations, &stored, key.as_ref()))
    }

    /// Settings as they stand now, for whoever sets them: what the workspace declares, which a
    /// value may have to be there for before it can be applied, and what is applied.
    pub async fn settings(&self) -> Result<Snapshot, AppError> {
        let mut declarations = match self.active().await {
            Ok(company) => company.definitions.declarations(),
            Err(AppError::NothingApplied) => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        // A workspace that cannot be read is told by `check`.
        let files = self.read().map(|folder| folder.files).unwrap_or_default();
        declarations.extend(Definitions::declared_in(&files));
        self.snapshot_of(declarations).await
    }

    /// A company with the settings as they stood when a run began; secrets as they stand now,
    /// because they are not kept in the clear.
    async fn parts_of(&self, company: Arc<Company>, digest: &str) -> Result<Parts, AppError> {
        let now = self.snapshot(&company.definitions).await?;
        let values = if now.digest() == digest {
            None
        } else {
            settings_snapshots::content(self.store(), digest).await?
        };
        let settings = match values {
            Some(values) => now.with_values(values),
            None => now,
        };
        Ok(Parts { company, settings })
    }

    /// A line-up whose roll counts. What it is made of is looked for when it has to be made, but
    /// for what the caller has at hand.
    async fn line_up_of(&self, key: Key, at_hand: Option<Parts>) -> Result<Arc<LineUp>, AppError> {
        let place = async || Ok::<_, AppError>(Place::default());
        let place = self.inner.line_ups.get(key.clone(), place).await?;
        if let Some((line_up, age)) = place.latest()
            && age < ROLL_COUNTS_AT_MOST
        {
            if age >= ROLL_COUNTS {
                self.renew(place, key);
            }
            return Ok(line_up);
        }
        let _rolling = place.rolling.lock().await;
        // Somebody may have called it while this one waited.
        match place.latest() {
            Some((line_up, age)) if age < ROLL_COUNTS => Ok(line_up),
            _ => self.roll_at(&place, key, at_hand).await,
        }
    }

    /// Call the roll of a place anew while everybody goes on with the latest.
    fn renew(&self, place: Arc<Place>, key: Key) {
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
        place: &Place,
        key: Key,
        at_hand: Option<Parts>,
    ) -> Result<Arc<LineUp>, AppError> {
        let Parts { company, settings } = if let Some(parts) = at_hand {
            parts
        } else {
            let company = self.company_of(key.revision, key.content).await?;
            self.parts_of(company, &key.settings).await?
        };
        let roll = self.roll_of(&company, &settings).await;
        let misses: Vec<Reference> = roll.misses().cloned().collect();
        if place.latest().is_none() {
            settings_snapshots::keep(self.store(), &key.settings, settings.values()).await?;
        }
        let line_up = company.line_up(self.store(), Arc::new(settings), key.settings, misses);
        let line_up = Arc::new(line_up);
        place.put(&line_up);
        Ok(line_up)
    }

    async fn at_revision(
        &self,
        revision: i64,
        digest: Option<&str>,
    ) -> Result<Arc<LineUp>, AppError> {
        let content = revisions::digest(self.store(), revision).await?;
        if let Some(digest) = digest {
            let settings = digest.to_owned();
            let key = Key {
                revision,
                content,
                settings,
            };
            return self.line_up_of(key, None).await;
        }
        let company = self.company_of(revision, content.clone()).await?;
        self.line_up_now(company, content).await
    }

    async fn line_up_now(
        &self,
        company: Arc<Company>,
        content: String,
    ) -> Result<Arc<LineUp>, AppError> {
        let settings = self.snapshot(&company.definitions).await?;
        let key = Key {
            revision: company.revision,
            content,
            settings: settings.digest(),
        };
        let parts = Parts { company, settings };
        self.line_up_of(key, Some(parts)).await
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
