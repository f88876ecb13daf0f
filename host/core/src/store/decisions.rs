//! What was decided at a gate, kept at once with what follows from it.

use super::checkpoints::{self, StageRow};
use super::gates::{self, Decision, Gate, GateVerdict};
use super::stage_runs::{self, StageRun};
use super::steering::table::{self, RunState, Signal};
use super::steering::{SteerRefusal, SteerResult, Steered};
use super::tenants::{self, DecidedGate};
use super::{Store, StoreError, StoreErrorKind, Transaction, batch};
use crate::outcome::Outcome;
use crate::pipeline::Follow;
use crate::value::Statement;

/// A decision with the gate's checkpoint.
#[derive(Debug, Clone)]
pub struct GateDecision {
    pub gate: Gate,
    pub verdict: GateVerdict,
    /// It comes right after the checkpoints that the decision was made from.
    pub row: StageRun,
    /// [`RunSignals::signals`](super::leases::RunSignals::signals) when it was made.
    pub signals: i64,
    /// Stages that are visited anew.
    pub superseded: Vec<String>,
}

/// Keep a decision and queue its run, unless a worker has it: then its holder sees a signal.
/// Refused as changed if the run has another checkpoint meanwhile, or another signal, and as lapsed
/// if a person decides it after its time has passed.
pub async fn keep(store: &Store, decided: GateDecision) -> Result<SteerResult, StoreError> {
    store
        .write(move |transaction| Box::pin(keep_in(transaction, decided)))
        .await
}

async fn keep_in(
    transaction: &mut Transaction<'_>,
    decided: GateDecision,
) -> Result<SteerResult, StoreError> {
    let (dialect, run) = (transaction.dialect(), &decided.gate.run);
    let Some(locked) = table::lock(transaction, run).await? else {
        return Ok(table::answer(Signal::Decide, RunState::Ended));
    };
    let answer = table::answer(Signal::Decide, locked.state);
    if answer.is_err() {
        return Ok(answer);
    }
    if locked.signals != decided.signals || locked.newest + 1 != decided.row.step {
        return Ok(Err(SteerRefusal::Changed));
    }
    let now = transaction.clock().await?;
    let expires_at = decided.gate.expires_at.map(super::microseconds);
    let lapsed = expires_at.is_some_and(|at| at <= now);
    if lapsed && decided.verdict.decision != Decision::Expired {
        return Ok(Err(SteerRefusal::Lapsed));
    }
    let decide = gates::decide(&decided.gate, &decided.verdict, now);
    if transaction.execute(decide).await? != 1 {
        let message = format!(
            "gate `{}` of run {run} is decided already",
            decided.gate.stage
        );
        return Err(StoreError::new(StoreErrorKind::Constraint, message));
    }
    tenants::gate_decided(transaction, told(&decided)).await?;
    signal(transaction, run, answer).await?;
    let row = StageRow::of(&decided.row, locked.fence)?;
    let insert = Statement::new(checkpoints::keep(dialect)).bind(batch::rows(&[row])?);
    transaction.execute(insert).await?;
    for stage in &decided.superseded {
        let supersede = stage_runs::supersede(run, stage);
        transaction.execute(supersede).await?;
        // What a gate behind the loop asks is about to change.
        gates::withdraw(transaction, run, stage).await?;
    }
    gates::settled(transaction).await?;
    Ok(answer)
}

/// The same for tenants.
fn told(decided: &GateDecision) -> DecidedGate<'_> {
    DecidedGate {
        gate: &decided.gate,
        verdict: &decided.verdict,
        passed: matches!(decided.row.outcome, Outcome::Done(_)),
        goes_back: matches!(decided.row.follow, Follow::Goto(_)),
    }
}

/// Change a run from outside: its holder, or the next one, looks at it again.
async fn signal(
    transaction: &mut Transaction<'_>,
    run: &str,
    answer: SteerResult,
) -> Result<(), StoreError> {
    let queue = match answer {
        Ok(Steered::Now(status)) => {
            let now = batch::now(transaction.dialect());
            format!(", status = '{status}', wake_at = {now}")
        }
        _ => String::new(),
    };
    let sql = format!("UPDATE open_runs SET signals = signals + 1{queue} WHERE id = $1");
    transaction.execute(Statement::new(sql).bind(run)).await?;
    Ok(())
}
