//! What the log of a worker says of runs, at `info`: taken, a stage ended, a gate opened, given
//! back, ended. What is said is committed.

use crate::shown::cut;
use crate::store::checkpoints::Then;
use crate::store::gates::{Gate, GateVerdict};
use crate::store::runs::Run;
use crate::store::stage_runs::StageRun;

/// Characters of a detail in a line.
const TOLD: usize = 1_000;

/// A run begins, or goes on after its checkpoints so far.
pub(super) fn taken(run: &Run, rows: &[StageRun]) {
    let (id, pipeline, origin) = (&run.id, &run.pipeline, &run.origin);
    if rows.is_empty() {
        tracing::info!(run = id, pipeline, %origin, "run started");
    } else {
        tracing::info!(run = id, pipeline, checkpoints = rows.len(), "run goes on");
    }
}

pub(super) fn stage_ended(row: &StageRun) {
    let took = row.finished_at.duration_since(row.started_at).as_millis();
    tracing::info!(
        run = row.run,
        stage = row.stage,
        visit = row.visit,
        handler = %row.what,
        outcome = row.outcome.name(),
        then = %row.follow,
        duration_ms = u64::try_from(took).unwrap_or_default(),
        detail = cut(row.outcome.detail(), TOLD),
        "stage ended"
    );
}

pub(super) fn gates_opened(gates: &[Gate]) {
    for gate in gates {
        let (run, stage, question) = (&gate.run, &gate.stage, &gate.question);
        tracing::info!(run, stage, question, "gate opened");
    }
}

pub(super) fn gates_settled(settled: &[(Gate, GateVerdict)]) {
    for (gate, verdict) in settled {
        let (run, stage, by) = (&gate.run, &gate.stage, &verdict.by);
        tracing::info!(run, stage, by, "gate settled");
    }
}

/// The run ended, or rests; nothing is said of one that goes on.
pub(super) fn given_back(run: &Run, then: &Then) {
    let (id, pipeline) = (&run.id, &run.pipeline);
    match then {
        Then::GoOn { .. } => {}
        Then::Rest { status, detail, .. } => {
            tracing::info!(
                run = id,
                pipeline,
                status = status.as_str(),
                detail = cut(detail, TOLD),
                "run rests"
            );
        }
        Then::End { status, detail } => {
            tracing::info!(
                run = id,
                pipeline,
                status = status.as_str(),
                detail = cut(detail, TOLD),
                "run ended"
            );
        }
    }
}
