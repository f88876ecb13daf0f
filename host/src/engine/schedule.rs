//! Upkeep that is due: queue a run for each policy whose time has come.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{Engine, EngineError, LineUp, new_run};
use crate::outcome::Patch;
use crate::policy::Policy;
use crate::store::policy_runs::{self, PolicyRun};
use crate::store::runs;

/// A policy that failed is tried again after this, if its cadence is longer.
const AFTER_FAILURE: Duration = Duration::from_secs(600);

/// Queue every enabled policy that is due and not under way; gives their names.
pub async fn queue_due(
    engine: &Engine,
    line_up: &LineUp,
    policies: &[&Policy],
) -> Result<Vec<String>, EngineError> {
    let last = policy_runs::all(&engine.store).await?;
    let now = Timestamp::now();
    let mut queued = Vec::new();
    for policy in policies
        .iter()
        .filter(|policy| policy.enabled && is_due(policy, &last, now))
    {
        let name = policy.name.get_ref();
        if queue(engine, line_up, name).await? {
            queued.push(name.clone());
        }
    }
    Ok(queued)
}

fn is_due(policy: &Policy, last: &BTreeMap<String, PolicyRun>, now: Timestamp) -> bool {
    let Some(last) = last.get(policy.name.get_ref()) else {
        return true;
    };
    let ended_well = matches!(last.status.as_str(), "done" | "nothing-to-do");
    let pause = if ended_well {
        policy.every.0
    } else {
        policy.every.0.min(AFTER_FAILURE)
    };
    last.finished_at
        .checked_add(pause)
        .is_ok_and(|due| due <= now)
}

/// Queue a policy unless a run of it is under way; says whether it did.
async fn queue(engine: &Engine, line_up: &LineUp, policy: &str) -> Result<bool, EngineError> {
    let origin = format!("policy {policy}");
    let run = new_run(line_up, &format!("policy:{policy}"), Patch::new(), &origin)?;
    let insert = runs::insert(&run, engine.store.dialect())?;
    let queued = engine.store.write(move |transaction| {
        Box::pin(async move {
            if runs::is_open(transaction, &run.pipeline).await? {
                return Ok(false);
            }
            transaction.execute(insert).await?;
            Ok(true)
        })
    });
    let queued = queued.await?;
    engine.store.wake().await;
    Ok(queued)
}
