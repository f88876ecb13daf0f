//! A person decides: the decision, the gate's checkpoint, the task and the run change in one
//! transaction, so that an approval without a resume cannot be.

use jiff::Timestamp;

use super::EngineError;
use crate::outcome::{Done, Outcome, Patch, Stop};
use crate::store::gates::{self, Decision, Gate};
use crate::store::stage_runs::{self, StageRun};
use crate::store::{Store, StoreError, StoreErrorKind, timestamp};
use crate::value::Statement;

/// Approve or reject an open gate. Approval queues the run again; rejection ends it, and
/// its task, as rejected.
pub async fn decide(
    store: &Store,
    gate: Gate,
    decision: Decision,
    by: &str,
    feedback: &str,
) -> Result<(), EngineError> {
    let (by, feedback) = (by.to_owned(), feedback.to_owned());
    store
        .write(move |transaction| {
            Box::pin(async move {
                let now = transaction.clock().await?;
                let decided = gates::decide(&gate, decision, &by, &feedback, now);
                if transaction.execute(decided).await? != 1 {
                    return Err(decided_before(&gate));
                }
                let row = checkpoint(&gate, decision, &by, &feedback, timestamp(now));
                transaction.execute(stage_runs::insert(&row)?).await?;
                for statement in consequences(&gate, decision, &feedback, now) {
                    transaction.execute(statement).await?;
                }
                Ok(())
            })
        })
        .await?;
    Ok(())
}

fn decided_before(gate: &Gate) -> StoreError {
    let message = format!(
        "gate `{}` of run {} is decided already",
        gate.stage, gate.run
    );
    StoreError::new(StoreErrorKind::Constraint, message)
}

fn checkpoint(
    gate: &Gate,
    decision: Decision,
    by: &str,
    feedback: &str,
    now: Timestamp,
) -> StageRun {
    let (outcome, follow) = match decision {
        Decision::Approved => (Outcome::Done(Done::new(Patch::new())), "continue"),
        Decision::Rejected => {
            let detail = format!("rejected by {by}: {feedback}");
            (Outcome::Stopped(Stop::rejected("gate", detail)), "end")
        }
    };
    StageRun {
        run: gate.run.clone(),
        stage: gate.stage.clone(),
        visit: gate.visit,
        handler: "gate".to_owned(),
        attempts: 1,
        outcome,
        follow: follow.to_owned(),
        superseded: false,
        started_at: gate.opened_at,
        finished_at: now,
    }
}

fn consequences(gate: &Gate, decision: Decision, feedback: &str, now: i64) -> Vec<Statement> {
    match decision {
        Decision::Approved => {
            let sql = "UPDATE runs SET status = 'queued', wake_at = $2 \
                WHERE id = $1 AND status = 'gated'";
            vec![Statement::new(sql).bind(&gate.run).bind(now)]
        }
        Decision::Rejected => {
            let sql = "UPDATE runs SET status = 'rejected', detail = $3, finished_at = $2 \
                WHERE id = $1 AND status = 'gated'";
            let detail = format!("{}: rejected: {feedback}", gate.stage);
            let run = Statement::new(sql).bind(&gate.run).bind(now).bind(detail);
            let sql = "UPDATE tasks SET status = 'rejected', updated_at = $2 WHERE id = $1";
            let task = gate
                .task
                .as_ref()
                .map(|task| Statement::new(sql).bind(task).bind(now));
            std::iter::once(run).chain(task).collect()
        }
    }
}
