//! What starts by itself: the plan of a revision. The store keeps when each of it is due, and
//! starts it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{EngineError, run_of};
use crate::outcome::Patch;
use crate::pipeline::Pipeline;
use crate::policy::{self, Policy};
use crate::schedule::Overlap;
use crate::store::runs::RunOrigin;
use crate::store::schedules::{Cadence, PlannedStart, Timetable};

/// The plan of a revision: the schedules of its pipelines, those of policies among them, and
/// the pauses of its policies. What cannot be planned is told to the log.
pub fn plan<'p>(
    revision: i64,
    pipelines: &BTreeMap<String, Arc<Pipeline>>,
    policies: impl Iterator<Item = &'p Policy>,
) -> Timetable {
    let policies = policies.filter_map(|policy| {
        let pipeline = pipelines.get(&policy::pipeline(policy.name.get_ref()))?;
        Some(upkeep(revision, pipeline, policy, policy.every?.0))
    });
    let scheduled = pipelines
        .values()
        .flat_map(|pipeline| clockwork(revision, pipeline));
    let planned = scheduled.chain(policies);
    let schedules = planned.filter_map(|(name, planned)| match planned {
        Ok(planned) => Some((name, planned)),
        Err(error) => {
            tracing::error!(schedule = name, %error, "the schedule starts nothing");
            None
        }
    });
    Timetable {
        revision,
        schedules: schedules.collect(),
    }
}

/// Schedules by the clock, named by what they start and when: changed times begin anew.
fn clockwork(
    revision: i64,
    pipeline: &Pipeline,
) -> impl Iterator<Item = (String, Result<PlannedStart, EngineError>)> {
    pipeline.schedules.iter().map(move |schedule| {
        let name = format!("{}: {}", pipeline.name(), schedule.when);
        let origin = RunOrigin::Schedule(name.clone());
        let run = run_of(pipeline, revision, schedule.input.clone(), origin);
        let planned = run.map(|run| PlannedStart {
            cadence: Cadence::Clock(schedule.clone()),
            enabled: schedule.enabled,
            run,
        });
        (name, planned)
    })
}

/// The pause of a policy, named as its runs are.
fn upkeep(
    revision: i64,
    pipeline: &Pipeline,
    policy: &Policy,
    pause: Duration,
) -> (String, Result<PlannedStart, EngineError>) {
    let origin = RunOrigin::Policy(policy.name.get_ref().clone());
    let run = run_of(pipeline, revision, Patch::new(), origin);
    let planned = run.map(|run| PlannedStart {
        cadence: Cadence::Pause(pause),
        enabled: policy.enabled,
        run,
    });
    (pipeline.name().to_owned(), planned)
}

/// The gate at which a schedule stops: no run of it starts beside one that waits there, and only a
/// person decides it.
pub fn stops_at<'p>(planned: &PlannedStart, pipeline: &'p Pipeline) -> Option<&'p str> {
    let Cadence::Clock(schedule) = &planned.cadence else {
        return None;
    };
    match schedule.overlap {
        Overlap::Skip | Overlap::Queue => pipeline.waits_at(),
        Overlap::Replace | Overlap::Allow => None,
    }
}

/// What to do about a schedule that stops at a gate, for a person.
pub fn goes_on(gate: &str) -> String {
    format!(
        "decide gate `{gate}` each time, write an `expiry` at it, or `overlap = \"allow\"` at the \
         schedule"
    )
}
