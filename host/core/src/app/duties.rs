//! What a worker of this workspace does by the clock: start what is due, read the ledger of
//! effects, and forget old history. The poll says when, so that nothing else asks the
//! database.

mod ledger;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::{App, AppError};
use crate::engine::worker::Duties;
use crate::engine::{Engine, EngineError, after, schedule};
use crate::store::poll::WorkerPoll;
use crate::store::schedules::{self, Timetable};
use crate::store::{Store, history, revisions, times, workers};
use crate::supervision;

/// How often the ledger is read.
const LEDGER: Duration = Duration::from_secs(60);
/// How often it is asked whether there are times that cannot be.
const TIMES: Duration = Duration::from_secs(60);
/// How often it is asked whether anything can be written.
const PROBE: Duration = Duration::from_secs(60);
/// How often old history and old revisions are removed.
const HISTORY: Duration = Duration::from_secs(3600);

/// What the last look at the database saw of the workspace. It changes when something changes
/// that a process has at hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenVersions {
    pub revision: Option<i64>,
    /// The digest of what is in it.
    pub content: Option<String>,
    pub settings: String,
}

impl From<&WorkerPoll> for SeenVersions {
    fn from(poll: &WorkerPoll) -> Self {
        Self {
            revision: poll.revision,
            content: poll.content.clone(),
            settings: poll.settings.clone(),
        }
    }
}

/// Tell of a look, if it saw something new.
pub(super) fn tell(seen: &watch::Sender<SeenVersions>, poll: &WorkerPoll) {
    let now = SeenVersions::from(poll);
    seen.send_if_modified(|known| {
        let news = *known != now;
        if news {
            announce(known, &now);
            *known = now;
        }
        news
    });
}

fn announce(known: &SeenVersions, now: &SeenVersions) {
    if let Some(revision) = now.revision.filter(|_| now.revision != known.revision) {
        let before = known.revision;
        tracing::info!(revision, before, "revision swapped");
    }
    if now.settings != known.settings && !known.settings.is_empty() {
        tracing::info!("settings changed");
    }
}

/// The duties of a worker.
pub struct WorkerDuties {
    app: App,
    seen: watch::Sender<SeenVersions>,
    next: Mutex<DutyTimes>,
}

/// When each duty is next looked after, by the database's clock.
#[derive(Default)]
struct DutyTimes {
    ledger: Option<Timestamp>,
    history: Option<Timestamp>,
    times: Option<Timestamp>,
    probe: Option<Timestamp>,
}

/// Whether the time of a duty has come. One that is further away than the duty's pause was set
/// by a clock that stood ahead.
fn is_due(next: Option<Timestamp>, now: Timestamp, pause: Duration) -> bool {
    next.is_none_or(|at| at <= now || at > after(now, pause))
}

impl WorkerDuties {
    /// Duties that tell `seen` what the worker's looks see.
    pub fn new(app: &App, seen: watch::Sender<SeenVersions>) -> Self {
        Self {
            app: app.clone(),
            seen,
            next: Mutex::default(),
        }
    }

    async fn attend(&self, engine: &Engine, poll: &WorkerPoll) -> Result<(), AppError> {
        tell(&self.seen, poll);
        let mut next = self.next.lock().await;
        if is_due(next.history, poll.now, HISTORY) {
            next.history = Some(after(poll.now, HISTORY));
            forget(engine);
        }
        if is_due(next.times, poll.now, TIMES) {
            // Between two looks at the ledger, so that no second asks for all of it.
            let pause = next.times.map_or(TIMES / 2, |_| TIMES);
            next.times = Some(after(poll.now, pause));
            self.app.set_times_right(engine, poll).await?;
        }
        if is_due(next.probe, poll.now, PROBE) {
            next.probe = Some(after(poll.now, PROBE));
            // Nothing idle would find out, until there is something to do.
            let probed = match engine.store.probe().await {
                Ok(()) => workers::seen(&engine.store, &engine.worker).await,
                Err(error) => Err(error),
            };
            if let Err(error) = probed {
                tracing::error!(%error, "not everything can be written to the database");
            }
        }
        let Some(revision) = poll.revision else {
            return Ok(());
        };
        self.app.keep_time(engine, poll).await?;
        // Not at the start: first, what is overdue is to be done.
        let ledger_at = *next.ledger.get_or_insert(after(poll.now, LEDGER));
        if is_due(Some(ledger_at), poll.now, LEDGER) {
            next.ledger = Some(after(poll.now, LEDGER));
            ledger::read(&self.app, revision, poll.now).await?;
        }
        Ok(())
    }
}

/// Remove what ended long ago, and revisions that nothing refers to, while the worker goes on.
fn forget(engine: &Engine) {
    let (store, stop) = (engine.store.clone(), engine.stop.clone());
    let (age, revisions) = (engine.rules.history, engine.rules.revisions);
    let forgets = async move {
        if let Some(age) = age {
            forget_runs(&store, &stop, age.0).await;
        }
        // What runs referred to is free now.
        match revisions::prune(&store, revisions).await {
            Ok(0) => {}
            Ok(removed) => {
                tracing::info!(removed, "old revisions that no run refers to are removed");
            }
            Err(error) => {
                tracing::error!(%error, "old revisions are not removed; again in an hour");
            }
        }
    };
    tokio::spawn(supervision::once("what removes old history", forgets));
}

async fn forget_runs(store: &Store, stop: &CancellationToken, age: Duration) {
    match history::prune(store, age, |_| !stop.is_cancelled()).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "runs that ended long ago are removed"),
        Err(error) => tracing::error!(%error, "history is not removed; again in an hour"),
    }
}

impl Duties for WorkerDuties {
    fn attend<'a>(
        &'a self,
        engine: &'a Engine,
        poll: &'a WorkerPoll,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            match self.attend(engine, poll).await {
                Ok(()) | Err(AppError::NothingApplied) => Ok(()),
                Err(AppError::Store(error)) => Err(error.into()),
                Err(AppError::Engine(error)) => Err(error),
                Err(other) => {
                    tracing::error!(error = %other, "what goes by the clock is not done");
                    Ok(())
                }
            }
        })
    }
}

impl App {
    /// What starts by itself in a revision.
    pub async fn plan(&self, revision: i64) -> Result<Arc<Timetable>, AppError> {
        let loaded = self.loaded_revision(revision).await?;
        let policies = loaded.definitions.policies.values();
        let policies = policies.map(|defined| &defined.value);
        let plan = schedule::plan(revision, loaded.pipelines(), policies);
        Ok(Arc::new(plan))
    }

    /// The gates at which enabled schedules stop, by the name of the schedule.
    pub async fn stops(&self, plan: &Timetable) -> Result<BTreeMap<String, String>, AppError> {
        let loaded = self.loaded_revision(plan.revision).await?;
        let enabled = plan.schedules.iter().filter(|(_, planned)| planned.enabled);
        let stops = enabled.filter_map(|(name, planned)| {
            let pipeline = loaded.pipelines().get(&planned.run.pipeline)?;
            let gate = schedule::stops_at(planned, pipeline)?;
            Some((name.clone(), gate.to_owned()))
        });
        Ok(stops.collect())
    }

    /// Set right what a clock that stood ahead has left behind.
    async fn set_times_right(&self, engine: &Engine, poll: &WorkerPoll) -> Result<(), AppError> {
        let untrue = times::untrue(&engine.store).await?;
        if untrue.is_empty() {
            return Ok(());
        }
        times::set_right(&engine.store, &untrue).await?;
        if let Some(revision) = poll.revision {
            let plan = self.plan(revision).await?;
            schedules::set_right(&engine.store, &plan).await?;
        }
        Ok(())
    }

    /// Fire what is due, with the times of the active revision.
    async fn keep_time(&self, engine: &Engine, poll: &WorkerPoll) -> Result<(), AppError> {
        let (Some(revision), Some(content)) = (poll.revision, &poll.content) else {
            return Ok(());
        };
        let mut known = self.inner.plan.lock().await;
        let plan = match &*known {
            Some((of, plan)) if of == content => {
                if poll.until(poll.schedule_at) != Some(Duration::ZERO) {
                    return Ok(());
                }
                Arc::clone(plan)
            }
            _ => {
                let plan = self.plan(revision).await?;
                if !schedules::sync(self.store(), &plan).await? {
                    return Ok(());
                }
                *known = Some((content.clone(), Arc::clone(&plan)));
                plan
            }
        };
        drop(known);
        self.fire(engine, &plan).await
    }

    async fn fire(&self, engine: &Engine, plan: &Arc<Timetable>) -> Result<(), AppError> {
        let fired = schedules::fire_due(&engine.store, plan).await?;
        for fired in &fired {
            tracing::info!(
                schedule = fired.schedule,
                runs = fired.runs.len(),
                skipped = fired.skipped,
                dropped = fired.dropped,
                "fired"
            );
        }
        if fired.iter().any(|fired| !fired.runs.is_empty()) {
            engine.store.wake().await;
        }
        Ok(())
    }
}
