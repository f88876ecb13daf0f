//! A run on its course, from its claim until it is given back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::engine::checkpoint::{self, PendingCheckpoint};
use crate::engine::held_leases::{LeaseGuard, LeaseNews};
use crate::engine::plan::{self, PlanInput};
use crate::engine::settle::{self, SettleAnswer};
use crate::engine::stage::{ExecutedStage, RunContext, StageExecution};
use crate::engine::{EngineError, progress_log};
use crate::fault;
use crate::store::checkpoints::{Checkpoint, Committed, Then};
use crate::store::claims::ClaimedRun;
use crate::store::gates::{Gate, GateVerdict};
use crate::store::leases::{Lease, RunSignals, StopRequest};
use crate::store::runs::RunStatus;
use crate::store::stage_runs::StageRun;
use crate::store::{StoreError, StoreErrorKind, gates, stage_runs};

/// Whether the run is still in these hands.
#[derive(PartialEq, Eq)]
enum Possession {
    Held,
    GivenBack,
}

/// A run on its course.
pub(super) struct ActiveRun {
    work: RunContext,
    held: Lease,
    /// What reached the run from outside, as far as it is known here.
    told: RunSignals,
    rows: Vec<StageRun>,
    /// Gates that were asked and are not decided.
    asked: BTreeSet<String>,
    under_way: BTreeMap<String, ActiveStage>,
    /// Visits of stages that were executed once more.
    again: BTreeSet<(String, u32)>,
    executions: JoinSet<ExecutedStage>,
    /// The other slots of this worker, until a checkpoint clears the run of suspicion.
    other_slots: Option<OwnedSemaphorePermit>,
    began: Instant,
    /// The worker stops: nothing more begins here.
    drains: bool,
    /// Why the run fails, if it is for no stage to fail.
    failed: Option<String>,
    /// Why no gate is settled without a person any more, if one could not be.
    unsettled: Option<String>,
}

/// A stage that is being executed.
struct ActiveStage {
    /// The newest checkpoint when it began.
    since: i64,
    /// Cancelled when nothing of it can count any more.
    outdated: CancellationToken,
}

/// What a checkpoint brings besides the stage that ended.
struct Continuation {
    rows: Vec<StageRun>,
    gates: Vec<Gate>,
    settled: Vec<(Gate, GateVerdict)>,
    executions: Vec<StageExecution>,
    then: Then,
}

impl ActiveRun {
    pub(super) fn new(
        work: RunContext,
        held: Lease,
        claim: ClaimedRun,
        other_slots: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            work,
            held,
            told: claim.told,
            rows: claim.rows,
            asked: claim.asked,
            under_way: BTreeMap::new(),
            again: BTreeSet::new(),
            executions: JoinSet::new(),
            other_slots,
            began: Instant::now(),
            drains: false,
            failed: None,
            unsettled: None,
        }
    }

    /// Carry it on until it is given back.
    pub(super) async fn finish(mut self, mut hand: LeaseGuard) -> Result<(), EngineError> {
        progress_log::taken(&self.work.run, &self.rows);
        let stop = self.work.engine.stop.clone();
        let news = hand.news.borrow_and_update().clone();
        let mut flow = self.hear(news).await?;
        let mut grace = None;
        while flow == Possession::Held {
            let over = async {
                match grace {
                    Some(end) => tokio::time::sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(ended) = self.executions.join_next() => flow = self.ended(ended).await?,
                Ok(()) = hand.news.changed() => {
                    let news = hand.news.borrow_and_update().clone();
                    flow = self.hear(news).await?;
                }
                () = stop.cancelled(), if grace.is_none() => {
                    fault::point("drain");
                    let rules = &self.work.engine.rules;
                    grace = Some(tokio::time::Instant::now() + rules.drain.0);
                    self.drains = true;
                }
                () = over => {
                    self.abandon();
                    flow = self.settle(None).await?;
                }
            }
        }
        Ok(())
    }

    /// Stop the stages under way; nothing is kept of them.
    fn abandon(&mut self) {
        self.executions.abort_all();
        self.executions.detach_all();
        self.under_way.clear();
    }

    /// Go on as what was said of the run has it.
    async fn hear(&mut self, news: LeaseNews) -> Result<Possession, EngineError> {
        match news {
            LeaseNews::Lost => {
                self.abandon();
                Err(self.lost())
            }
            LeaseNews::Signals(told) => {
                self.learn(told).await?;
                self.settle(None).await
            }
        }
    }

    /// From now on what reached the run counts here: the rows as they stand, and what is asked.
    /// What is said late is known already.
    async fn learn(&mut self, told: RunSignals) -> Result<(), EngineError> {
        if told.signals > self.told.signals {
            self.read_again().await?;
            self.told = told;
        }
        if self.told.stop_request == Some(StopRequest::Cancel) {
            self.abandon();
        }
        self.stop_outdated();
        Ok(())
    }

    /// Stop the stages that the run went back behind: nothing of them would be kept.
    fn stop_outdated(&self) {
        for (stage, under_way) in &self.under_way {
            if plan::went_back(&self.work.pipeline, &self.rows, stage, under_way.since) {
                under_way.outdated.cancel();
            }
        }
    }

    fn lost(&self) -> EngineError {
        EngineError::Lost(self.held.run.clone())
    }

    /// Why nothing more begins, if so, and how the run is given back.
    fn halt(&self) -> Option<(RunStatus, String)> {
        let given_back = || {
            let detail = "given back by a worker that stops".to_owned();
            (RunStatus::Queued, detail)
        };
        let failed = self.failed.clone();
        let failed = failed.map(|detail| (RunStatus::Failed, detail));
        failed
            .or_else(|| checkpoint::stop_requested(&self.told))
            .or_else(|| self.drains.then(given_back))
    }

    async fn ended(
        &mut self,
        ended: Result<ExecutedStage, tokio::task::JoinError>,
    ) -> Result<Possession, EngineError> {
        let ended = ended.map_err(|error| EngineError::Refused {
            run: self.held.run.clone(),
            problem: format!("lost a stage: {error}"),
        })?;
        let stage = self.work.pipeline.stages[ended.index].id();
        self.under_way.remove(stage);
        let now = self.work.engine.clock.now();
        let pending = checkpoint::pending(&self.work, &self.rows, ended, now);
        self.settle(Some(pending)).await
    }

    /// Keep a stage that ended, find what comes next, and begin it.
    async fn settle(
        &mut self,
        mut pending: Option<PendingCheckpoint>,
    ) -> Result<Possession, EngineError> {
        let mut refusals = 0;
        loop {
            if let Some(pending) = &pending {
                pending.count(&mut self.rows, &mut self.asked);
            }
            let next = self.next();
            let nothing = pending.is_none() && next.rows.is_empty() && next.gates.is_empty();
            if nothing && matches!(next.then, Then::GoOn { .. }) {
                self.begin(next.executions);
                return Ok(Possession::Held);
            }
            let checkpoint = self.checkpoint(pending.as_ref(), &next);
            match self.commit(checkpoint).await {
                Ok(Committed::Kept(told)) => {
                    if let Some(settled) = self.on_kept(pending.take(), next, told).await? {
                        return Ok(settled);
                    }
                }
                Ok(Committed::Outdated(told)) => self.on_outdated(pending.as_mut(), told).await?,
                Ok(Committed::Lost) => return Err(self.lost()),
                Err(EngineError::Store(error)) => {
                    pending = self
                        .on_refused(pending, &next, &mut refusals, error)
                        .await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What was committed counts, and what comes next begins. `None` if a signal came with it, after
    /// which something else may come next.
    async fn on_kept(
        &mut self,
        pending: Option<PendingCheckpoint>,
        next: Continuation,
        told: RunSignals,
    ) -> Result<Option<Possession>, EngineError> {
        self.count(pending);
        progress_log::gates_opened(&next.gates);
        progress_log::gates_settled(&next.settled);
        progress_log::given_back(&self.work.run, &next.then);
        if !matches!(next.then, Then::GoOn { .. }) {
            return Ok(Some(Possession::GivenBack));
        }
        self.begin(next.executions);
        if told.signals <= self.told.signals {
            return Ok(Some(Possession::Held));
        }
        self.learn(told).await?;
        Ok(None)
    }

    /// A signal came before the commit: what follows from the stage is decided anew.
    async fn on_outdated(
        &mut self,
        pending: Option<&mut PendingCheckpoint>,
        told: RunSignals,
    ) -> Result<(), EngineError> {
        self.learn(told).await?;
        if let Some(pending) = pending {
            pending.after(&self.work.pipeline, &self.rows);
        }
        Ok(())
    }

    /// What the database refuses for good is the stage's failure; if there is no stage to fail, or its
    /// failure is refused as well, the run fails. Gives what is to be kept instead.
    async fn on_refused(
        &mut self,
        pending: Option<PendingCheckpoint>,
        next: &Continuation,
        refusals: &mut u32,
        error: StoreError,
    ) -> Result<Option<PendingCheckpoint>, EngineError> {
        // A tenant refuses what a rule settled: then a person is asked.
        if !next.settled.is_empty() && error.is_for_good() {
            self.unsettled = Some(error.to_string());
            self.read_again().await?;
            return Ok(pending);
        }
        if *refusals == 0 && self.is_executed_again(pending.as_ref(), &error) {
            self.read_again().await?;
            return Ok(None);
        }
        if *refusals < 2 && checkpoint::is_refused(pending.as_ref(), &error) {
            let first = *refusals == 0;
            *refusals += 1;
            return self.refused(pending.filter(|_| first), &error).await;
        }
        Err(
            match pending.filter(|_| error.kind == StoreErrorKind::Denied) {
                Some(pending) => EngineError::Unkept {
                    stage: pending.row.stage,
                    error,
                },
                None => EngineError::Store(error),
            },
        )
    }

    /// Whether a stage is executed once more before its refusal is final.
    fn is_executed_again(
        &mut self,
        pending: Option<&PendingCheckpoint>,
        error: &StoreError,
    ) -> bool {
        let Some(pending) = pending.filter(|pending| checkpoint::came_late(pending, error)) else {
            return false;
        };
        let (run, stage) = (&self.held.run, &pending.row.stage);
        tracing::warn!(run, stage, %error, "another run was faster");
        self.again.insert((stage.clone(), pending.row.visit))
    }

    /// As if nothing had happened: the stage failed, or else the run does.
    async fn refused(
        &mut self,
        pending: Option<PendingCheckpoint>,
        error: &StoreError,
    ) -> Result<Option<PendingCheckpoint>, EngineError> {
        let run = &self.held.run;
        tracing::warn!(run, %error, "a checkpoint is refused for good");
        self.read_again().await?;
        let Some(mut pending) = pending else {
            self.abandon();
            self.failed = Some(format!("its checkpoint was refused: {error}"));
            return Ok(None);
        };
        pending.refuse(&self.work.pipeline, &self.rows, error);
        Ok(Some(pending))
    }

    /// Learn from the database how the run stands.
    async fn read_again(&mut self) -> Result<(), EngineError> {
        let (store, run) = (&self.work.engine.store, &self.held.run);
        self.rows = stage_runs::of_run(store, run).await?;
        let open = gates::open_of_run(store, run).await?;
        self.asked = open.into_iter().map(|gate| gate.stage).collect();
        Ok(())
    }

    /// What comes next once these rows count; skipped stages and asked gates are added.
    fn next(&mut self) -> Continuation {
        let now = self.work.engine.clock.now();
        let mut next = Continuation {
            rows: Vec::new(),
            gates: Vec::new(),
            settled: Vec::new(),
            executions: Vec::new(),
            then: Then::GoOn {
                lease: self.work.engine.rules.lease.0,
            },
        };
        if let Some(halt) = self.halt() {
            if self.under_way.is_empty() {
                next.then = checkpoint::halted(halt, now);
            }
            return next;
        }
        let under_way = self.under_way.keys().cloned().collect();
        loop {
            let plan_input = PlanInput {
                pipeline: &self.work.pipeline,
                input: &self.work.run.input,
                rows: &self.rows,
                under_way: &under_way,
                asked: &self.asked,
                now,
            };
            let plan = plan_input.plan();
            if let Some((stage, why)) = plan.skips.first() {
                let row = checkpoint::skipped(&self.work.run, stage, why, &self.rows, now);
                next.rows.push(row.clone());
                self.rows.push(row);
                continue;
            }
            if let Some(stage) = plan.gates.first() {
                let stage = stage.id().to_owned();
                self.gate(&stage, now, &mut next);
                continue;
            }
            let executions = plan.stages.iter();
            next.executions = executions
                .filter_map(|stage| StageExecution::new(&self.work, stage, &self.rows))
                .collect();
            if next.executions.is_empty() && self.under_way.is_empty() {
                next.then = checkpoint::rest(plan.rest, now);
            }
            return next;
        }
    }

    /// Ask what a gate asks, or pass it if a stage may settle it and did.
    fn gate(&mut self, stage: &str, now: Timestamp, next: &mut Continuation) {
        let Some(stage) = self.work.pipeline.stage(stage) else {
            return;
        };
        let mut gate = checkpoint::gate(&self.work, stage, &self.rows, now);
        let mut said = settle::said(stage, &self.rows, &self.work.runnable.registry);
        if let (SettleAnswer::Approved(verdict), Some(why)) = (&said, &self.unsettled) {
            said = SettleAnswer::Ask(format!("{}: {why}", verdict.by));
        }
        match said {
            SettleAnswer::Approved(verdict) => {
                let row = settle::passed(&gate, stage, &self.rows, now);
                next.rows.push(row.clone());
                self.rows.push(row);
                next.settled.push((gate, verdict));
                return;
            }
            SettleAnswer::Ask(why) => gate.question = settle::asked(&gate.question, &why),
            SettleAnswer::Nobody => {}
        }
        next.gates.push(gate);
        self.asked.insert(stage.id().to_owned());
    }

    fn checkpoint(&self, pending: Option<&PendingCheckpoint>, next: &Continuation) -> Checkpoint {
        let run = &self.work.run;
        let (held, spent) = (self.held.clone(), run.spent + self.began.elapsed());
        let mut checkpoint = Checkpoint::blank(held, self.told.signals, spent, next.then.clone());
        checkpoint
            .rows
            .extend(pending.map(|pending| pending.row.clone()));
        checkpoint.rows.extend(next.rows.iter().cloned());
        checkpoint.gates.clone_from(&next.gates);
        checkpoint.settled.clone_from(&next.settled);
        if run.settings.is_none() {
            checkpoint.settings = Some(self.work.runnable.digest.clone());
        }
        if let Some(pending) = pending {
            checkpoint.superseded.clone_from(&pending.superseded);
            checkpoint.writes.clone_from(&pending.writes);
            checkpoint.writer.clone_from(&pending.writer);
            checkpoint.left = pending.left;
        }
        let registry = &self.work.runnable.registry;
        checkpoint.effects = checkpoint::effects(run, checkpoint.rows.iter(), registry);
        checkpoint
    }

    /// Commit; gives what came of it.
    async fn commit(&self, checkpoint: Checkpoint) -> Result<Committed, EngineError> {
        fault::point("before-commit");
        if matches!(checkpoint.then, Then::End { .. }) {
            fault::point("before-end");
        }
        if !checkpoint.gates.is_empty() {
            fault::point("before-gate");
        }
        let asks = !checkpoint.gates.is_empty();
        let committed = super::keep(&self.work.engine, checkpoint).await?;
        fault::point("after-commit");
        if asks {
            fault::point("after-gate");
        }
        Ok(committed)
    }

    /// What was committed counts from now on.
    fn count(&mut self, pending: Option<PendingCheckpoint>) {
        self.other_slots = None;
        self.stop_outdated();
        if let Some(pending) = pending {
            let watcher = &self.work.engine.watcher;
            watcher.stage_ended(&self.work.run, &pending.row);
            progress_log::stage_ended(&pending.row);
        }
    }

    fn begin(&mut self, executions: Vec<StageExecution>) {
        for execution in executions {
            fault::point("before-successor");
            let (since, outdated) = (execution.since, execution.outdated.clone());
            let under_way = ActiveStage { since, outdated };
            self.under_way
                .insert(execution.stage().to_owned(), under_way);
            self.executions.spawn(execution.execute());
        }
    }
}
