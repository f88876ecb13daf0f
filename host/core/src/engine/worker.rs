//! A worker: claims runs that are due and carries them out, a few at a time, until it is told
//! to stop. Then it claims no more and lets what is under way come to a checkpoint.
//!
//! It claims when this or another process queues a run, when a run that waits is due, and when a
//! run has ended. Besides that it asks the database one question a second ([`poll`]).

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::{Engine, EngineError, RunnableRevision, damage, gate};
use crate::fault;
use crate::store::claims::ClaimedRun;
use crate::store::leases::Recovered;
use crate::store::poll::{self, WorkerPoll};
use crate::store::runs::Run;
use crate::store::{Store, StoreError, findings, workers};
use crate::supervision;

/// How often the database is asked what there is to do: seldom enough that, with the three
/// questions about the ledger and about times each minute, and a row that is written to see that
/// one can be, an idle process asks sixty a minute at most.
const PULSE: Duration = Duration::from_millis(1150);
/// How long the place of a run that ended may stay empty while others are under way.
const TOGETHER: Duration = Duration::from_millis(2);
/// The pause after the database did not answer.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// What a worker does besides carrying runs out, when its time has come.
pub trait Duties: Send + Sync {
    /// Fire the schedules that are due, and look after what goes by the clock.
    fn attend<'a>(
        &'a self,
        engine: &'a Engine,
        poll: &'a WorkerPoll,
    ) -> BoxFuture<'a, Result<(), EngineError>>;
}

/// Work until the engine is told to stop.
pub fn work(engine: Engine, duties: Arc<dyn Duties>) -> BoxFuture<'static, ()> {
    let slots = usize::try_from(engine.rules.slots)
        .unwrap_or(usize::MAX)
        .max(1);
    let worker = Worker {
        free: Arc::new(Semaphore::new(slots)),
        ended: Arc::default(),
        tasks: TaskTracker::new(),
        expiring: Arc::new(Semaphore::new(1)),
        duties,
        engine,
    };
    Box::pin(async move { worker.work(slots).await })
}

/// A runnable revision that several runs may wait for.
type Sought = Shared<BoxFuture<'static, Result<Arc<RunnableRevision>, EngineError>>>;

struct Worker {
    engine: Engine,
    duties: Arc<dyn Duties>,
    free: Arc<Semaphore>,
    /// Told when a run gives its place back.
    ended: Arc<tokio::sync::Notify>,
    tasks: TaskTracker,
    /// One looks at a time which gates lapse.
    expiring: Arc<Semaphore>,
}

impl Worker {
    async fn work(&self, slots: usize) {
        self.open().await;
        let mut woken = self.engine.store.woken();
        let mut look_at = Instant::now();
        let (mut wanted, mut suspect) = (true, None);
        self.engine.store.now_looked();
        while !self.engine.stop.is_cancelled() {
            if let Err(error) = self.engine.store.is_sound() {
                tracing::error!(%error, "no run is taken any more");
                self.engine.stop.cancelled().await;
                break;
            }
            if look_at <= Instant::now() {
                look_at = Instant::now() + self.poll(&mut wanted, &mut suspect).await;
            }
            if wanted && self.free.available_permits() > 0 {
                wanted = self.claim(slots, suspect).await;
            }
            if wanted && self.free.available_permits() > 0 {
                continue;
            }
            tokio::select! {
                () = self.engine.stop.cancelled() => {}
                () = self.ended.notified() => {
                    // Under load others end in this moment; one claim is for all of them.
                    if self.free.available_permits() < slots {
                        tokio::time::sleep(TOGETHER).await;
                    }
                    wanted = true;
                }
                () = woken.changed() => wanted = true,
                () = self.engine.executor.offered() => wanted = true,
                () = tokio::time::sleep_until(look_at.into()) => {}
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = workers::ended(&self.engine.store, &self.engine.worker).await {
            tracing::debug!(%error, "it is remembered for a while");
        }
    }

    /// Take part in what hands out runs; until that is there, there is nothing to do.
    async fn open(&self) {
        let (executor, stop) = (&self.engine.executor, &self.engine.stop);
        while let Err(error) = executor.open(stop).await {
            tracing::error!(%error, "the worker gets no runs yet");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(AFTER_FAILURE) => {}
            }
        }
    }

    /// Ask what there is to do, and do what is neither a claim nor a heartbeat. Gives how long
    /// to wait before asking again.
    async fn poll(&self, wanted: &mut bool, suspect: &mut Option<Duration>) -> Duration {
        match self.attend().await {
            Ok(poll) => {
                let due = poll.until(poll.due_at);
                *wanted |= due == Some(Duration::ZERO);
                *suspect = poll.since(poll.suspect_at);
                let times = [
                    due,
                    poll.until(poll.lease_at),
                    poll.until(poll.schedule_at),
                    poll.until(poll.gate_at),
                ];
                let soon = times.into_iter().flatten().filter(|left| !left.is_zero());
                soon.min()
                    .unwrap_or(PULSE)
                    .clamp(Duration::from_millis(5), PULSE)
            }
            Err(error) => {
                tracing::error!(%error, "the worker cannot look what there is to do");
                AFTER_FAILURE
            }
        }
    }

    async fn attend(&self) -> Result<WorkerPoll, EngineError> {
        let engine = &self.engine;
        fault::point("before-look");
        let poll = poll::ask(&engine.store, &engine.worker, engine.rules.suspect()).await?;
        engine.clock.set(poll.now);
        if poll.until(poll.lease_at) == Some(Duration::ZERO) {
            recover(engine).await?;
        }
        engine.leases.compare(poll.signals);
        if poll.until(poll.gate_at) == Some(Duration::ZERO) {
            self.expire();
        }
        self.duties.attend(engine, &poll).await?;
        Ok(poll)
    }

    /// Have gates lapse whose time has passed, beside whatever else is done: the runnable revision of a run
    /// may have to be made for it, and no claim waits for that.
    fn expire(&self) {
        let Ok(turn) = Arc::clone(&self.expiring).try_acquire_owned() else {
            return;
        };
        let engine = self.engine.clone();
        self.tasks.spawn(async move {
            let expired = tokio::select! {
                () = engine.stop.cancelled() => Ok(()),
                expired = gate::expire(&engine) => expired,
            };
            if let Err(error) = expired {
                tracing::error!(%error, "cannot look which gates lapse");
            }
            drop(turn);
        });
    }

    /// Claim and begin; says whether there may be more. A suspect that is due is taken with
    /// empty hands; they are emptied for it once it has waited for as long as a lease.
    async fn claim(&self, slots: usize, suspect: Option<Duration>) -> bool {
        let free = self.free.available_permits().min(slots);
        fault::point("before-claim");
        if suspect.is_some() && free == slots {
            if self.claim_suspect(slots).await {
                return false;
            }
        } else if suspect.is_some_and(|waited| waited > self.engine.rules.lease.0) {
            return false;
        }
        let claims = match self.engine.executor.claim(free).await {
            Ok(claims) => claims,
            Err(error) => {
                tracing::error!(%error, "cannot claim runs");
                tokio::time::sleep(AFTER_FAILURE).await;
                return true;
            }
        };
        let more = claims.len() == free;
        self.begin(claims).await;
        more
    }

    /// Take a suspect and all slots with it; whether there was one.
    async fn claim_suspect(&self, slots: usize) -> bool {
        let claim = match self.engine.executor.claim_suspect().await {
            Ok(Some(claim)) => claim,
            Ok(None) => return false,
            Err(error) => {
                tracing::error!(%error, "cannot claim a run that is carried out alone");
                return false;
            }
        };
        let (run, pipeline) = (&claim.run.id, &claim.run.pipeline);
        tracing::warn!(
            run,
            pipeline,
            "carried out alone: it lost its worker again and again"
        );
        let others = u32::try_from(slots - 1).unwrap_or(u32::MAX);
        let other_slots = Arc::clone(&self.free).acquire_many_owned(others).await.ok();
        let runnable = self.seek(&claim.run);
        self.carry_on(claim, runnable, other_slots).await;
        true
    }

    /// Begin claimed runs. Those that start now share one look at the settings; each waits for
    /// its own runnable revision, while the next claims are made.
    async fn begin(&self, claims: Vec<ClaimedRun>) {
        let mut fresh: BTreeMap<i64, Sought> = BTreeMap::new();
        for claim in claims {
            self.engine.clock.set(claim.now);
            let run = &claim.run;
            let seek = || self.seek(run);
            let runnable = if run.settings.is_some() {
                seek()
            } else {
                fresh.entry(run.revision).or_insert_with(seek).clone()
            };
            self.carry_on(claim, runnable, None).await;
        }
    }

    fn seek(&self, run: &Run) -> Sought {
        let (engine, run) = (self.engine.clone(), run.clone());
        async move { engine.runnable(&run).await }.boxed().shared()
    }

    async fn carry_on(
        &self,
        claim: ClaimedRun,
        runnable: Sought,
        other_slots: Option<OwnedSemaphorePermit>,
    ) {
        let Ok(place) = Arc::clone(&self.free).acquire_owned().await else {
            return;
        };
        let (engine, ended) = (self.engine.clone(), Arc::clone(&self.ended));
        self.tasks.spawn(async move {
            let id = claim.run.id.clone();
            let advanced = damage::advance(&engine, claim, runnable, other_slots);
            let advanced = AssertUnwindSafe(supervision::once("what carries a run out", advanced));
            match advanced.catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(run = id, %error, "run left as it is"),
                Err(_) => tracing::error!(run = id, "run left until its lease has run out"),
            }
            drop(place);
            ended.notify_one();
        });
    }
}

/// Take back the runs of silent workers; one that keeps killing them is a finding.
async fn recover(engine: &Engine) -> Result<(), StoreError> {
    let recovered = engine.executor.recover().await?;
    if !recovered.is_empty() {
        engine.store.wake().await;
    }
    report(&engine.store, &recovered).await
}

/// Say which runs were taken back.
pub async fn report(store: &Store, recovered: &[Recovered]) -> Result<(), StoreError> {
    for recovered in recovered {
        tracing::warn!(
            run = recovered.run,
            pipeline = recovered.pipeline,
            blocked = recovered.blocked,
            "taken back from a silent worker"
        );
        if recovered.blocked {
            let key = format!("poisoned:{}", recovered.run);
            let message = format!(
                "run {} lost its worker again and again; it is blocked",
                recovered.run
            );
            findings::raise(store, &key, "poisoned", &recovered.pipeline, &message).await?;
        }
    }
    Ok(())
}
