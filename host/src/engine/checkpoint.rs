//! Keep what came of a stage: the outcome, the deferred writes and what becomes of the run,
//! in one transaction under the fence.

use std::time::Duration;

use jiff::Timestamp;

use super::plan::{self, End, Next};
use super::stage::Work;
use super::{Engine, EngineError};
use crate::grants::Grants;
use crate::outcome::{Failure, FailureKind, Outcome, Stop};
use crate::pipeline::{Follow, Stage};
use crate::registry::Origin;
use crate::store::gates::Gate;
use crate::store::runs::{self, Claim, Progress, Run, RunStatus};
use crate::store::stage_runs::{self, StageRun};
use crate::store::{StoreError, StoreErrorKind, Transaction, gates, granted, policy_runs};
use crate::value::Statement;

/// The first pause of a held stage; it doubles up to [`LONGEST_HOLD`].
const FIRST_HOLD: Duration = Duration::from_secs(5);
const LONGEST_HOLD: Duration = Duration::from_secs(300);

/// A stage that has been executed and is not kept yet.
pub(super) struct Ended<'a> {
    pub(super) stage: &'a Stage,
    pub(super) handler: &'a str,
    pub(super) attempts: u32,
    pub(super) outcome: Outcome,
    pub(super) started_at: Timestamp,
    /// What the run's stages took, this one included.
    pub(super) spent: Duration,
}

/// One checkpoint, ready to be committed.
struct Record {
    row: StageRun,
    superseded: Vec<String>,
    progress: Progress,
    /// The plugin that the deferred writes run as; native writes have none.
    plugin: Option<(String, Grants)>,
}

/// Commit the checkpoint of a stage. Deferred writes that the database refuses turn the
/// outcome into a failure, which is then kept instead.
pub(super) async fn keep(
    work: &Work<'_>,
    claim: &Claim,
    rows: &[StageRun],
    mut ended: Ended<'_>,
) -> Result<Run, EngineError> {
    loop {
        let record = record(work, claim, rows, &ended);
        let (row, progress) = (record.row.clone(), record.progress.clone());
        match commit(work.engine, claim, record).await {
            Ok(()) => {
                work.engine.watcher.stage_ended(&claim.run, &row);
                return Ok(after(claim, progress));
            }
            Err(error) if refused_writes(&ended.outcome, &error) => {
                ended.outcome = Outcome::Stopped(Stop::Failed(write_failure(&error)));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn refused_writes(outcome: &Outcome, error: &StoreError) -> bool {
    let refused = matches!(
        error.kind,
        StoreErrorKind::Statement | StoreErrorKind::Constraint | StoreErrorKind::Denied
    );
    refused && matches!(outcome, Outcome::Done(done) if !done.writes.is_empty())
}

fn write_failure(error: &StoreError) -> Failure {
    let kind = match error.kind {
        StoreErrorKind::Denied => FailureKind::Denied,
        _ => FailureKind::Internal,
    };
    Failure {
        kind,
        message: format!("a deferred write was refused: {error}"),
        retryable: false,
    }
}

fn record(work: &Work<'_>, claim: &Claim, rows: &[StageRun], ended: &Ended<'_>) -> Record {
    let follow = ended.stage.follow(ended.outcome.name());
    let (outcome, follow) = match plan::bounded(work.pipeline, rows, follow) {
        Ok(follow) => (ended.outcome.clone(), follow),
        Err(problem) => {
            let detail = format!("{}; {problem}", ended.outcome.detail());
            let failure = Stop::failed(FailureKind::Config, detail);
            (Outcome::Stopped(failure), Follow::End)
        }
    };
    let follow = if follow == Follow::Hold && held_too_long(work, rows, ended) {
        Follow::End
    } else {
        follow
    };
    let row = StageRun {
        run: claim.run.id.clone(),
        stage: ended.stage.id().to_owned(),
        visit: plan::next_visit(rows, ended.stage.id()),
        handler: ended.handler.to_owned(),
        attempts: ended.attempts,
        outcome,
        follow: name(&follow),
        superseded: follow == Follow::Hold,
        started_at: ended.started_at,
        finished_at: Timestamp::now(),
    };
    let superseded = match &follow {
        Follow::Goto(target) => work.pipeline.downstream(target).into_iter().collect(),
        _ => Vec::new(),
    };
    let progress = progress(work, rows, &row, &superseded, ended.spent);
    Record {
        row,
        superseded,
        progress,
        plugin: plugin_of(work, ended.handler),
    }
}

/// Whether the stage has been waiting for longer than the whole run may take.
fn held_too_long(work: &Work<'_>, rows: &[StageRun], ended: &Ended<'_>) -> bool {
    let first = holds(rows, ended.stage.id())
        .map(|row| row.started_at)
        .min();
    let waited = first.map(|first| ended.started_at.duration_since(first));
    waited.is_some_and(|waited| waited.unsigned_abs() > work.pipeline.budget.0)
}

fn holds<'r>(rows: &'r [StageRun], stage: &'r str) -> impl Iterator<Item = &'r StageRun> {
    rows.iter()
        .filter(move |row| row.stage == stage && row.follow == "hold")
}

/// What becomes of the run once this checkpoint counts.
fn progress(
    work: &Work<'_>,
    rows: &[StageRun],
    row: &StageRun,
    superseded: &[String],
    spent: Duration,
) -> Progress {
    let now = Timestamp::now();
    if row.follow == "hold" {
        let held = holds(rows, &row.stage).count();
        let wake_at = wake(&row.outcome, held, now);
        let detail = format!("{}: {}", row.stage, row.outcome.detail());
        return Progress {
            status: RunStatus::Waiting,
            detail,
            spent,
            wake_at,
        };
    }
    let mut all = rows.to_vec();
    all.push(row.clone());
    for row in all.iter_mut().filter(|row| superseded.contains(&row.stage)) {
        row.superseded = true;
    }
    match plan::next(work.pipeline, &all) {
        Next::Ended(End { status, detail }) => Progress {
            status,
            detail,
            spent,
            wake_at: now,
        },
        Next::Stage(_) | Next::Gate(_) => Progress {
            status: RunStatus::Running,
            detail: String::new(),
            spent,
            wake_at: now,
        },
    }
}

fn wake(outcome: &Outcome, held: usize, now: Timestamp) -> Timestamp {
    if let Outcome::Stopped(Stop::Deferred { until, .. }) = outcome {
        return *until;
    }
    let doubled = 1_u32
        .checked_shl(u32::try_from(held).unwrap_or(31))
        .unwrap_or(u32::MAX);
    let pause = FIRST_HOLD.saturating_mul(doubled).min(LONGEST_HOLD);
    now.checked_add(pause).unwrap_or(now)
}

fn name(follow: &Follow) -> String {
    match follow {
        Follow::Continue => "continue".to_owned(),
        Follow::Hold => "hold".to_owned(),
        Follow::Skip => "skip".to_owned(),
        Follow::End => "end".to_owned(),
        Follow::Fail => "fail".to_owned(),
        Follow::Goto(stage) => format!("goto:{stage}"),
    }
}

fn plugin_of(work: &Work<'_>, handler: &str) -> Option<(String, Grants)> {
    match &work.line_up.registry.get(handler)?.origin {
        Origin::Native { .. } => None,
        Origin::Plugin { name, .. } => Some((
            name.clone(),
            work.line_up.grants.get(name).cloned().unwrap_or_default(),
        )),
    }
}

async fn commit(engine: &Engine, claim: &Claim, record: Record) -> Result<(), StoreError> {
    let claim = claim.clone();
    let insert = stage_runs::insert(&record.row)?;
    engine
        .store
        .write(move |transaction| {
            Box::pin(async move {
                let end = record.progress.status;
                runs::record(transaction, &claim, record.progress).await?;
                transaction.execute(insert).await?;
                for stage in &record.superseded {
                    transaction
                        .execute(stage_runs::supersede(&claim.run.id, stage))
                        .await?;
                }
                if let Outcome::Done(done) = record.row.outcome {
                    carry_out_writes(transaction, done.writes, record.plugin).await?;
                }
                note_policy(transaction, &claim.run, end).await
            })
        })
        .await
}

async fn carry_out_writes(
    transaction: &mut Transaction<'_>,
    writes: Vec<Statement>,
    plugin: Option<(String, Grants)>,
) -> Result<(), StoreError> {
    for statement in writes {
        match &plugin {
            None => transaction.execute(statement).await?,
            Some((name, grants)) => {
                granted::execute_deferred(transaction, name, grants, statement).await?
            }
        };
    }
    Ok(())
}

/// A policy's last end is noted with the end itself.
async fn note_policy(
    transaction: &mut Transaction<'_>,
    run: &Run,
    status: RunStatus,
) -> Result<(), StoreError> {
    let Some(policy) = run.pipeline.strip_prefix("policy:") else {
        return Ok(());
    };
    if status.is_final() {
        let now = transaction.clock().await?;
        let note = policy_runs::upsert(policy, &run.id, status.as_str(), now);
        transaction.execute(note).await?;
    }
    Ok(())
}

/// End a run whose checkpoints say that nothing is left.
pub(super) async fn finish(engine: &Engine, claim: &Claim, end: End) -> Result<Run, EngineError> {
    let spent = claim.run.spent;
    let wake_at = Timestamp::now();
    let progress = Progress {
        status: end.status,
        detail: end.detail,
        spent,
        wake_at,
    };
    let (owned, kept) = (claim.clone(), progress.clone());
    engine
        .store
        .write(move |transaction| {
            Box::pin(async move {
                let status = kept.status;
                runs::record(transaction, &owned, kept).await?;
                note_policy(transaction, &owned.run, status).await
            })
        })
        .await?;
    Ok(after(claim, progress))
}

/// Ask the person, and give the lease back.
pub(super) async fn open_gate(
    engine: &Engine,
    claim: &Claim,
    stage: &Stage,
    rows: &[StageRun],
) -> Result<Run, EngineError> {
    let question = stage
        .gate
        .as_ref()
        .map_or(String::new(), |gate| gate.get_ref().clone());
    let gate = Gate {
        run: claim.run.id.clone(),
        stage: stage.id().to_owned(),
        visit: plan::next_visit(rows, stage.id()),
        question: question.clone(),
        task: task_of(rows),
        opened_at: Timestamp::now(),
        decision: None,
        feedback: None,
        decided_by: None,
        decided_at: None,
    };
    let progress = Progress {
        status: RunStatus::Gated,
        detail: format!("{}: {question}", stage.id()),
        spent: claim.run.spent,
        wake_at: gate.opened_at,
    };
    let (owned, kept) = (claim.clone(), progress.clone());
    engine
        .store
        .write(move |transaction| {
            Box::pin(async move {
                runs::record(transaction, &owned, kept).await?;
                transaction.execute(gates::insert(&gate)).await?;
                Ok(())
            })
        })
        .await?;
    Ok(after(claim, progress))
}

/// The task that a stage before the gate wrote as key `task`.
fn task_of(rows: &[StageRun]) -> Option<String> {
    plan::live(rows).find_map(|row| match &row.outcome {
        Outcome::Done(done) => done.patch.get("task")?.as_str().map(str::to_owned),
        Outcome::Stopped(_) => None,
    })
}

fn after(claim: &Claim, progress: Progress) -> Run {
    let finished_at = progress.status.is_final().then(Timestamp::now);
    Run {
        status: progress.status,
        detail: progress.detail,
        spent: progress.spent,
        wake_at: progress.wake_at,
        finished_at,
        ..claim.run.clone()
    }
}
