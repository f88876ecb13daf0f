//! Carry a claimed run on: begin what can begin, keep what ends, until the run ends, waits,
//! stands before a gate, or is given back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sha2::Digest as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;

use super::checkpoint::{self, Kept};
use super::clock::after;
use super::hands::{self, InHand, Interrupt};
use super::plan::{Rest, Standing};
use super::stage::{Ended, Turn, Work};
use super::{Engine, EngineError, LineUp, progress_log};
use crate::fault;
use crate::store::checkpoints::{Checkpoint, Then};
use crate::store::claims::Claim;
use crate::store::gates::Gate;
use crate::store::leases::{Held, Told};
use crate::store::runs::{Run, RunStatus};
use crate::store::stage_runs::StageRun;
use crate::store::{StoreError, findings, gates, stage_runs};

/// When a blocked run looks again whether it can go on.
const BLOCKED_LOOK: Duration = Duration::from_secs(60);

/// Carry a run on as far as it goes now. What is wrong with its line-up blocks it. A suspect
/// has all places of its worker: `alone`, the others, is given back at its first checkpoint.
pub(super) async fn advance(
    engine: &Engine,
    claim: Claim,
    line_up: Result<Arc<LineUp>, EngineError>,
    alone: Option<OwnedSemaphorePermit>,
) -> Result<(), EngineError> {
    let held = Held {
        run: claim.run.id.clone(),
        fence: claim.fence,
    };
    let hand = engine.hands.take(held.clone(), &claim.told);
    let run = Arc::new(claim.run.clone());
    let problem = match line_up {
        Err(EngineError::Store(error)) => return Err(error.into()),
        Err(error) => error.to_string(),
        Ok(line_up) => match prepared(engine, &run, &line_up).await? {
            Ok(work) => return Course::new(work, held, claim, alone).finish(hand).await,
            Err(problem) => problem,
        },
    };
    let then = Then::Rest {
        status: RunStatus::Blocked,
        detail: problem,
        wake_at: after(engine.clock.now(), BLOCKED_LOOK),
    };
    let blank = Checkpoint::blank(held, claim.told.signals, run.spent, then);
    engine.executor.checkpoint(blank).await?;
    Ok(())
}

/// The roll call of one pipeline, before anything is spent: the work, or what is missing.
async fn prepared(
    engine: &Engine,
    run: &Arc<Run>,
    line_up: &Arc<LineUp>,
) -> Result<Result<Work, String>, EngineError> {
    let Some(pipeline) = line_up.pipelines.get(&run.pipeline) else {
        let error = EngineError::NoPipeline(run.pipeline.clone());
        return Ok(Err(error.to_string()));
    };
    let key = format!("config:{}:", run.pipeline);
    let misses = line_up.misses_of(pipeline);
    if misses.is_empty() {
        // The detail of a run that has been blocked says so until it goes on.
        if !run.detail.is_empty() {
            findings::resolve(&engine.store, &key).await?;
        }
        return Ok(Ok(Work {
            engine: engine.clone(),
            line_up: Arc::clone(line_up),
            pipeline: Arc::clone(pipeline),
            run: Arc::clone(run),
            deadline: Instant::now() + pipeline.budget.0.saturating_sub(run.spent),
        }));
    }
    let problems = misses.iter().filter_map(|reference| {
        let miss = reference.miss.as_ref()?;
        Some(format!(
            "{}: {}; {}",
            reference.referrer, miss.problem, miss.mend
        ))
    });
    let problem = problems.collect::<Vec<_>>().join("; ");
    let digest = crate::settings::hex(&sha2::Sha256::digest(&problem));
    let (key, subject) = (format!("{key}{digest}"), &run.pipeline);
    if findings::raise(&engine.store, &key, "config", subject, &problem).await? {
        tracing::error!(pipeline = subject, problem, "runs of it are blocked");
    }
    Ok(Err(problem))
}

/// Whether the run is still in these hands.
#[derive(PartialEq, Eq)]
enum Flow {
    UnderWay,
    GivenBack,
}

/// A run on its course.
struct Course {
    work: Work,
    held: Held,
    signals: i64,
    rows: Vec<StageRun>,
    /// Gates that were asked and are not decided.
    asked: BTreeSet<String>,
    under_way: BTreeSet<String>,
    /// Of those under way: a loop has gone back behind them, so they do not count.
    stale: BTreeSet<String>,
    turns: JoinSet<Ended>,
    /// The other places of this worker, until a checkpoint clears the run of suspicion.
    alone: Option<OwnedSemaphorePermit>,
    began: Instant,
    /// Nothing more begins; the run is given back like this.
    halt: Option<(RunStatus, String)>,
}

/// What a checkpoint brings besides the stage that ended.
struct Next {
    rows: Vec<StageRun>,
    gates: Vec<Gate>,
    turns: Vec<Turn>,
    then: Then,
}

impl Course {
    fn new(work: Work, held: Held, claim: Claim, alone: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            work,
            held,
            signals: claim.told.signals,
            rows: claim.rows,
            asked: claim.asked,
            under_way: BTreeSet::new(),
            stale: BTreeSet::new(),
            turns: JoinSet::new(),
            alone,
            began: Instant::now(),
            halt: None,
        }
    }

    /// Carry it on until it is given back.
    async fn finish(mut self, mut hand: InHand) -> Result<(), EngineError> {
        progress_log::taken(&self.work.run, &self.rows);
        let stop = self.work.engine.stop.clone();
        let wished = hand.interrupt.borrow_and_update().clone();
        let mut flow = match wished {
            Some(interrupt) => self.interrupted(interrupt).await?,
            None => self.settle(None).await?,
        };
        let mut grace = None;
        while flow == Flow::UnderWay {
            let over = async {
                match grace {
                    Some(end) => tokio::time::sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(ended) = self.turns.join_next() => flow = self.ended(ended).await?,
                changed = hand.interrupt.changed() => {
                    let interrupt = hand.interrupt.borrow_and_update().clone();
                    if let (Ok(()), Some(interrupt)) = (changed, interrupt) {
                        flow = self.interrupted(interrupt).await?;
                    }
                }
                () = stop.cancelled(), if grace.is_none() => {
                    fault::point("drain");
                    let rules = &self.work.engine.rules;
                    grace = Some(tokio::time::Instant::now() + rules.drain.0);
                    let detail = "given back by a worker that stops".to_owned();
                    self.halt.get_or_insert((RunStatus::Queued, detail));
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
        self.turns.abort_all();
        self.turns.detach_all();
        self.under_way.clear();
        self.stale.clear();
    }

    async fn interrupted(&mut self, interrupt: Interrupt) -> Result<Flow, EngineError> {
        match interrupt {
            Interrupt::Lost => {
                self.abandon();
                Err(EngineError::Lost(self.held.run.clone()))
            }
            Interrupt::Cancel(detail) => {
                self.abandon();
                let status = RunStatus::Cancelled;
                self.halt = Some((status, detail));
                self.settle(None).await
            }
            Interrupt::Pause(detail) => {
                self.halt = Some((RunStatus::Paused, detail));
                if self.turns.is_empty() {
                    return self.settle(None).await;
                }
                Ok(Flow::UnderWay)
            }
        }
    }

    async fn ended(
        &mut self,
        ended: Result<Ended, tokio::task::JoinError>,
    ) -> Result<Flow, EngineError> {
        let ended = ended.map_err(|error| EngineError::Refused {
            run: self.held.run.clone(),
            problem: format!("lost a stage: {error}"),
        })?;
        let stage = self.work.pipeline.stages[ended.index].id().to_owned();
        self.under_way.remove(&stage);
        let now = self.work.engine.clock.now();
        let mut kept = checkpoint::keep(&self.work, &self.rows, ended, now);
        if self.stale.remove(&stage) {
            kept.row.superseded = true;
            kept.superseded.clear();
        }
        self.settle(Some(kept)).await
    }

    /// Keep a stage that ended, find what comes next, and begin it. What the database refuses
    /// for good is the stage's failure; if there is no stage to fail, or its failure is refused
    /// as well, the run fails.
    async fn settle(&mut self, mut kept: Option<Kept>) -> Result<Flow, EngineError> {
        let mut refusals = 0;
        loop {
            if let Some(kept) = &kept {
                count(&mut self.rows, &mut self.asked, kept);
            }
            let next = self.next();
            let nothing = kept.is_none() && next.rows.is_empty() && next.gates.is_empty();
            if nothing && matches!(next.then, Then::GoOn { .. }) {
                self.begin(next.turns);
                return Ok(Flow::UnderWay);
            }
            match self.commit(self.checkpoint(kept.as_ref(), &next)).await {
                Ok(told) => {
                    self.kept(kept.as_ref());
                    return self.go_on(told, next).await;
                }
                Err(EngineError::Store(error))
                    if refusals < 2 && checkpoint::is_refused(kept.as_ref(), &error) =>
                {
                    let first = refusals == 0;
                    refusals += 1;
                    kept = self.refused(kept.filter(|_| first), &error).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// As if nothing had happened: the stage failed, or else the run does.
    async fn refused(
        &mut self,
        kept: Option<Kept>,
        error: &StoreError,
    ) -> Result<Option<Kept>, EngineError> {
        let run = &self.held.run;
        tracing::warn!(run, %error, "a checkpoint is refused for good");
        self.read_again().await?;
        let Some(mut kept) = kept else {
            self.abandon();
            let detail = format!("its checkpoint was refused: {error}");
            self.halt = Some((RunStatus::Failed, detail));
            return Ok(None);
        };
        kept.refuse(&self.work.pipeline, &self.rows, error);
        Ok(Some(kept))
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
    fn next(&mut self) -> Next {
        let now = self.work.engine.clock.now();
        let mut next = Next {
            rows: Vec::new(),
            gates: Vec::new(),
            turns: Vec::new(),
            then: Then::GoOn {
                lease: self.work.engine.rules.lease.0,
            },
        };
        if let Some(halt) = &self.halt {
            if self.under_way.is_empty() {
                next.then = halted(halt, now);
            }
            return next;
        }
        loop {
            let standing = Standing {
                pipeline: &self.work.pipeline,
                input: &self.work.run.input,
                rows: &self.rows,
                under_way: &self.under_way,
                asked: &self.asked,
                now,
            };
            let plan = standing.plan();
            if let Some((stage, why)) = plan.skips.first() {
                let row = checkpoint::skipped(&self.work.run, stage, why, &self.rows, now);
                next.rows.push(row.clone());
                self.rows.push(row);
                continue;
            }
            if let Some(stage) = plan.gates.first() {
                let gate = checkpoint::gate(&self.work.run, stage, &self.rows, now);
                next.gates.push(gate);
                self.asked.insert(stage.id().to_owned());
                continue;
            }
            let turns = plan.stages.iter();
            next.turns = turns
                .filter_map(|stage| Turn::new(&self.work, stage, &self.rows))
                .collect();
            if next.turns.is_empty() && self.under_way.is_empty() {
                next.then = rest(plan.rest, now);
            }
            return next;
        }
    }

    fn checkpoint(&self, kept: Option<&Kept>, next: &Next) -> Checkpoint {
        let run = &self.work.run;
        let (held, spent) = (self.held.clone(), run.spent + self.began.elapsed());
        let mut checkpoint = Checkpoint::blank(held, self.signals, spent, next.then.clone());
        checkpoint.rows.extend(kept.map(|kept| kept.row.clone()));
        checkpoint.rows.extend(next.rows.iter().cloned());
        checkpoint.gates.clone_from(&next.gates);
        if run.settings.is_none() {
            checkpoint.settings = Some(self.work.line_up.digest.clone());
        }
        if let Some(kept) = kept {
            checkpoint.superseded.clone_from(&kept.superseded);
            checkpoint.writes.clone_from(&kept.writes);
            checkpoint.plugin.clone_from(&kept.plugin);
        }
        if matches!(next.then, Then::End { .. }) {
            checkpoint.effects = checkpoint::effects(run, &self.rows);
        }
        checkpoint
    }

    /// Commit; gives what the holder has to know now.
    async fn commit(&self, checkpoint: Checkpoint) -> Result<Told, EngineError> {
        fault::point("before-commit");
        if matches!(checkpoint.then, Then::End { .. }) {
            fault::point("before-end");
        }
        if !checkpoint.gates.is_empty() {
            fault::point("before-gate");
        }
        let asks = !checkpoint.gates.is_empty();
        let told = self.work.engine.executor.checkpoint(checkpoint).await?;
        fault::point("after-commit");
        if asks {
            fault::point("after-gate");
        }
        told.ok_or_else(|| EngineError::Lost(self.held.run.clone()))
    }

    /// What was committed counts from now on.
    fn kept(&mut self, kept: Option<&Kept>) {
        self.alone = None;
        if let Some(kept) = kept {
            let watcher = &self.work.engine.watcher;
            watcher.stage_ended(&self.work.run, &kept.row);
            progress_log::stage_ended(&kept.row);
            let behind = kept.superseded.iter();
            let stale = behind.filter(|stage| self.under_way.contains(*stage));
            self.stale.extend(stale.cloned());
        }
    }

    async fn go_on(&mut self, told: Told, next: Next) -> Result<Flow, EngineError> {
        progress_log::gates_opened(&next.gates);
        progress_log::given_back(&self.work.run, &next.then);
        if !matches!(next.then, Then::GoOn { .. }) {
            return Ok(Flow::GivenBack);
        }
        // A wish is heard at the checkpoint, before anything else begins.
        if let Some(interrupt) = hands::interrupt(&told) {
            return Box::pin(self.interrupted(interrupt)).await;
        }
        self.begin(next.turns);
        if told.signals != self.signals {
            self.signals = told.signals;
            self.read_again().await?;
            return Box::pin(self.settle(None)).await;
        }
        Ok(Flow::UnderWay)
    }

    fn begin(&mut self, turns: Vec<Turn>) {
        for turn in turns {
            fault::point("before-successor");
            self.under_way.insert(turn.stage().to_owned());
            self.turns.spawn(turn.take());
        }
    }
}

/// A stage that ended counts: its row, and what a loop sends back.
fn count(rows: &mut Vec<StageRun>, asked: &mut BTreeSet<String>, kept: &Kept) {
    let visit = (&kept.row.stage, kept.row.visit);
    rows.retain(|row| (&row.stage, row.visit) != visit);
    rows.push(kept.row.clone());
    for row in rows.iter_mut() {
        row.superseded |= kept.superseded.contains(&row.stage);
    }
    asked.retain(|gate| !kept.superseded.contains(gate));
}

fn rest(rest: Rest, now: Timestamp) -> Then {
    match rest {
        Rest::Ended(end) => Then::End {
            status: end.status,
            detail: end.detail,
        },
        Rest::Waiting { wake_at, detail } => Then::Rest {
            status: RunStatus::Waiting,
            detail,
            wake_at,
        },
        Rest::Gated { detail } => Then::Rest {
            status: RunStatus::Gated,
            detail,
            wake_at: now,
        },
    }
}

fn halted(halt: &(RunStatus, String), now: Timestamp) -> Then {
    let (status, detail) = halt.clone();
    if status.is_final() {
        return Then::End { status, detail };
    }
    Then::Rest {
        status,
        detail,
        wake_at: now,
    }
}
