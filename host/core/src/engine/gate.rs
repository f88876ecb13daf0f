//! A person decides: the decision, the gate's checkpoint and the run's next step change in one
//! transaction, so that an approval without a resume cannot be.

use super::{Engine, EngineError};
use super::{checkpoint, plan};
use crate::fault;
use crate::outcome::{Done, Outcome, Patch, Stop};
use crate::pipeline::{Follow, Lapse, Pipeline, Stage};
use crate::store::decisions::{self, GateDecision};
use crate::store::gates::{self, Decision, Gate, GateVerdict, NOBODY};
use crate::store::stage_runs::{self, StageRun};
use crate::store::steering::SteerRefusal;
use crate::store::{Store, StoreError, StoreErrorKind, holders, runs};

/// How often a decision is made anew because the run went on meanwhile.
const TRIES: usize = 16;

/// Decide an open gate. The run goes on by itself, or with [`Engine::carry_out`].
pub async fn decide(engine: &Engine, gate: &Gate, verdict: GateVerdict) -> Result<(), EngineError> {
    for _ in 0..TRIES {
        let decided = decided(engine, gate, verdict.clone()).await?;
        fault::point("before-approval");
        let answer = decisions::keep(&engine.store, decided).await?;
        match answer {
            Ok(_) => {
                fault::point("after-approval");
                engine.store.wake().await;
                return Ok(());
            }
            // Whether or not a worker was there in time.
            Err(SteerRefusal::Lapsed) => {
                match Box::pin(decide(engine, gate, lapse())).await {
                    Err(error) if is_refused(&error) => {
                        tell(engine, gate, &error).await?;
                        let mut gate = gate.clone();
                        gate.expires_at = None;
                        return Box::pin(decide(engine, &gate, verdict)).await;
                    }
                    lapsed => lapsed?,
                }
                let how = "lapsed before that: nobody decided in time, and what follows is what \
                    its `expiry` says";
                return Err(refused(
                    gate,
                    format!("stood before gate `{}`, which {how}", gate.stage),
                ));
            }
            // A stage of the run has just ended: what follows is found anew.
            Err(SteerRefusal::Changed) => {}
            Err(refusal) => return Err(refused(gate, refusal.to_string())),
        }
    }
    Err(refused(gate, SteerRefusal::Changed.to_string()))
}

/// The decision as it follows from the run as it stands.
async fn decided(
    engine: &Engine,
    gate: &Gate,
    verdict: GateVerdict,
) -> Result<GateDecision, EngineError> {
    // The holder first: what changes after that is noticed by its signals.
    let holder = holders::of(&engine.store, &gate.run).await?;
    let signals = holder.map_or(0, |holder| holder.told.signals);
    let run = run_of(&engine.store, gate).await?;
    let runnable = engine.runnables.at(run.revision, run.settings.as_deref());
    let runnable = runnable.await?;
    let pipeline = runnable.pipelines.get(&run.pipeline);
    let pipeline = pipeline.ok_or_else(|| EngineError::NoPipeline(run.pipeline.clone()))?;
    let stage = pipeline.stage(&gate.stage);
    let stage = stage.ok_or_else(|| refused(gate, "has no such gate any more".to_owned()))?;
    let rows = stage_runs::of_run(&engine.store, &gate.run).await?;
    let (outcome, follow) = consequence(pipeline, stage, &rows, gate, &verdict)?;
    let superseded = match &follow {
        Follow::Goto(target) => pipeline.downstream(target).into_iter().collect(),
        _ => Vec::new(),
    };
    let row = checkpoint::decided(gate, &rows, (outcome, follow), engine.clock.now());
    Ok(GateDecision {
        gate: gate.clone(),
        verdict,
        row,
        signals,
        superseded,
    })
}

/// What a person at a gate can have made anew, by name.
pub async fn parts(engine: &Engine, gate: &Gate) -> Result<Vec<String>, EngineError> {
    let Some(run) = runs::by_id(&engine.store, &gate.run).await? else {
        return Ok(Vec::new());
    };
    let runnable = engine.runnables.at(run.revision, None).await?;
    let pipeline = runnable.pipelines.get(&run.pipeline);
    let stage = pipeline.and_then(|pipeline| pipeline.stage(&gate.stage));
    let parts = stage.map(|stage| stage.regenerate.keys().cloned().collect());
    Ok(parts.unwrap_or_default())
}

async fn run_of(store: &Store, gate: &Gate) -> Result<runs::Run, EngineError> {
    let run = runs::by_id(store, &gate.run).await?;
    let run = run.filter(|run| !run.status.is_final());
    run.ok_or_else(|| refused(gate, "has ended".to_owned()))
}

/// The gate's outcome and what follows from it.
fn consequence(
    pipeline: &Pipeline,
    stage: &Stage,
    rows: &[StageRun],
    gate: &Gate,
    verdict: &GateVerdict,
) -> Result<(Outcome, Follow), EngineError> {
    let approved = || Outcome::Done(Done::new(Patch::new()));
    let rejected = |rule: &str, detail: String| Outcome::Stopped(Stop::rejected(rule, detail));
    let feedback = &verdict.feedback;
    let lapsed = stage.expiry.map(|expiry| expiry.lapse);
    let (outcome, follow) = match (verdict.decision, lapsed) {
        (Decision::Approved, _) | (Decision::Expired, Some(Lapse::Approved)) => {
            (approved(), stage.follow("done"))
        }
        (Decision::Regenerated, _) => {
            let part = verdict.part.as_deref().unwrap_or_default();
            let follow = Follow::Goto(part_of(stage, part, gate)?);
            (rejected("regenerate", feedback.clone()), follow)
        }
        (Decision::Rejected | Decision::Withdrawn, _) => (
            rejected("rejected", feedback.clone()),
            stage.follow("rejected"),
        ),
        (Decision::Expired, _) => {
            let detail = "nobody decided in time".to_owned();
            (rejected("expired", detail), stage.follow("rejected"))
        }
    };
    match plan::bounded(pipeline, rows, follow) {
        Ok(follow) => Ok((outcome, follow)),
        // No person is there to decide otherwise: as with a stage's, a loop past its bound ends.
        Err(problem) if verdict.decision == Decision::Expired => {
            let detail = format!("nobody decided in time; {problem}");
            Ok((rejected("expired", detail), Follow::End))
        }
        // It was said that it is not to be; where it can't go back, it ends.
        Err(problem) if verdict.decision == Decision::Rejected => {
            let said = [feedback.as_str(), &problem];
            let detail = said.into_iter().filter(|text| !text.is_empty());
            let detail = detail.collect::<Vec<_>>().join("; ");
            Ok((rejected("rejected", detail), Follow::End))
        }
        Err(problem) => {
            let problem = format!("cannot go back: {problem}; approve or reject it");
            Err(refused(gate, problem))
        }
    }
}

/// The stage that makes a part.
fn part_of(stage: &Stage, part: &str, gate: &Gate) -> Result<String, EngineError> {
    if let Some(target) = stage.regenerate.get(part) {
        return Ok(target.get_ref().clone());
    }
    let known: Vec<_> = stage
        .regenerate
        .keys()
        .map(|name| format!("`{name}`"))
        .collect();
    let known = if known.is_empty() {
        "it names none: write `regenerate = { part = \"stage\" }` in the gate".to_owned()
    } else {
        format!("it can make {}", known.join(", "))
    };
    Err(refused(gate, format!("cannot make `{part}` anew; {known}")))
}

fn refused(gate: &Gate, problem: String) -> EngineError {
    EngineError::Refused {
        run: gate.run.clone(),
        problem,
    }
}

/// What is decided where no person did in time.
fn lapse() -> GateVerdict {
    GateVerdict {
        decision: Decision::Expired,
        part: None,
        feedback: "nobody decided in time".to_owned(),
        by: NOBODY.to_owned(),
        seen: None,
    }
}

/// Whether the decision itself is refused, for a conflict in what would be approved for example, which no
/// time mends.
fn is_refused(error: &EngineError) -> bool {
    matches!(error, EngineError::Store(said) if said.kind == StoreErrorKind::Constraint)
}

/// Tell of a gate that did not lapse; says whether it is news. One that cannot is a person's from now on.
async fn tell(
    engine: &Engine,
    gate: &Gate,
    error: &EngineError,
) -> Result<Option<bool>, StoreError> {
    let (run, stage) = (&gate.run, &gate.stage);
    let for_good = is_refused(error);
    let on = if for_good {
        "; it waits for a person now"
    } else {
        ""
    };
    let message = format!("gate `{stage}` of run {run} did not lapse: {error}{on}");
    gates::raise(&engine.store, gate, message, for_good).await
}

/// Decide the gates whose time has passed, as their stages say.
pub(super) async fn expire(engine: &Engine) -> Result<(), EngineError> {
    let now = engine.clock.now().as_microsecond();
    for gate in gates::expired(&engine.store, now).await? {
        let Err(error) = decide(engine, &gate, lapse()).await else {
            continue;
        };
        let (run, stage) = (&gate.run, &gate.stage);
        // Only the gate says whether it is decided: a faster decision may have ended the run, too.
        match tell(engine, &gate, &error).await? {
            None => tracing::debug!(run, gate = stage, %error, "decided by another"),
            // It is tried again with each look, and said once.
            Some(true) => tracing::warn!(run, gate = stage, %error, "a gate did not lapse"),
            Some(false) => {}
        }
    }
    Ok(())
}
